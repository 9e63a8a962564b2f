"""Quotable units: exact, in order, and what a reader would quote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.reading.sentences import LONGEST, quotes

KINDS = ["text", "code", "markdown", "html", "pdf", "table", "json"]

# What makes parsers trip: brackets, quotation marks, escapes and line ends in any order.
awkward = st.text(st.sampled_from("ab1 \n\t\"'\\#()[]{}:;,.@*|-。「」あ漢") | st.characters(), max_size=400)


@given(awkward, st.sampled_from(KINDS))
def test_units_are_ordered_separate_and_never_blank(text: str, kind: str) -> None:
    end = 0
    for a, b in quotes(text, kind):
        assert end <= a < b <= len(text)
        assert text[a:b] == text[a:b].strip()
        assert any(c.isalnum() for c in text[a:b])
        end = b


@given(st.lists(st.text("abc XYZ", min_size=1), min_size=1), st.sampled_from(KINDS))
def test_no_word_is_lost(lines: list[str], kind: str) -> None:
    text = "\n".join(lines)
    kept = "".join(text[a:b] for a, b in quotes(text, kind))
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@pytest.mark.parametrize("kind", KINDS)
def test_long_units_are_cut(kind: str) -> None:
    text = "a word, and another one " * 200
    assert max(b - a for a, b in quotes(text, kind)) <= LONGEST


def units(text: str, kind: str) -> list[str]:
    return [text[a:b] for a, b in quotes(text, kind)]


def test_sentences_survive_wrapping_and_abbreviations() -> None:
    text = "Dr. Smith spoke to the members for a long time about\nthe matter. Nobody answered.\n\n"
    text += "A title\n\n- one\n- two"
    assert units(text, "text") == [
        "Dr. Smith spoke to the members for a long time about\nthe matter.",
        "Nobody answered.",
        "A title",
        "- one",
        "- two",
    ]


def test_chinese_and_japanese_sentences() -> None:
    text = "彼は言った。「行こう！」そして出た。本社は大阪にある。"
    assert units(text, "text") == ["彼は言った。", "「行こう！」", "そして出た。", "本社は大阪にある。"]


CODE = '''@register
class Server(Base):
    """Serves requests.

    It takes one at a time.
    """

    size = 5

    # Called by the constructor,
    # never by others.
    def listen(self, backlog,
               address=None):
        """Opens the socket."""
        raise ServerError(
            backlog)
'''


def test_code_units_are_definitions_and_statements() -> None:
    assert units(CODE, "code") == [
        '@register\nclass Server(Base):\n    """Serves requests.',
        "It takes one at a time.",
        "size = 5",
        "# Called by the constructor,\n    # never by others.",
        'def listen(self, backlog,\n               address=None):\n        """Opens the socket."""',
        "raise ServerError(\n            backlog)",
    ]


def test_a_fragment_that_begins_inside_a_docstring_is_read_rightly() -> None:
    fragment = CODE[CODE.index("It takes") :]
    assert units(fragment, "code") == units(CODE, "code")[1:]


def test_small_json_records_stay_whole_with_their_key() -> None:
    text = (
        '{"Government": {"Capital": {"name": "Turin", "note": "x"}, "Text": "'
        + "long words here. " * 40
        + '"}}'
    )
    found = units(text, "json")
    assert '"Capital": {"name": "Turin", "note": "x"}' in found
    assert "long words here." in found


def test_a_table_row_may_hold_line_ends_in_a_cell() -> None:
    assert units('name,note\nA,"two\nlines"\nB,one\n', "table") == ["name,note", 'A,"two\nlines"', "B,one"]
