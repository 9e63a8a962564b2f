"""Longbook's samples: the same everywhere, as long as asked, and proved by their own text."""

from __future__ import annotations

import ast
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.errors import UsageError
from longread.grading.gold import Gold
from longread.grading.graders import grade
from longread.grading.size import tokens
from longread.worlds.forms import readings_with
from longread.worlds.longbook import TASKS, default_count, make, parse_length, prove, show_length, solve
from longread.worlds.names import Date
from longread.worlds.tasks.base import Unsolvable
from longread.worlds.tasks.relations import RELATIONS
from tests.worlds.books import book, digest, text

_IN_ANOTHER_PROCESS = """
from longread.worlds.longbook import TASKS, make
from tests.worlds.books import digest
for task in TASKS:
    for tokens in (4096, 40_000):
        for index in (0, 5):
            print(digest(make(task, tokens, 11, index)))
"""


def test_another_process_makes_the_same_bytes():
    def run(seed: str) -> list[str]:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", _IN_ANOTHER_PROCESS],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()

    assert len(set(run("1"))) == 4 * len(TASKS)
    assert run("1") == run("2")


@pytest.mark.parametrize("task", TASKS)
def test_length_is_met_within_two_percent(task: str):
    for length, indexes in (("4K", range(10)), ("8K", range(5)), ("100000", range(2))):
        for index in indexes:
            one = make(task, parse_length(length), 5, index)
            size = sum(len(document.text.encode()) for document in one.corpus)
            assert abs(size / (4 * parse_length(length)) - 1) < 0.02, (length, index)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("length", ["4K", "8K", "32K"])
def test_evidence_and_the_whole_text_prove_the_answer(task: str, length: str):
    for seed, indexes in ((0, range(20)), (1, range(5))):
        for index in indexes:
            one = book(task, length, seed, index)
            assert solve(one) == prove(one) == one.sample.answer
            response = f"The answer is {one.sample.answer}"
            assert grade("longbook", response, Gold((one.sample.answer, *one.sample.aliases))).score == 1
            assert tokens(one.sample.answer) <= 32


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(TASKS), st.integers(0, 10**9), st.integers(0, 400), st.integers(4096, 9000))
def test_any_seed_gives_a_provable_sample(task: str, seed: int, index: int, length: int):
    one = make(task, length, seed, index)
    assert prove(one) == one.sample.answer


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_long_texts_prove_their_answers_too(task: str):
    for index in (0, 1, 2):
        one = make(task, parse_length("1M"), 3, index)
        assert prove(one) == one.sample.answer
        size = sum(len(document.text.encode()) for document in one.corpus)
        assert abs(size / (4 * parse_length("1M")) - 1) < 0.02


@pytest.mark.parametrize("task", TASKS)
def test_records_are_in_order(task: str):
    one = book(task, "8K", 2, 3)
    sample = one.sample
    assert sample.id == f"longbook-{task}-8K-s2-3"
    assert (sample.type, sample.grader, sample.seed) == (task, "longbook", 2)
    assert sample.task in {"multi_hop", "reading", "dialogue", "numerical"}
    assert sample.documents == tuple(document.id for document in one.corpus)
    assert 0 < one.chance <= 0.1
    assert sample.answer in one.candidates or task in ("aggregate", "table", "contradiction")
    assert sample.plan
    places = [(sample.documents.index(e.doc), e.start) for e in sample.evidence]
    assert places == sorted(places)
    for each in sample.evidence:
        words = one.corpus.text(each.span)
        assert each.role in ("required", "coverage")
        assert words == words.strip() and words
    assert digest(pickle.loads(pickle.dumps(one))) == digest(one)


def test_evidence_of_prose_is_one_whole_sentence_each():
    for task in ("single", "forward", "backward", "count", "aggregate", "update", "contradiction"):
        one = book(task, "8K", 2, 3)
        assert one.sample.evidence
        for each in one.sample.evidence:
            words = one.corpus.text(each.span)
            around = one.corpus.document(each.doc).text[each.start - 1 : each.end + 1]
            assert words.endswith(".") and words.count(". ") == 0
            assert around[0].isspace() and around[-1].isspace()


def test_without_its_evidence_no_answer_is_left():
    for task in ("single", "update", "forward", "code", "ordinal"):
        one = book(task, "4K", 2, 0)
        needed = next(e for e in one.sample.evidence if e.role == "required")
        document = one.corpus.document(needed.doc)
        cut = document.text[: needed.start] + "pass" + document.text[needed.end :]
        other = type(document)(document.id, document.source, cut, document.kind)
        corpus = type(one.corpus)(tuple(other if d is document else d for d in one.corpus))
        try:
            answer = prove(one._replace(corpus=corpus, sample=one.sample))
        except (Unsolvable, IndexError):
            continue
        assert answer != one.sample.answer, task


def test_twins_differ_by_one_sentence_only():
    for index in range(0, 20, 2):
        there, gone = book("absent", "4K", 4, index), book("absent", "4K", 4, index + 1)
        assert there.twin == gone.twin == f"longbook-absent-4K-s4-{index}"
        assert (there.sample.question, there.ending) == (gone.sample.question, gone.ending)
        assert gone.sample.answer == "not in the documents" != there.sample.answer
        assert gone.sample.evidence == ()
        span = there.sample.evidence[0]
        before, after = text(there), text(gone)
        assert len(before) == len(after)
        assert before[: span.start] == after[: span.start]
        assert before[span.end :] == after[span.end :]
        assert there.corpus.text(span.span) not in after


def test_absent_cannot_be_told_from_the_question():
    # The wording that allows for it stands in every task but count, whose answer would be a number.
    for task in TASKS:
        says = "not in the documents" in book(task, "4K", 0, 0).ending
        assert says == (task != "count")
    single, absent = book("single", "4K", 0, 0), book("absent", "4K", 0, 0)
    assert single.ending == absent.ending


def test_hops_stand_in_reading_order_or_against_it():
    def order(one: object) -> list[int]:
        steps = one.sample.plan.split(" -> ")
        where = {one.corpus.text(e.span): n for n, e in enumerate(one.sample.evidence)}
        return [where[step] for step in steps]

    lengths = set()
    for index in range(12):
        forward, backward = order(book("forward", "8K", 1, index)), order(book("backward", "8K", 1, index))
        lengths.add(len(forward))
        assert forward == sorted(forward)
        assert backward == sorted(backward, reverse=True)
    assert lengths == {2, 3, 4}


def test_updates_stand_in_another_order_than_their_dates():
    last = 0
    for index in range(20):
        one = book("update", "4K", 1, index)
        relation = next(r for r in RELATIONS if r.latest.read(one.sample.question))
        asked = relation.latest.read(one.sample.question)
        entries = [
            r
            for r in readings_with(one.corpus, asked["town"], relation.facts)
            if (r.values["thing"], r.values["town"]) == (asked["thing"], asked["town"])
        ]
        dates = [Date.parse(entry.values["date"]) for entry in entries]
        assert len(set(dates)) == len(dates) == 10
        assert dates != sorted(dates)
        assert entries[dates.index(max(dates))].values[relation.value] == one.sample.answer
        last += dates[-1] == max(dates)
    assert last == 2  # each place is the latest one's as often as any other


def test_code_parses_and_its_modules_import_what_there_is():
    for index in range(3):
        one = book("code", "8K", 0, index)
        modules = {d.source.removesuffix(".py").replace("/", "."): ast.parse(d.text) for d in one.corpus}
        for document in one.corpus:
            assert document.kind == "code"
        for tree in modules.values():
            for statement in tree.body:
                if isinstance(statement, ast.ImportFrom):
                    names = {alias.name for alias in statement.names}
                    there = {n.name for n in modules[statement.module].body if hasattr(n, "name")}
                    there |= {
                        t.id
                        for n in modules[statement.module].body
                        if isinstance(n, ast.Assign)
                        for t in n.targets
                    }
                    assert names <= there


def test_what_python_says_is_what_the_code_task_says(tmp_path):
    for index in range(3):
        one = book("code", "4K", 6, index)
        folder = tmp_path / str(index)
        for document in one.corpus:
            path = folder / document.source
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document.text)
        words = one.sample.question.rstrip("?").split()
        if index == 0:
            code = f"import {_module(words[-1])} as m; print(m.{words[words.index('name') + 1]})"
        elif index == 1:
            source = next(d.source for d in one.corpus if f"class {words[-1]}(" in d.text)
            code = (
                f"import {_module(source)} as m; print(m.{words[-1]}().{words[words.index('method') + 1]}())"
            )
        else:
            module, function = _module(words[words.index("file") + 1]), words[words.index("function") + 1]
            code = f"import {module} as m; print(m.{function}())"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == one.sample.answer


def _module(source: str) -> str:
    return source.removesuffix(".py").replace("/", ".")


def test_documents_are_as_readers_make_them():
    kinds = {task: {d.kind for d in book(task, "8K", 0, 0).corpus} for task in TASKS}
    assert kinds["ordinal"] == {"dialogue"}
    assert kinds["table"] == {"table", "markdown"}
    assert kinds["code"] == {"code"}
    assert all(kinds[task] == {"text"} for task in TASKS if task not in ("ordinal", "table", "code"))
    tables = [d for d in book("table", "8K", 0, 0).corpus if d.kind == "table"]
    assert all(d.text.startswith(d.header + "\n") for d in tables)
    dialogue = book("ordinal", "8K", 0, 0).corpus.documents[0]
    assert all(dialogue.text[p.start :].startswith(("User: ", "Assistant: ")) for p in dialogue.parts)
    long = make("single", parse_length("512K"), 0, 0).corpus.documents
    assert len(long) > 8
    assert all(40_000 < len(d.text) < 300_000 for d in long)


def test_lengths_are_read_and_shown():
    assert parse_length("8K") == parse_length("8k") == parse_length("8192") == 8192
    assert parse_length("10M") == 10 * 1024 * 1024
    assert [show_length(n) for n in (4096, 131072, 1048576, 5000)] == ["4K", "128K", "1M", "5000"]
    assert [default_count(parse_length(n)) for n in ("4K", "128K", "256K", "10M")] == [50, 50, 10, 10]


@pytest.mark.parametrize("given", ["", "K", "8G", "-8K", "8.5K", "eight"])
def test_nonsense_for_a_length_is_an_error(given: str):
    with pytest.raises(UsageError):
        parse_length(given)


def test_a_length_out_of_reach_is_an_error():
    with pytest.raises(UsageError):
        make("single", 100, 0, 0)


def test_a_task_that_there_is_not_is_an_error():
    with pytest.raises(UsageError, match="single, forward"):
        make("juggling", 4096, 0, 0)
