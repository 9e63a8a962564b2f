"""RULER's tasks: the same every time, as long as asked, and with golds that are the only right ones."""

import os
import re
import subprocess
import sys
from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.errors import UsageError
from longread.grading import Gold, grade
from longread.worlds.ruler import _ADJECTIVES, _NOUNS, RulerSample, make, tasks

NEEDLES = [task for task in tasks() if task.startswith("niah")]
LENGTHS = [1024, 4096, 20_000]


def digest(sample: RulerSample) -> str:
    return sha256(repr(sample).encode()).hexdigest()


@pytest.mark.parametrize("task", tasks())
@pytest.mark.parametrize("tokens", LENGTHS)
def test_texts_are_as_long_as_asked(task: str, tokens: int) -> None:
    sample = make(task, tokens, 0, 0)
    assert sample.text.isascii()
    assert abs(len(sample.text) / 4 / tokens - 1) < 0.02


@pytest.mark.parametrize("task", ["niah_multikey_2", "cwe", "fwe"])
def test_so_are_texts_beyond_the_word_list(task: str) -> None:
    assert abs(len(make(task, 300_000, 0, 0).text) / 4 / 300_000 - 1) < 0.02


def test_samples_are_the_same_in_every_process() -> None:
    code = (
        "from hashlib import sha256\nfrom longread.worlds.ruler import make, tasks\n"
        "print([sha256(repr(make(t, 1024, 7, 3)).encode()).hexdigest() for t in tasks()])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert seen == {str([digest(make(task, 1024, 7, 3)) for task in tasks()])}


@pytest.mark.parametrize("task", tasks())
def test_seed_and_index_make_other_samples(task: str) -> None:
    made = {digest(make(task, 1024, seed, index)) for seed in range(3) for index in range(3)}
    assert len(made) == 9


@given(st.sampled_from([*NEEDLES, "vt"]), st.integers(600, 6000), st.integers(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_each_gold_stands_where_its_evidence_says_and_nowhere_else(
    task: str, tokens: int, seed: int, index: int
) -> None:
    question, text, golds, evidence = make(task, tokens, seed, index)
    assert len(golds) == len(evidence) == len(set(golds)) == len(set(evidence))
    for gold, (start, end) in zip(golds, evidence, strict=True):
        assert gold in text[start:end]
        assert (start == 0 or text[start - 1] == "\n") and text[end : end + 1] in ("", "\n")
        if task != "vt":
            assert text.count(gold) == 1
        assert gold not in question
    assert abs(len(text) / 4 / tokens - 1) < 0.02


@given(st.sampled_from(NEEDLES), st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_needles_of_the_asked_keys_are_exactly_the_golds(task: str, index: int) -> None:
    question, text, golds, _ = make(task, 3000, 1, index)
    kept = re.findall(r"kept for (\S+) is: (\S+)\.$", text, re.MULTILINE)
    asked = set(re.split(r", | and ", re.search(r"kept for (.*) in the text", question)[1]))
    assert Counter(value for key, value in kept if key in asked) == Counter(golds)
    assert {key for key, _ in kept} >= asked
    assert len(golds) == {"niah_multivalue": 4, "niah_multiquery": 4}.get(task, 1)
    assert len({key for key, _ in kept}) >= {"niah_multikey_1": 4, "niah_multikey_2": 50}.get(task, 1)


@pytest.mark.parametrize("index", range(6))
def test_no_distractor_shares_the_key_of_a_needle(index: int) -> None:
    question, text, golds, _ = make("niah_multikey_2", 300_000, 0, index)
    key = re.search(r"kept for (\S+) in the text", question)[1]
    assert re.findall(rf"kept for {key} is: (\S+)\.$", text, re.MULTILINE) == list(golds)


def test_variables_form_one_chain_in_reading_order() -> None:
    question, text, golds, evidence = make("vt", 2000, 0, 0)
    value = re.search(r"the value (\d+)", question)[1]
    lines = [text[start:end] for start, end in evidence]
    assert lines[0] == f"VAR {golds[0]} = {value}."
    assert lines[1:] == [f"VAR {golds[i + 1]} = VAR {golds[i]}." for i in range(4)]
    assert list(evidence) == sorted(evidence)
    assert text.count("VAR ") == 9


@pytest.mark.parametrize("tokens", [1024, 4095, 4096, 30_000, 300_000])
def test_common_words_are_the_most_common(tokens: int) -> None:
    sample = make("cwe", tokens, 0, 0)
    items = re.findall(r"(\d+)\. (\S+)", sample.text)
    assert [int(number) for number, _ in items] == list(range(1, len(items) + 1))
    counts = Counter(word for _, word in items)
    often = {counts[gold] for gold in sample.golds}
    seldom = {count for word, count in counts.items() if word not in sample.golds}
    assert len(sample.golds) == 10 and len(often) == len(seldom) == 1
    assert often.pop() / seldom.pop() == (6 if tokens < 4096 else 10)


@pytest.mark.parametrize("tokens", [1024, 4096, 30_000])
def test_frequent_words_are_the_most_frequent_in_order(tokens: int) -> None:
    sample = make("fwe", tokens, 0, 0)
    counts = Counter(sample.text.split())
    noise, *top, fourth = counts.most_common(5)
    assert noise[0] == "..."
    assert tuple(word for word, _ in top) == sample.golds
    assert top[0][1] > top[1][1] > top[2][1] > fourth[1]
    if tokens == 30_000:  # counts fall with the square of the rank
        assert [noise[1] / count for _, count in [*top, fourth]] == pytest.approx([4, 9, 16, 25], rel=0.02)


@pytest.mark.parametrize("task", tasks())
def test_naming_the_golds_scores_1_and_naming_none_0(task: str) -> None:
    sample = make(task, 1024, 0, 0)
    assert grade("ruler", ", ".join(sample.golds), Gold(sample.golds))[:2] == (1, 1)
    assert grade("ruler", sample.question, Gold(sample.golds)).score == 0


def test_no_word_stands_inside_another() -> None:
    assert len(set(_ADJECTIVES)) == len(_ADJECTIVES) and len(set(_NOUNS)) == len(_NOUNS)
    assert not [(a, b) for a in _ADJECTIVES for b in _ADJECTIVES if a != b and b.endswith(a)]
    assert not [(a, b) for a in _NOUNS for b in _NOUNS if a != b and b.startswith(a)]


def test_an_unknown_task_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"'qa_1'.*niah_single_1.*fwe"):
        make("qa_1", 1024, 0, 0)


@pytest.mark.parametrize("task", tasks())
@pytest.mark.parametrize("tokens", [-1, 0, 1, 10])
def test_too_short_a_text_is_refused(task: str, tokens: int) -> None:
    with pytest.raises(UsageError, match="too few"):
        make(task, tokens, 0, 0)
