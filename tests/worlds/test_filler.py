"""Questions hidden in a user's own texts."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from longread.errors import InputError, UsageError
from longread.worlds.longbook import TASKS, Filler, make, parse_length, prove
from tests.worlds.books import digest, text

_PROSE = [task for task in TASKS if task not in ("code", "table")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    at = tmp_path / "letters"
    at.mkdir()
    for number in range(6):
        paragraphs = [
            f"Letter {number}, part {part}. Dear Änne, the weather hölds. “It will last,” they said!\n"
            f"We went to see the locks again; {part * 7} boats were waiting. Nothing else to tell."
            for part in range(30)
        ]
        (at / f"{number}.txt").write_text("\n\n".join(paragraphs))
    return at


@pytest.mark.parametrize("task", TASKS)
def test_samples_hold_with_filler(task: str, folder: Path):
    filler = Filler.from_folder(folder)
    for index in range(3):
        one = make(task, parse_length("16K"), 1, index, filler)
        assert prove(one) == one.sample.answer
        size = sum(len(document.text.encode()) for document in one.corpus)
        assert abs(size / (4 * parse_length("16K")) - 1) < 0.02
        for each in one.sample.evidence:
            assert "hölds" not in one.corpus.text(each.span)


@pytest.mark.parametrize("task", [*_PROSE, "table"])
def test_the_users_words_are_what_is_read(task: str, folder: Path):
    filler = Filler.from_folder(folder)
    one = make(task, parse_length("16K"), 1, 0, filler)
    assert text(one).count("the weather hölds.") > 30
    assert "letters" in one.sample.source and filler.digest in one.sample.source


def test_paragraphs_stay_as_they_are_and_in_order(folder: Path):
    one = make("single", parse_length("16K"), 1, 0, Filler.from_folder(folder))
    at = text(one).index("Letter 3, part 9.")
    after = text(one)[at:]
    assert after.index("63 boats") < after.index("Letter 3, part 10.")
    assert "they said!\nWe went" in text(one)


def test_other_words_make_other_samples_and_the_same_words_the_same(folder: Path):
    first = make("single", 8192, 1, 0, Filler.from_folder(folder))
    assert digest(make("single", 8192, 1, 0, Filler.from_folder(folder))) == digest(first)
    assert digest(
        make("single", 8192, 1, 0, pickle.loads(pickle.dumps(Filler.from_folder(folder))))
    ) == digest(first)
    (folder / "3.txt").write_text("Something else entirely was told here. " * 200)
    assert digest(make("single", 8192, 1, 0, Filler.from_folder(folder))) != digest(first)


def test_one_paragraph_longer_than_the_book_will_do(tmp_path: Path):
    (tmp_path / "a.txt").write_text("All of this is one paragraph without an end. " * 3_000)
    one = make("single", 4096, 1, 0, Filler.from_folder(tmp_path))
    size = sum(len(document.text.encode()) for document in one.corpus)
    assert abs(size / (4 * 4096) - 1) < 0.02
    assert prove(one) == one.sample.answer


def test_too_little_text_is_an_error(tmp_path: Path):
    (tmp_path / "a.txt").write_text("Too short.")
    with pytest.raises(UsageError, match="holds 12 bytes"):
        Filler.from_folder(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(InputError):
        Filler.from_folder(tmp_path / "nowhere")
