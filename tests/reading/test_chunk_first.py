"""The chunk before everything else in a prompt, for prefix caches."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest

from longread import Corpus, Document, Journal, Reader
from longread.errors import UsageError
from longread.models.base import Message, Sampling
from longread.models.scripted import ScriptedModel
from longread.reading.language import LanguagePolicy
from longread.reading.prompts import load_prompts
from tests.support import planted

WORLDS = planted.several(6_000, 3, seed=4)


async def prompts(
    journal: Journal | None, question: str | list[str], document: Document, **sizes: int
) -> list[str]:
    """All prompts that read a section, in the order they were sent."""
    sent: list[str] = []

    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str:
        if "\nSECTION " in f"\n{messages[0].text}":
            sent.append(messages[0].text)
        return planted.read(messages[0].text)

    policy = LanguagePolicy.over(ScriptedModel(reply, window=16_384), chunk=800, chunk_first=True, **sizes)
    reader = Reader(policy, strategy="sequential", journal=journal, chunk_first=True, revisits=0)
    answers = await reader.aask([question] if isinstance(question, str) else question, Corpus((document,)))
    assert all(answer.answered for answer in answers)
    return sent


def alike(one: str, other: str) -> str:
    """What both begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in same)


async def test_the_chunk_stands_first_and_all_that_is_asked_of_it_begins_alike() -> None:
    sent = await prompts(
        None, list(WORLDS.questions), WORLDS.document, notes=256
    )  # room for one question a call
    by_section: dict[str, list[str]] = {}
    for prompt in sent:
        by_section.setdefault(prompt.split("SECTION ")[1].split()[0], []).append(prompt)
    assert all(len(own) == len(WORLDS.questions) for own in by_section.values())
    for first, *others in by_section.values():
        assert all(len(alike(first, other)) > first.index("You are reading") > 400 for other in others)


async def test_the_same_text_is_fenced_as_before_and_another_is_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    [first, *_] = await prompts(journal, WORLDS.questions[0], WORLDS.document)
    [second, *_] = await prompts(journal, WORLDS.questions[1], WORLDS.document)
    assert "SECTION 2" not in alike(first, second)
    assert len(alike(first, second)) > 0.6 * len(first)
    changed = Document("other", "worlds.txt", WORLDS.document.text)
    [third, *_] = await prompts(journal, WORLDS.questions[0], changed)
    assert len(alike(first, third)) < 200
    journal.close()


def test_a_set_that_keeps_the_text_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError, match="chunk_first moves the text"):
        load_prompts("text").chunk_first()
