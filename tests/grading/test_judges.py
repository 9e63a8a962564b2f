"""What judges are asked and how their replies are read."""

import pytest

from longread.errors import UsageError
from longread.grading import Gold, grade, judge, longmemeval


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("[[YES]]", True),
        ("[[NO]]", False),
        ("They are the same.\n\n[[YES]]", True),
        ("They differ: [[NO]].", False),
        ("**[[YES]]**", True),
        ("[[YES]] [[YES]]", True),
        ("[[YES]] or [[NO]]", None),
        ("[[NO]], not [[YES]]", None),
        ("", None),
        ("YES", None),
        ("[YES]", None),
        ("[[yes]]", None),
        ("[[Yes]]", None),
        ("[[no]]", None),
        ("[[ YES ]]", None),
        ("[[YES", None),
        ("[[NO]] and [[yes]]", False),
        ("<think>[[NO]]</think>[[YES]]", True),
        ("<think>[[YES]] or [[NO]]?</think>[[NO]]", False),
        ("<think>[[YES]]</think>", None),
        ("<think>[[YES]]", True),
        ("[[[YES]]]", True),
    ],
)
def test_a_verdict_counts_only_alone(reply: str, verdict: bool | None) -> None:
    assert judge.verdict(reply) is verdict


def test_the_equivalence_prompt_holds_what_it_compares_as_it_is() -> None:
    prompt = judge.equivalence_prompt("2 {x} %s?", "{first} \ud800", "4 {}")
    assert all(part in prompt for part in ("2 {x} %s?", "{first} \ud800", "4 {}", "[[YES]]", "[[NO]]"))


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("yes", True),
        ("Yes.", True),
        ("YES", True),
        ("no", False),
        ("", False),
        ("yesterday", True),
        ("No, although it says yes", True),
        ("<think>yes?</think>no", False),
        ("<think>no?</think>yes", True),
        ("correct", False),
        ("y e s", False),
    ],
)
def test_any_yes_counts(reply: str, right: bool) -> None:
    assert longmemeval.verdict(reply) is right


@pytest.mark.parametrize(
    ("kind", "abstention", "word"),
    [
        ("single-session-user", False, "only part of the information"),
        ("single-session-assistant", False, "only part of the information"),
        ("multi-session", False, "only part of the information"),
        ("temporal-reasoning", False, "off-by-one"),
        ("temporal-reasoning", False, "only part of the information"),
        ("knowledge-update", False, "updated answer"),
        ("single-session-preference", False, "Rubric: A"),
        ("single-session-user", True, "Explanation: A"),
        ("temporal-reasoning", True, "cannot be answered"),
        ("single-session-preference", True, "Explanation: A"),
    ],
)
def test_each_question_type_has_its_prompt(kind: str, abstention: bool, word: str) -> None:
    prompt = longmemeval.judge_prompt(kind, "Q{}", "A{x}", "R%s", abstention)
    assert word in prompt
    assert all(part in prompt for part in ("Question: Q{}", ": A{x}", "Model response: R%s"))


def test_only_temporal_questions_forgive_by_one() -> None:
    kinds = [
        k for k in longmemeval.question_types() if "off-by-one" in longmemeval.judge_prompt(k, "", "", "")
    ]
    assert kinds == ["temporal-reasoning"]
    assert "off-by-one" not in longmemeval.judge_prompt("temporal-reasoning", "", "", "", abstention=True)


def test_an_unknown_question_type_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match="multi-session"):
        longmemeval.judge_prompt("other", "", "", "")


def test_abstention_is_told_by_the_id() -> None:
    assert longmemeval.abstains("ab12_abs") and longmemeval.abstains("ab_abs_2")
    assert not longmemeval.abstains("ab12")


def test_longmemevals_rule_is_containment() -> None:
    assert grade("longmemeval", "It was a red bike.", Gold(("red bike",))) == (1, 1, "It was a red bike.", 1)
    assert grade("longmemeval", "It was 1984.", Gold(("1",))).score == 0
    assert grade("longmemeval", "<think>red bike</think>no idea", Gold(("red bike",))).score == 0
