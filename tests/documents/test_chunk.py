"""Chunks tile their documents, respect the limit and end where a reader would pause."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.documents.boundaries import boundary
from longread.documents.chunk import PIECE_OVERHEAD, split_corpus
from longread.errors import UsageError
from longread.types import Chunk, Document


def by_bytes(text: str) -> int:
    return -(-len(text.encode("utf-8")) // 4)


def by_words(text: str) -> int:
    """Counts like a tokenizer whose tokens merge across what was joined: not additive, uneven."""
    return len(text.split()) + text.count("e") * 2 + len(text) // 7


def by_zigzag(text: str) -> int:
    """Not even monotone in the text."""
    return len(text) // 3 + (len(text) * 7919) % 5


COUNTS: list[Callable[[str], int]] = [by_bytes, len, by_words, by_zigzag]
ALPHABET = "aeb .\n\n,;!?#=-\t\"'()\r人工。！？、　猫は\u0301\u0308\u200d👩🏽🇯🇵é\u2028"
KINDS = ["text", "code", "markdown", "html", "table", "json"]


@st.composite
def documents(draw: st.DrawFn) -> list[Document]:
    made = []
    for number in range(draw(st.integers(0, 6))):
        unit = draw(st.text(alphabet=ALPHABET, max_size=60) | st.text(max_size=20))
        text = draw(st.text(max_size=10)) + unit * draw(st.integers(0, 60))
        pages = sorted(draw(st.sets(st.integers(1, max(1, len(text))), max_size=4)))
        kind = draw(st.sampled_from(KINDS))
        header = text[: draw(st.integers(0, 10))] if kind == "table" else ""
        made.append(Document(str(number), f"{number}.txt", text, kind, pages=(0, *pages), header=header))
    return made


def cost(chunk: Chunk, documents: list[Document], count: Callable[[str], int]) -> int:
    by_id = {document.id: document for document in documents}
    total = 0
    for doc, start, end in chunk.spans:
        header = by_id[doc].header
        total += PIECE_OVERHEAD + count(by_id[doc].text[start:end])
        total += count(header + "\n") if header and start else 0
    return total


@given(documents(), st.integers(100, 2000), st.sampled_from(COUNTS))
@settings(max_examples=300, deadline=None)
def test_chunks_tile_every_document_exactly_and_none_exceeds_the_limit(
    documents: list[Document], limit: int, count: Callable[[str], int]
) -> None:
    chunks = split_corpus(documents, limit, count)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    spans = [span for chunk in chunks for span in chunk.spans]
    order = [span.doc for span in spans]
    assert order == sorted(order, key=int)
    for document in documents:
        pieces = [span for span in spans if span.doc == document.id]
        assert all(span.start < span.end for span in pieces)
        assert [span.start for span in pieces] == [0, *(span.end for span in pieces)][: len(pieces)]
        assert "".join(document.text[span.start : span.end] for span in pieces) == document.text
    for chunk in chunks:
        assert chunk.tokens == cost(chunk, documents, count) <= limit
    assert split_corpus(documents, limit, count) == chunks


@pytest.mark.parametrize(
    "cluster",
    ["e\u0301\u0308", "👩🏽\u200d👩🏽", "🇯🇵", "\r\n", " \u0301"],
    ids=["marks", "joined", "flag", "crlf", "space"],
)
def test_no_cut_parts_what_is_shown_as_one_character(cluster: str) -> None:
    document = Document("d", "d", cluster * 200)
    ends = {boundary(document, high - 20, high) for high in range(100, 300)}
    assert len(ends) > 10
    assert all(end % len(cluster) == 0 for end in ends)


def test_marks_piled_up_without_end_are_cut() -> None:
    assert boundary(Document("d", "d", "e" + "\u0301" * 1000), 400, 500) == 500


def test_short_documents_share_chunks_and_long_ones_fill_many() -> None:
    short = [Document(str(i), str(i), "word " * 80) for i in range(10)]
    chunks = split_corpus([*short, Document("long", "long", "word " * 4000)], 500, by_bytes)
    assert [len(chunk.spans) for chunk in chunks[:3]] == [4, 4, 3]
    assert {span.doc for chunk in chunks[3:] for span in chunk.spans} == {"long"}
    assert all(chunk.tokens > 300 for chunk in chunks[:-1])


def test_document_that_does_not_fit_starts_a_new_chunk_only_when_the_current_is_half_full() -> None:
    half, most = Document("0", "0", "a " * 700), Document("1", "1", "b " * 1500)
    assert [len(c.spans) for c in split_corpus([half, most], 1000, by_bytes)] == [2, 1]
    over_half = Document("0", "0", "a " * 1100)
    assert [len(c.spans) for c in split_corpus([over_half, most], 1000, by_bytes)] == [1, 1]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("markdown", "text text\n\ntext\n", "# Heading\ntext\n\n"),
        ("markdown", "text text\n\ntext\n", "Heading\n=======\ntext\n\n"),
        ("code", "    x = 1\n\n    y = 2\n", "# about f\n@cached\ndef f():\n    z = 3\n\n"),
        ("code", "  x;\n\n  y;\n}\n", "export async function f() {\n  z;\n"),
        ("text", "One line.\nTwo. Lines.\n\n", "Next paragraph. It\ngoes on. "),
        ("table", "1,2. 3\n", "4,5. 6"),
        ("text", "One sentence ends here. ", "Another begins and goes on"),
        ("text", "这是第一句。", "这是第二句，还没有完"),
        ("text", "「もう一度。」", "と言って、それから"),
        ("text", "no sentence in ", "sight"),
        ("text", "hard", ""),
    ],
)
def test_boundary_prefers_the_strongest_break_near_the_end(kind: str, before: str, after: str) -> None:
    start = "x" * 100
    document = Document("d", "d", start + before + after + "x", kind)
    at = boundary(document, 100, len(start + before + after))
    assert document.text[100:at] == before
    assert document.text[at:] == after + "x"


def test_page_break_wins_over_all_other_boundaries() -> None:
    text = "word word.\n\n" * 20
    assert boundary(Document("d", "d", text, "pdf", pages=(0, 185)), 180, 230) == 185


def test_table_header_counts_in_every_piece_below_it() -> None:
    header = "name,value " * 20
    table = Document("t", "t.csv", header + "\n" + "row,1\n" * 2000, "table", header=header)
    chunks = split_corpus([table], 400, by_bytes)
    assert len(chunks) > 8
    assert all(chunk.tokens == cost(chunk, [table], by_bytes) <= 400 for chunk in chunks)
    assert all(table.text[chunk.spans[0].end - 1] == "\n" for chunk in chunks)


def test_limits_that_leave_no_room_for_text_are_refused() -> None:
    with pytest.raises(UsageError, match="at least"):
        split_corpus([Document("d", "d", "text")], 10, by_bytes)
    table = Document("t", "t.csv", "h" * 2000 + "\n" + "row\n" * 500, "table", header="h" * 2000)
    with pytest.raises(UsageError, match=r"t\.csv.*allow at least 1034"):
        split_corpus([table], 300, by_bytes)


def test_the_counter_is_called_about_once_a_chunk_on_text_of_a_chunk() -> None:
    sizes = []

    def count(text: str) -> int:
        sizes.append(len(text))
        return by_bytes(text)

    text = "A sentence of some words. " * 40_000
    chunks = split_corpus([Document("d", "d", text)], 5000, count)
    assert len(sizes) <= 1.5 * len(chunks) + 10
    assert max(sizes) < 40_000


@pytest.mark.parametrize("size", [20_000_000, pytest.param(200_000_000, marks=pytest.mark.slow)])
def test_a_huge_single_line_is_split_without_searching_it_twice(size: int) -> None:
    read = 0

    def count(text: str) -> int:
        nonlocal read
        read += len(text)
        return by_bytes(text)

    document = Document("d", "d", "x" * size)
    chunks = split_corpus([document], 5000, count)
    assert chunks[-1].spans[-1].end == size
    assert read < 1.2 * size
