from pathlib import Path

import pytest

from longread.errors import ModelError
from longread.models.scripted import ScriptedModel
from longread.training.rewards import open_judge, reward
from longread.types import Sample


def sample(grader: str = "exact", answer: str = "Port Vell") -> Sample:
    return Sample("s", "reading", "lookup", "Where?", answer, grader, ("d",), aliases=("Vell",))


@pytest.mark.parametrize(
    ("grader", "answer", "response", "earned"),
    [
        ("exact", "Port Vell", "Therefore, the answer is Port Vell.", 1.0),
        ("exact", "Port Vell", "port vell", 1.0),
        ("exact", "Port Vell", "Vell", 1.0),
        ("exact", "Port Vell", "Port Royal", 0.0),
        ("exact", "Port Vell", "", 0.0),
        ("cem", "Port Vell", "the answer is in Port Vell", 1.0),
        ("cem", "Port Vell", "the answer is Port Vell or " + "one of the others " * 9, 0.0),
        ("choice", "B", "(B)", 1.0),
        ("choice", "B", "The correct answer is (C)", 0.0),
        ("docmath", "12.5", "12.5", 1.0),
        ("docmath", "12.5", "the answer is 13", 0.0),
    ],
)
async def test_rules(grader: str, answer: str, response: str, earned: float) -> None:
    assert await reward(sample(grader, answer), response) == earned


async def test_mrcr_is_dense() -> None:
    from dataclasses import replace

    one = replace(sample("mrcr", "abcdefgh"), aliases=())
    assert 0 < await reward(one, "abcdxxgh") < 1


async def test_a_judge_is_asked_only_where_the_rule_rejects() -> None:
    asked: list[str] = []

    def says(messages, sampling):  # type: ignore[no-untyped-def]
        asked.append(messages[-1].text)
        return "They mean the same. [[YES]]"

    judge = ScriptedModel(says)
    assert await reward(sample(), "Port Vell", judge) == 1.0
    assert asked == []
    assert await reward(sample(), "the harbour of Vell", judge) == 1.0
    assert len(asked) == 1


async def test_a_judge_without_a_verdict_is_an_error_and_no_zero() -> None:
    with pytest.raises(ModelError, match="verdict"):
        await reward(sample(), "the harbour of Vell", ScriptedModel(lambda *_: "Hard to say."))


async def test_a_judge_is_asked_for_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = tmp_path / "servers.toml"
    servers.write_text('[[server]]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "large"\n')
    monkeypatch.setenv("LONGREAD_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("LONGREAD_MODEL", "qwen3")
    monkeypatch.setenv("LONGREAD_BASE_URL", str(servers))
    for name, url, asked in (
        ("qwen3", None, "large"),
        ("judge", None, "judge"),
        ("judge", str(servers), "large"),
    ):
        assert (await open_judge(name, url)).name == asked
