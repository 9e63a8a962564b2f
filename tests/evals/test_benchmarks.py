"""Loaders of benchmarks against files of the official schemas."""

import http.server
import json
import os
import pickle
import re
import shutil
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest
import tiktoken

from longread.errors import LongreadError, UsageError
from longread.evals import data
from longread.evals.benchmarks import GENERAL, Hub, Item, Options, benchmarks, get_benchmark, kept, mrcr
from longread.evals.benchmarks.general import get_general
from longread.grading import Gold, grade
from longread.types import Corpus
from longread.worlds import longbook, ruler
from longread.worlds.lengths import parse_length
from longread.worlds.nano import questions as nano
from longread.worlds.nano.language import kinds
from tests.evals import samples_benchmarks as samples
from tests.evals.samples_benchmarks import Rows, write_json, write_jsonl, write_parquet, write_zip

Write = Callable[[Path, Rows], Path]
FORMATS: list[Write] = [write_jsonl, write_json, write_parquet]
LOADED = ["corpusqa", "docmath", "frames", "longbench_v1", "longbench_v2", "longmemeval", "mrcr"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(kept, "cache_folder", lambda: folder)
    return folder


@pytest.fixture(autouse=True)
def encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """No download of o200k_base."""
    monkeypatch.setattr(mrcr, "encoding", lambda: None)


def load(name: str, path: Path | None, **options: Any) -> list[Item]:
    return list(get_benchmark(name).items(Options(data=path, **options)))


def official(name: str, folder: Path) -> tuple[Path, Rows]:
    """A file of a benchmark under an official name, and its rows."""
    match name:
        case "corpusqa":
            return write_jsonl(folder / "128k_4domains.jsonl", samples.CORPUSQA), samples.CORPUSQA
        case "docmath":
            return write_parquet(
                folder / "complong_testmini-00000-of-00001.parquet", samples.DOCMATH
            ), samples.DOCMATH
        case "frames":
            return write_jsonl(folder / "test.jsonl", samples.FRAMES), samples.FRAMES
        case "longbench_v1":
            return write_jsonl(folder / "all.jsonl", samples.LONGBENCH_V1), samples.LONGBENCH_V1
        case "longbench_v2":
            return write_json(folder / "data.json", samples.LONGBENCH_V2), samples.LONGBENCH_V2
        case "longmemeval":
            return write_json(folder / "longmemeval_s_cleaned.json", samples.LONGMEMEVAL), samples.LONGMEMEVAL
        case _:
            rows = [samples.mrcr(2), samples.mrcr(4)]
            return write_parquet(folder / "2needle_0.parquet", rows), rows


def texts(corpus: Corpus) -> list[str]:
    return [document.text for document in corpus]


# What each loader makes of its rows


@pytest.mark.parametrize("write", FORMATS)
def test_longbench_v1_takes_five_sets_and_the_first_answer(tmp_path: Path, write: Write) -> None:
    items = load("longbench_v1", write(tmp_path / "rows", samples.LONGBENCH_V1))
    assert [item.groups["set"] for item in items] == [
        "2wikimqa",
        "hotpotqa",
        "musique",
        "narrativeqa",
        "qasper",
    ]
    assert items[0].id == "2wikimqa-2wikimqa00000000"
    assert items[0].question == "Who is meant in 2wikimqa?"
    assert items[0].gold == Gold(("Ada Lovelace",))
    assert "the answer is" in items[0].ending
    assert texts(items[4].material.open().corpus) == [samples.LONGBENCH_V1[4]["context"]]


@pytest.mark.parametrize("layout", ["data.zip", "unpacked", "side by side"])
def test_longbench_v1_reads_the_archive_and_the_folder(tmp_path: Path, layout: str) -> None:
    files = {f"data/{row['dataset']}.jsonl": [row] for row in samples.LONGBENCH_V1}
    path = tmp_path / "copy"
    path.mkdir()
    if layout == "data.zip":
        path = write_zip(path / "data.zip", {**files, "data/trec.jsonl": [{"dataset": "trec"}]})
    for name, rows in files.items() if layout != "data.zip" else ():
        write_jsonl(path / name if layout == "unpacked" else path / Path(name).name, rows)
    items = load("longbench_v1", path)
    assert [item.groups["set"] for item in items] == [row["dataset"] for row in samples.LONGBENCH_V1]


@pytest.mark.parametrize("write", FORMATS)
def test_longbench_v2_puts_choices_into_the_question(tmp_path: Path, write: Write) -> None:
    first, second = load("longbench_v2", write(tmp_path / "rows", samples.LONGBENCH_V2))
    assert first.question.splitlines() == [
        "What is the correct answer to this question: When does the lease end?",
        "Choices:",
        "(A) In May",
        "(B) In June",
        "(C) Never",
        "(D) It is not said",
    ]
    assert first.groups == {"difficulty": "easy", "length": "short", "domain": "Single-Document QA"}
    assert (first.gold, second.gold) == (Gold(("B",)), Gold(("D",)))
    assert "The correct answer is" in first.ending
    assert texts(first.material.open().corpus) == ["The lease runs until the end of June.\nSigned."]


@pytest.mark.parametrize("write", FORMATS)
def test_mrcr_sends_the_chat_and_reads_it_without_the_request(tmp_path: Path, write: Write) -> None:
    row = samples.mrcr(4)
    [item] = load("mrcr", write(tmp_path / "4needle_1.parquet", [row]))
    chat = json.loads(row["prompt"])
    text = item.material.open()
    assert [(message.role, message.text) for message in text.messages] == [
        (m["role"], m["content"]) for m in chat
    ]
    [document] = text.corpus
    assert document.kind == "dialogue"
    assert document.text.startswith("User: write a poem about tapirs, take 0\n\nAssistant: Poem 0: tapir")
    assert chat[-1]["content"] not in document.text
    assert document.locate(document.text.index("Poem 1")).part == "message 4"
    assert item.id == "4needle_1-1"
    assert item.question == chat[-1]["content"]
    assert item.gold == Gold((row["answer"],), row["random_string_to_prepend"])
    assert item.groups["needles"] == "4"


def test_mrcr_bins_by_estimate_say_so(tmp_path: Path) -> None:
    rows = [
        samples.mrcr(words=2500),
        samples.mrcr(words=3000),
        samples.mrcr(words=1),
        samples.mrcr(words=10_000),
    ]
    path = write_parquet(tmp_path / "2needle.parquet", rows)
    bins = [item.groups["bin"] for item in load("mrcr", path)]
    # Three poems of so many words of 6 bytes and an answer, at 4 bytes a token: 15K, 18K, next to none, 60K.
    assert bins == ["~16K", "~32K", "~8K", "~64K"]
    assert "o200k_base" in mrcr.remark()
    chosen = load("mrcr", path, lengths=(16_384, 65_536))
    assert [item.groups["bin"] for item in chosen] == ["~16K", "~64K"]


def test_mrcr_bins_by_tokens_where_the_encoding_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path / "2needle.parquet", [samples.mrcr(words=2500)])
    assert load("mrcr", path)[0].groups["bin"] == "~16K"
    ranks = {bytes([byte]): byte for byte in range(256)}
    of_bytes = tiktoken.Encoding(
        "bytes", pat_str=r"(?s:.)", mergeable_ranks=ranks, special_tokens={"<|x|>": 256}
    )
    monkeypatch.setattr(mrcr, "encoding", lambda: of_bytes)
    assert mrcr.size(["a<|x|>", "é"]) == (8, True)
    assert load("mrcr", path)[0].groups["bin"] == "64K"
    assert mrcr.remark() == ""


def test_mrcr_bins_end_with_their_upper_bound() -> None:
    def bin(tokens: int) -> str:
        return mrcr._bin(mrcr.Size(tokens, True))

    bounds = [4096, 8192, 8193, 16_384, 524_289, 1_048_576]
    assert [bin(tokens) for tokens in bounds] == ["8K", "8K", "16K", "16K", "1M", "1M"]


def test_mrcr_has_no_other_bins(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no bin up to 4K; choose among 8K, 16K"):
        load("mrcr", tmp_path, lengths=(4096,))


@pytest.mark.parametrize("names", [("question", "answer", "articles"), ("Prompt", "Answer", "wiki_items")])
@pytest.mark.parametrize("write", FORMATS)
def test_frames_reads_articles(tmp_path: Path, write: Write, names: tuple[str, str, str]) -> None:
    renamed = dict(zip(("question", "answer", "articles"), names, strict=True))
    rows = [{renamed.get(key, key): value for key, value in row.items()} for row in samples.FRAMES]
    first, second = load("frames", write(tmp_path / "test.jsonl", rows))
    assert texts(first.material.open().corpus) == [
        "The Founder\nBorn in 1800.",
        "The Bridge\nOpened in 1842.",
    ]
    assert first.gold == Gold(("42",))
    assert [first.groups, second.groups] == [
        {"reasoning": "several kinds"},
        {"reasoning": "Multiple constraints"},
    ]


def test_frames_cannot_be_downloaded() -> None:
    with pytest.raises(UsageError, match="--data"):
        load("frames", None)


@pytest.mark.parametrize("write", FORMATS)
def test_docmath_joins_paragraphs_and_knows_the_evidence(tmp_path: Path, write: Write) -> None:
    items = load("docmath", write(tmp_path / "rows", samples.DOCMATH))
    assert [item.groups["subset"] for item in items[::2]] == [
        "complong",
        "compshort",
        "simplong",
        "simpshort",
    ]
    assert [item.gold.answers for item in items[:2]] == [("12.5",), ("-3.0",)]
    text = items[0].material.open()
    assert texts(text.corpus) == ["Revenue was 200.\n| item | value |\n| profit | 25 |\nNothing else."]
    assert [text.corpus.text(one.span) for one in text.evidence] == samples.DOCMATH[0]["paragraphs"][:2]


@pytest.mark.parametrize(
    "name", ["data/{}_testmini-00000-of-00001.parquet", "{}_testmini.json", "{}-testmini.json"]
)
def test_docmath_takes_a_folder_of_subsets(tmp_path: Path, name: str) -> None:
    for subset in ("complong", "compshort", "simplong", "simpshort"):
        rows = [row for row in samples.DOCMATH if row["question_id"].startswith(subset)]
        (write_parquet if name.endswith("parquet") else write_json)(tmp_path / name.format(subset), rows)
    assert len(load("docmath", tmp_path)) == 8
    (tmp_path / name.format("simplong")).unlink()
    with pytest.raises(UsageError, match=r"lacks .*simplong"):
        load("docmath", tmp_path)


def test_corpusqa_keeps_the_prompt_to_the_letter(tmp_path: Path) -> None:
    items = load("corpusqa", write_jsonl(tmp_path / "1m_4domains.jsonl", samples.CORPUSQA))
    for item, row in zip(items, samples.CORPUSQA, strict=True):
        text = item.material.open()
        assert [(m.role, m.text) for m in text.messages] == [(m["role"], m["content"]) for m in row["prompt"]]
        assert item.question == row["question"]
        assert item.ending == samples.REQUIREMENTS.strip()
    assert [item.id for item in items] == ["education_en_1@1M", "education_en_2@1M", "financial_zh_1@1M"]
    assert [item.gold.answers for item in items] == [("282.0",), ("['North', 'South']",), ("[]",)]
    assert items[2].groups == {"length": "1M", "domain": "financial_zh"}
    documents = items[0].material.open().corpus
    assert texts(documents) == ["# Document 1:\nThree.\n\n", "# Document 2:\nA # Question: in a text\n\n\n"]


def test_corpusqa_keeps_what_questions_share_once(tmp_path: Path, cache: Path) -> None:
    load("corpusqa", write_jsonl(tmp_path / "1m_4domains.jsonl", samples.CORPUSQA))
    assert len(list((cache / "corpusqa").glob("??/*.json"))) == 2


def test_corpusqa_chooses_files_by_length(tmp_path: Path) -> None:
    for length in ("128k", "10m"):
        write_jsonl(tmp_path / f"{length}_4domains.jsonl", samples.CORPUSQA)
    assert [item.groups["length"] for item in load("corpusqa", tmp_path)] == ["128K"] * 3 + ["10M"] * 3
    assert {item.groups["length"] for item in load("corpusqa", tmp_path, lengths=(10 << 20,))} == {"10M"}
    with pytest.raises(UsageError, match=r"lacks 4m_4domains.jsonl"):
        load("corpusqa", tmp_path, lengths=(4 << 20,))
    with pytest.raises(UsageError, match="no length 32K"):
        load("corpusqa", tmp_path, lengths=(32 << 10,))
    with pytest.raises(UsageError, match="does not begin with its length"):
        load("corpusqa", write_jsonl(tmp_path / "mine.jsonl", samples.CORPUSQA))


@pytest.mark.parametrize("write", [write_jsonl, write_json])
def test_longmemeval_orders_sessions_by_date(tmp_path: Path, write: Write) -> None:
    first, second, third = load("longmemeval", write(tmp_path / "longmemeval_s", samples.LONGMEMEVAL))
    text = first.material.open()
    assert texts(text.corpus) == [
        "Session of 2023/05/12 (Fri) 10:00\n\nUser: I planted the fig today.\n\nAssistant: Water it.\n",
        "Session of 2023/05/20 (Sat) 02:21\n\nUser: I like tea.\n\nAssistant: So do I.\n",
    ]
    assert [text.corpus.text(one.span) for one in text.evidence] == ["User: I planted the fig today."]
    assert first.question == "How long ago did I plant the fig?"
    assert "2023/05/30 (Tue) 23:40" in first.ending
    assert first.groups == {"type": "temporal-reasoning", "abstention": "no"}
    assert second.groups == {"type": "multi-session", "abstention": "yes"}
    assert third.gold == Gold(("3",))


def _right(name: str, item: Item) -> str:
    answer = item.gold.answers[0]
    match name:
        case "mrcr" | "longmemeval":
            return answer
        case "corpusqa":
            return f"The answer is: {answer}"
        case "longbench_v2":
            return f"The correct answer is ({answer})."
        case _:
            return f"Therefore, the answer is {answer}."


@pytest.mark.parametrize("name", LOADED)
def test_golds_are_right(tmp_path: Path, name: str) -> None:
    items = load(name, official(name, tmp_path)[0])
    assert items
    for item in items:
        assert grade(get_benchmark(name).grader, _right(name, item), item.gold).score == 1
        assert grade(get_benchmark(name).grader, "I do not know.", item.gold).score == 0


# What is refused

REQUIRED = {
    "corpusqa": ["id", "prompt", "question", "answer"],
    "docmath": ["question_id", "question", "paragraphs", "ground_truth"],
    "frames": ["question", "answer", "articles"],
    "longbench_v1": ["_id", "dataset", "input", "context", "answers"],
    "longbench_v2": [
        "_id", "domain", "difficulty", "length", "question", "choice_A", "choice_D", "answer", "context"
    ],
    "longmemeval": [
        "question_id", "question_type", "question", "answer", "question_date", "haystack_session_ids",
        "haystack_dates", "haystack_sessions",
    ],
    "mrcr": ["prompt", "answer", "random_string_to_prepend", "n_needles"],
}  # fmt: skip
FIELDS = [(name, field) for name, fields in REQUIRED.items() for field in fields]


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_row_that_lacks_a_field_is_named(tmp_path: Path, name: str, field: str) -> None:
    path, rows = official(name, tmp_path)
    broken = {key: value for key, value in rows[1].items() if key != field}
    write_jsonl(path, [rows[0], broken])
    with pytest.raises(UsageError) as caught:
        load(name, path)
    assert f"{path.name}, row 2, lacks the field '{field}'; " in str(caught.value)
    assert "docs/benchmarks-data.md" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["longbench_v1", "longbench_v2"])
def test_a_row_without_text_is_named(tmp_path: Path, name: str) -> None:
    path, rows = official(name, tmp_path)
    write_jsonl(path, [rows[0], {**rows[1], "context": " \n"}])
    with pytest.raises(UsageError, match=r"row 2, has a field 'context' that holds no text"):
        load(name, path)


@pytest.mark.parametrize(("name", "field"), [pair for pair in FIELDS if pair != ("corpusqa", "answer")])
def test_a_field_of_the_wrong_type_is_named(tmp_path: Path, name: str, field: str) -> None:
    path, rows = official(name, tmp_path)
    write_jsonl(path, [rows[0], {**rows[1], field: {"a": 1}}])
    with pytest.raises(UsageError) as caught:
        load(name, path)
    assert re.search(f"row 2, has a field '{field}' that .*of type dict", str(caught.value))


def test_nothing_is_converted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="row 1, has a field 'n_needles' that should be a valid integer"):
        load("mrcr", write_jsonl(tmp_path / "x.jsonl", [{**samples.mrcr(), "n_needles": "2"}]))


def test_what_stands_within_a_field_is_checked_too(tmp_path: Path) -> None:
    row = samples.longmemeval()
    del row["haystack_sessions"][1][0]["content"]
    with pytest.raises(UsageError, match=r"row 1, lacks the field 'haystack_sessions\.1\.0\.content'"):
        load("longmemeval", write_json(tmp_path / "x.json", [row]))
    short = {**samples.longmemeval(), "haystack_dates": ["2023/05/20 (Sat) 02:21"]}
    with pytest.raises(UsageError, match=r"row 1, has 'haystack_dates'.* differ in number"):
        load("longmemeval", write_json(tmp_path / "x.json", [short]))
    with pytest.raises(UsageError, match="row 1, has a field 'question_type' of no known kind: 'riddle'"):
        load("longmemeval", write_json(tmp_path / "x.json", [samples.longmemeval(type="riddle")]))
    said_by_no_one = [{"role": "user", "content": "# Document 1:"}, {"role": "judge", "content": ""}]
    with pytest.raises(
        UsageError, match=r"row 1, has a field 'prompt\.1\.role' that should be 'system' or 'user'"
    ):
        load(
            "corpusqa",
            write_jsonl(tmp_path / "1m.jsonl", [{**samples.CORPUSQA[0], "prompt": said_by_no_one}]),
        )
    with pytest.raises(UsageError, match="row 1, has a field 'prompt' that"):
        load("mrcr", write_jsonl(tmp_path / "x.jsonl", [{**samples.mrcr(), "prompt": "no chat"}]))
    with pytest.raises(
        UsageError, match="row 1, does not end with a request, or its answer lacks the prefix"
    ):
        load("mrcr", write_jsonl(tmp_path / "x.jsonl", [{**samples.mrcr(), "answer": "Poem"}]))
    without = {**samples.CORPUSQA[0], "prompt": "What is this?"}
    with pytest.raises(UsageError, match="row 1, has a field 'prompt' without '# Document 1:'"):
        load("corpusqa", write_jsonl(tmp_path / "1m.jsonl", [without]))
    unnamed = {**samples.DOCMATH[0], "question_id": "7"}
    with pytest.raises(UsageError, match="row 1, has a field 'question_id' that names none of complong"):
        load("docmath", write_json(tmp_path / "x.json", [unnamed]))
    assert load("docmath", write_json(tmp_path / "simplong.json", [unnamed]))[0].id == "simplong-7"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "holds no rows"),
        (b"[]", "holds no rows"),
        (b'[{"_id": "1"', "row 1, is not JSON, or the file is cut off there"),
        (b"<html>", "row 1, is not JSON"),
        (b'{"a": \xff}', "row 1, is not JSON"),
        (b"[1]", "row 1, is no JSON object"),
        (b"PAR1 and nothing else", "row 1, cannot be read as Parquet"),
        (b"PK\x03\x04 cut off", "row 1, is not JSON"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "data.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(fault)):
        load("longbench_v2", path)


def test_a_list_that_is_cut_off_gives_what_came_before(tmp_path: Path) -> None:
    path = write_json(tmp_path / "data.json", samples.LONGBENCH_V2)
    path.write_bytes(path.read_bytes()[:-60])
    items = get_benchmark("longbench_v2").items(Options(data=path))
    assert next(items).id == "66f0"
    with pytest.raises(UsageError, match="row 2, is not JSON, or the file is cut off there"):
        next(items)


def test_an_archive_without_a_set_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "data.zip", {"data/hotpotqa.jsonl": samples.LONGBENCH_V1[:1]})
    with pytest.raises(UsageError, match=r"lacks 2wikimqa.jsonl"):
        load("longbench_v1", path)


def test_ids_that_repeat_are_refused(tmp_path: Path) -> None:
    row = samples.LONGBENCH_V2[0]
    path = write_jsonl(tmp_path / "data.json", [row, samples.LONGBENCH_V2[1], row])
    with pytest.raises(UsageError, match="row 3, has the id '66f0' of row 1"):
        load("longbench_v2", path)
    write_jsonl(tmp_path / "128k_4domains.jsonl", samples.CORPUSQA)
    for subset in ("complong", "compshort", "simplong", "simpshort"):
        write_json(tmp_path / f"{subset}_testmini.json", samples.DOCMATH[:1])
    with pytest.raises(UsageError, match="repeats the id 'complong-testmini-0' of another file"):
        load("docmath", tmp_path)


def test_copies_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--data .*nowhere does not exist; name a file, or a folder with data.json"
    ):
        load("longbench_v2", tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"lacks data.json; get the files of THUDM/LongBench-v2"):
        load("longbench_v2", tmp_path)


# What is kept


def test_items_come_one_by_one(tmp_path: Path) -> None:
    rows: Rows = [*samples.LONGBENCH_V2, {"_id": "broken"}]
    items = get_benchmark("longbench_v2").items(Options(data=write_jsonl(tmp_path / "data.json", rows)))
    assert [next(items).id, next(items).id] == ["66f0", "66f1"]
    with pytest.raises(UsageError, match="row 3"):
        next(items)


@pytest.mark.parametrize("write", FORMATS)
def test_texts_of_earlier_rows_are_not_held(tmp_path: Path, write: Write) -> None:
    """In Python; what Arrow holds of a Parquet page is not seen here."""
    size, count = 1_000_000, 40
    rows = [
        {**samples.LONGBENCH_V2[0], "_id": str(number), "context": f"{number} " + "abcd" * (size // 4)}
        for number in range(count)
    ]
    path = write(tmp_path / "data.json", rows)
    del rows
    next(get_benchmark("longbench_v2").items(Options(data=path)))  # what is imported once
    tracemalloc.start()
    try:
        items = load("longbench_v2", path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(items) == count
    assert peak < 10 * size


def test_texts_stay_in_the_cache_and_items_are_small(tmp_path: Path, cache: Path) -> None:
    path = write_jsonl(tmp_path / "x.jsonl", [samples.mrcr(words=50_000)])
    [item] = load("mrcr", path)
    assert len(pickle.dumps(item.material)) < 1000
    assert pickle.loads(pickle.dumps(item.material)).open() == item.material.open()
    assert all(len(part) == 40 for part in re.findall(r"[0-9a-f]{20,}", repr(item.material)))


def test_a_text_goes_by_the_same_name_wherever_it_lies(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(tmp_path / "128k_4domains.jsonl", samples.CORPUSQA)
    here = load("corpusqa", path)
    monkeypatch.setattr(kept, "cache_folder", lambda: tmp_path / "elsewhere")
    there = load("corpusqa", path)
    assert [repr(item.material) for item in here] == [repr(item.material) for item in there]
    assert str(tmp_path) not in repr(here)


@pytest.mark.parametrize("name", LOADED)
def test_a_second_run_reads_the_index(tmp_path: Path, cache: Path, name: str) -> None:
    path, _ = official(name, tmp_path)
    first = load(name, path)
    for file in cache.rglob("*.json"):
        os.utime(file, (0, 0))
    assert load(name, path) == first
    assert {file.stat().st_mtime for file in cache.rglob("*.json")} == {0}
    assert [item.material.open() for item in load(name, path)] == [item.material.open() for item in first]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "data.json", samples.LONGBENCH_V2)
    state = path.stat()
    load("longbench_v2", path)
    path.write_text(path.read_text().replace("end of June", "end of July"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size
    assert "July" in texts(load("longbench_v2", path)[0].material.open().corpus)[0]


def test_removed_texts_are_made_again_and_damaged_ones_refused(tmp_path: Path, cache: Path) -> None:
    path = write_jsonl(tmp_path / "data.json", samples.LONGBENCH_V2[:1])
    [item] = load("longbench_v2", path)
    [file] = (cache / "longbench_v2").glob("??/*.json")
    whole = file.read_bytes()
    file.unlink()
    with pytest.raises(LongreadError, match="run again"):
        item.material.open()
    load("longbench_v2", path)
    assert file.read_bytes() == whole
    file.write_bytes(whole[:-9])
    with pytest.raises(LongreadError, match="is damaged; delete it"):
        item.material.open()


def test_reading_that_ends_early_leaves_no_index(tmp_path: Path, cache: Path) -> None:
    path = write_jsonl(tmp_path / "data.json", samples.LONGBENCH_V2)
    items = get_benchmark("longbench_v2").items(Options(data=path))
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert [file.name for file in cache.rglob("*") if file.is_file() and file.suffix != ".json"] == []
    assert len(load("longbench_v2", path)) == 2


def test_nothing_in_the_data_leads_out_of_the_cache(tmp_path: Path, cache: Path) -> None:
    row = {**samples.LONGBENCH_V2[0], "_id": "../../../escaped", "domain": "/etc/passwd\0"}
    path = write_jsonl(tmp_path / "data.json", [row])
    [item] = load("longbench_v2", path)
    assert item.id == "../../../escaped"
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == {
        path, *(file for file in cache.rglob("*") if file.is_file())
    }  # fmt: skip
    assert item.material.open().corpus.documents


def test_halves_of_surrogate_pairs_do_no_harm(tmp_path: Path) -> None:
    row = samples.longmemeval()
    row["haystack_sessions"][0][0]["content"] = "I like \ud83d tea."
    row["question"] = "Which \ud83d tea?"
    path = tmp_path / "x.json"
    path.write_text(json.dumps(row))
    assert load("longmemeval", path)[0].question == "Which \ufffd tea?"
    assert "I like \ufffd tea." in texts(load("longmemeval", path)[0].material.open().corpus)[1]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(kept, "cache_folder", lambda: tmp_path / "file")
    with pytest.raises(LongreadError, match=r"the cache folder .* cannot be written"):
        load("longbench_v2", write_jsonl(tmp_path / "data.json", samples.LONGBENCH_V2))


# Where files come from


class _Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub as downloading a file needs."""

    commit = "0123456789abcdef0123456789abcdef01234567"
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.asked.append(self.path)
        fault = next((one for one in ("GatedRepo", "RepoNotFound", "EntryNotFound") if one in self.path), "")
        content = b"" if fault else b'{"a": 1}\n'
        self.send_response(403 if fault == "GatedRepo" else 404 if fault else 200)
        if fault:
            self.send_header("X-Error-Code", fault)
        self.send_header("ETag", '"abc"')
        self.send_header("X-Repo-Commit", self.commit)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import huggingface_hub.constants as constants

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE
    here = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template.replace(constants.ENDPOINT, here))
    monkeypatch.setattr(constants, "ENDPOINT", here)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("hub_server")
def test_files_are_downloaded_at_a_known_commit(tmp_path: Path) -> None:
    unpinned, pinned = Hub("some/set", "", ("a/b.jsonl",)), Hub("some/set", _Hub.commit, ("a/b.jsonl",))
    assert data.revision(unpinned, None) == ""
    for hub, asked in ((unpinned, "main"), (pinned, _Hub.commit)):
        _Hub.asked.clear()
        shutil.rmtree(tmp_path / "hub", ignore_errors=True)
        [path] = data.fetch(hub, None)
        # The library may ask the hub for more than files (once a day, whose agent runs it).
        files = {path for path in _Hub.asked if not path.startswith("/api/")}
        assert files == {f"/datasets/some/set/resolve/{asked}/a/b.jsonl"}
        assert path.read_text() == '{"a": 1}\n'
        assert data.revision(hub, None) == _Hub.commit
    assert data.revision(unpinned, tmp_path) == ""


@pytest.mark.usefixtures("hub_server")
@pytest.mark.parametrize(
    ("repo", "file", "fault"),
    [
        (
            "some/GatedRepo",
            "x.json",
            "accept them at https://huggingface.co/datasets/some/GatedRepo and log in",
        ),
        ("some/RepoNotFound", "x.json", "the Hugging Face hub has no x.json of some/RepoNotFound"),
        ("some/set", "EntryNotFound.json", "the Hugging Face hub has no EntryNotFound.json of some/set"),
    ],
)
def test_what_the_hub_refuses_is_said_in_a_line(repo: str, file: str, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        data.fetch(Hub(repo, "", (file,)), None)
    assert fault in str(caught.value)
    assert "--data" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_network_a_local_copy_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(UsageError, match=r"data.json of THUDM/LongBench-v2 .*cannot be reached; .*--data"):
        load("longbench_v2", None)


# What is generated


def test_longbook_items_are_those_of_the_generator(cache: Path) -> None:
    items = load("longbook", None, lengths=(4096,), seed=3, samples=2)
    assert len(items) == 2 * len(longbook.TASKS)
    for item in items:
        task, index = item.groups["task"], int(item.id.rpartition("-")[2])
        book = longbook.make(task, 4096, 3, index)
        text = item.material.open()
        assert (item.id, item.twin) == (book.sample.id, book.twin)
        assert item.groups["length"] == "4K"
        assert (text.question, text.ending) == (book.sample.question, book.ending)
        assert text.corpus == book.corpus
        assert text.evidence == book.sample.evidence
        assert text.gold is not None
        assert grade("longbook", f"The answer is {book.sample.answer}", text.gold).score == 1


def test_longbook_pairs_are_whole() -> None:
    twins = [item.twin for item in load("longbook", None, lengths=(4096,), samples=3) if item.twin]
    assert len(twins) == 4
    assert [twins.count(twin) for twin in twins] == [2, 2, 2, 2]


def test_longbook_is_told_without_making_its_texts() -> None:
    tracemalloc.start()
    try:
        items = load("longbook", None, lengths=(10 << 20,), samples=20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(items) == 20 * len(longbook.TASKS)
    assert peak < 5_000_000


def test_longbook_takes_other_lengths_and_numbers_by_itself() -> None:
    items = load("longbook", None)
    counts = {(item.groups["length"], item.groups["task"]): 0 for item in items}
    for item in items:
        counts[item.groups["length"], item.groups["task"]] += 1
    assert {length for length, _ in counts} == {"8K", "32K", "128K", "1M"}
    assert counts["8K", "single"] == 50
    assert counts["1M", "single"] == 10
    for length in (1024, 3 << 10, 11 << 20):
        with pytest.raises(UsageError, match="out of reach"):
            load("longbook", None, lengths=(length,))


def test_longbook_nano_is_made_of_names_kept_for_evaluation_and_proved() -> None:
    items = load("longbook-nano", None, lengths=(512, 4096), seed=5, samples=4)
    assert len(items) == 2 * 4 * len(nano.TASKS)
    trained = {*kinds("train")["person"], *kinds("train")["company"]}
    for item in items:
        text = item.material.open()
        assert (
            abs(
                sum(len(document.text) for document in text.corpus) / 4 / parse_length(item.groups["length"])
                - 1
            )
            < 0.15
        )
        assert not any(name in document.text for document in text.corpus for name in trained)
        assert text.gold is not None
        for gold in text.gold.answers:
            assert grade("longbook", f"The answer is {gold}", text.gold).score == 1
        lines = [line for document in text.corpus for line in document.text.splitlines()]
        assert nano.solve(text.question, lines) == text.gold.answers[0]
    choices = [item.material.open().gold for item in items if item.groups["task"] == "multiple_choice"]
    assert all(gold and len(gold.answers) == 2 for gold in choices)
    for length in (63, 11 << 20):
        with pytest.raises(UsageError, match="out of reach"):
            load("longbook-nano", None, lengths=(length,))


def test_longbook_texts_of_another_filler_are_other_texts(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(
        "\n\n".join(f"The heron stood in pool {n} all day. It rained." for n in range(200))
    )
    options: dict[str, Any] = {"lengths": (4096,), "samples": 1}
    plain = load("longbook", None, **options)
    filled = load("longbook", None, filler=folder, **options)
    assert "heron" in filled[0].material.open().corpus.documents[0].text
    assert repr(plain[0].material) != repr(filled[0].material)
    assert str(tmp_path) not in repr(filled[0].material)
    (folder / "b.txt").write_text("One more thing.")
    assert repr(load("longbook", None, filler=folder, **options)[0].material) != repr(filled[0].material)
    with pytest.raises(LongreadError, match="changed during the run"):
        filled[0].material.open()


def test_ruler_items_are_those_of_the_generator() -> None:
    items = load("ruler", None, lengths=(4096,), seed=3, samples=2)
    assert len(items) == 2 * len(ruler.tasks())
    for item in items:
        sample = ruler.make(item.groups["task"], 4096, 3, int(item.id.rpartition("-")[2]))
        text = item.material.open()
        assert texts(text.corpus) == [sample.text]
        assert (text.question, text.gold) == (sample.question, Gold(sample.golds))
        assert [(one.start, one.end) for one in text.evidence] == list(sample.evidence)
        assert {one.role for one in text.evidence} == {
            "coverage" if item.groups["task"] in ("cwe", "fwe") else "required"
        }
        assert grade("ruler", f"They are {' and '.join(sample.golds)}.", Gold(sample.golds)).score == 1
    assert len({repr(item.material) for item in items}) == len(items)


def test_ruler_takes_its_own_lengths() -> None:
    lengths = [item.groups["length"] for item in load("ruler", None) if item.groups["task"] == "vt"]
    assert [lengths.count(length) for length in ("4K", "8K", "16K", "32K", "64K", "128K")] == [50] * 6
    with pytest.raises(UsageError, match="out of reach"):
        load("ruler", None, lengths=(1024,))


# What there is


def test_benchmarks_are_known() -> None:
    assert {*LOADED, "longbook", "ruler"} <= {benchmark.name for benchmark in benchmarks()}
    for benchmark in benchmarks():
        assert benchmark.hub is None or re.fullmatch("|[0-9a-f]{40}", benchmark.hub.revision)
        assert grade(benchmark.grader, "", Gold(("x",)))
    with pytest.raises(UsageError, match="there is no benchmark 'gsm8k'"):
        get_benchmark("gsm8k")


def test_general_tasks_are_in_the_package() -> None:
    spec = find_spec("inspect_evals")
    if spec is None or spec.origin is None:
        pytest.skip("inspect_evals is not installed")
    registry = Path(spec.origin).with_name("_registry.py").read_text()
    for general in GENERAL.values():
        for task in filter(None, (general.task, general.before)):
            package, name = task.split("/")
            assert package == "inspect_evals"
            assert re.search(rf"\b{name}\b", registry)
    memory = Path(spec.origin).with_name("bfcl").joinpath("bfcl.py").read_text()
    assert all(
        f'"{general.parameters["categories"]}"' in memory for general in GENERAL.values() if general.before
    )
    with pytest.raises(UsageError, match="choose among gpqa"):
        get_general("arc")
