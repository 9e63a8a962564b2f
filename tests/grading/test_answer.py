"""What is taken from a response as its answer."""

import pytest

from longread.grading.answer import after_thinking, corpusqa_answer, final_answer


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("Therefore, the answer is Paris.", "Paris"),
        ("Therefore, the answer is (Paris).", "(Paris)"),
        ("the answer is **Paris**.", "Paris"),
        ("the **answer** is Paris", "Paris"),
        ("the answer is Rome. No, the answer is Paris.", "Paris"),
        ("The answer is Paris.", None),
        ("THE ANSWER IS Paris", None),
        ("Paris", None),
        ("", None),
        ("the answer is", ""),
        ("the answer is ...", ""),
        ("the answer is \n\n Paris \n", "Paris"),
        ("the answer is 3.14.", "3.14"),
        ("the answer is Paris.\nIt is in France.", "Paris.\nIt is in France"),
        ("<think>the answer is Rome</think>the answer is Paris", "Paris"),
        ("<think>the answer is Rome</think>", None),
        ("<think>the answer is Rome</think>Paris", None),
        ("<think>a</think>the answer is Rome</think>the answer is Paris", "Paris"),
        ("<think>the answer is Rome", "Rome"),
        ("the  answer is Paris", None),
        ("the answer isParis", "Paris"),
        ("the answer is .5.", "5"),
        ("the answer is \u00a0Paris\u00a0.", "Paris"),
    ],
)
def test_final_answer_follows_the_last_phrase_after_thinking(response: str, answer: str | None) -> None:
    assert final_answer(response) == answer


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("The answer is: 42", "42"),
        ("The answer is: 42\nbecause", "42"),
        ("The answer is: 1\nThe answer is: 2", "1"),
        ("the answer is: 42", "the answer is: 42"),
        ("The answer is 42", "The answer is 42"),
        ("The answer is:42", "The answer is:42"),
        (" 42 \n", "42"),
        ("", ""),
        ("The answer is: ", ""),
        ("The answer is: **42**", "**42**"),
        ("<think>The answer is: 1</think>The answer is: 2", "2"),
    ],
)
def test_corpusqa_takes_the_rest_of_the_line_or_everything(response: str, answer: str) -> None:
    assert corpusqa_answer(response) == answer


def test_after_thinking_is_what_follows_the_last_end_of_thinking() -> None:
    assert after_thinking("a</think>b</think> c") == " c"
    assert after_thinking("no thinking") == "no thinking"
