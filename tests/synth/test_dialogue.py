"""Conversations: what is one, what its turns are, and what is asked of it."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from longread.documents.load import load
from longread.synth import dataset, plans, propose
from longread.synth.base import Base
from longread.synth.facts import dialogue
from longread.synth.pipeline import Recipe, prove, run
from longread.synth.proof import Proof, UnderivableError
from longread.synth.propose import Topics
from longread.synth.sql import Tables
from longread.synth.verify import Ground, verify
from longread.synth.wording import FORMS, question
from longread.types import Document, Sample
from longread.worlds import longbook
from tests.synth.pages import document, documents

_THINGS = ("lamp", "kettle", "ladder", "anchor", "basket")
_TOWNS = [
    a + b
    for a in ("Bal", "Cor", "Dra", "Fen", "Gol", "Hes", "Kar", "Lum")
    for b in ("burg", "ford", "port", "wick")
]


def log(number: int, turns: int = 60, time: bool = False) -> str:
    """A plain log of two who buy things from each other."""
    rng = random.Random(number)
    lines = []
    for at in range(turns):
        said = f"Where do I find a {rng.choice(_THINGS)} in {rng.choice(_TOWNS)}?"
        if not at:
            said = f"Good morning, this is call {number} from {_TOWNS[number % len(_TOWNS)]}."
        if at % 2:
            said = f"Ask for number {rng.randrange(10_000)} at the {rng.choice(('mill', 'inn', 'bridge'))}."
            said += f"\n{'Bring your own cart, as it rains. ' * 6}"
        stamp = f"[2024-05-{at // 24 + 1:02} {at % 24:02}:10] " if time else ""
        lines.append(f"{stamp}{'Bo' if at % 2 else 'Anna'}: {said}")
    return "\n".join(lines) + "\n"


def talk(text: str, kind: str = "text") -> Document:
    return document(text, "talk.txt", kind)


@pytest.mark.parametrize("time", [False, True])
def test_turns_stand_where_they_are_said_to(time: bool):
    given = talk(log(0, time=time))
    turns = dialogue.turns_of(given)
    assert len(turns) == 60 and [turn.speaker for turn in turns[:3]] == ["Anna", "Bo", "Anna"]
    assert all(given.text[turn.start : turn.end] == turn.said for turn in turns)
    assert turns[1].line == turns[1].said.split("\n")[0] and "cart" in turns[1].words


@pytest.mark.parametrize(
    "given",
    [
        talk("A day in the life.\n\n" + log(0)),
        talk(log(0), "code"),
        talk("Note: this is prose. " * 40),
        talk("\n".join(f"Step {'abcdefghijkl'[i]}: do it" for i in range(12))),
        talk("".join(f"Anna: line {i}\n" for i in range(20))),
        talk("".join(f"Name: Anna\nAge: {i}\nCity: Bern\n\n" for i in range(20))),
        talk(
            "".join(f"[2024-05-01 10:{i}] {'INFO' if i % 3 else 'ERROR'}: did {i}\n" for i in range(10, 40))
        ),
        talk(log(0), "markdown"),
        talk(""),
    ],
    ids=[
        "preface",
        "code",
        "prose",
        "labels that come once",
        "one speaker",
        "records",
        "program log",
        "Markdown",
        "nothing",
    ],
)
def test_other_texts_are_no_conversations(given: Document):
    assert dialogue.turns_of(given) == ()


def test_words_before_a_colon_are_not_taken_for_speakers():
    text = log(0).replace("as it rains.", "as it rains.\nNote: closed today.", 1)
    assert {turn.speaker for turn in dialogue.turns_of(talk(text))} == {"Anna", "Bo"}


def test_who_has_a_time_or_a_role_speaks_however_seldom():
    hour = "[2024-05-02 09:10] "
    timed = log(0, time=True) + f"{hour}Carla: And I?\nNote: this is hers.\n"
    assert [turn.said for turn in dialogue.turns_of(talk(timed)) if turn.speaker == "Carla"] == [
        "And I?\nNote: this is hers."
    ]
    roles = (
        log(0).replace("Anna:", "user:").replace("Bo:", "assistant:").replace("\nBring", "\nExample: bring")
    )
    turns = dialogue.turns_of(talk(f"system: Be kind.\n{roles}"))
    assert [turn.speaker for turn in turns[:3]] == ["system", "user", "assistant"] and len(turns) == 61


def test_chat_files_are_conversations(tmp_path: Path):
    rows = [
        f'{{"role": "{who}", "content": "It is {n} now."}}' for n in range(6) for who in ("user", "assistant")
    ]
    (tmp_path / "chat.jsonl").write_text("\n".join(rows))
    turns = dialogue.turns_of(load(tmp_path).documents[0])
    assert [turn.speaker for turn in turns] == ["user", "assistant"] * 6


SHORT = (
    "".join(
        f"Anna: {asked}\nBo: {said}\n"
        for asked, said in [
            ("Hello there", "Hello"),
            ("A red lamp please", "Number 1\nand more"),
            ("And a ladder", "Number 2"),
            ("Another LAMP, please", "Number 3"),
            ("No lamps or please", "Number 4"),
        ]
    )
    + "Anna: One lamp, please.\nAnna: Are you there?\nAnna: well?\n"
)


@pytest.mark.parametrize(
    ("words", "number", "reply"),
    [
        (("lamp", "please"), 1, "Number 1"),
        (("lamp", "please"), 2, "Number 3"),
        (("lamp", "please"), 3, None),  # nobody replied
        (("lamp", "please"), 4, None),
        (("please",), 3, "Number 4"),
        (("kettle",), 1, None),
    ],
)
def test_both_interpreters_count_messages(words: tuple[str, ...], number: int, reply: str | None):
    base = Base(tuple(dialogue.pages([talk(SHORT)])))
    plan = plans.Reply("Hello there", "Anna", words, number)
    assert Tables(base).execute(plan, [page.doc for page in base.pages]) == reply
    if reply is None:
        with pytest.raises(UnderivableError):
            Proof(base).execute(plan)
        return
    proof = Proof(base)
    assert proof.execute(plan) == reply
    roles = [(SHORT[piece.start : piece.end], piece.role) for piece in proof.evidence]
    assert roles[0] == (reply, "required") and len(roles) == number + 1
    assert {role for _, role in roles[1:]} == {"coverage"}


def test_conversations_that_begin_alike_give_nothing():
    other = document(SHORT + "Bo: bye\n", "other.txt", "text")
    base = Base(tuple(dialogue.pages([talk(SHORT), other])))
    plan = plans.Reply("Hello there", "Anna", ("ladder",), 1)
    assert Tables(base).execute(plan, [page.doc for page in base.pages]) is None
    with pytest.raises(UnderivableError, match="2 conversations"):
        Proof(base).execute(plan)


@pytest.mark.parametrize(("number", "reply"), [(1, "Number 1"), (2, None), (3, None)])
def test_a_message_that_may_be_of_two_is_not_counted(number: int, reply: str | None):
    text = SHORT.replace("LAMP, please", "LAMP, please\nCarla: me too")
    base = Base(tuple(dialogue.pages([talk(text)])))
    plan = plans.Reply("Hello there", "Anna", ("please",), number)
    assert Tables(base).execute(plan, [page.doc for page in base.pages]) == reply
    if reply is None:
        with pytest.raises(UnderivableError, match="of two speakers"):
            Proof(base).execute(plan)
    else:
        assert Proof(base).execute(plan) == reply


@pytest.mark.parametrize(
    ("replies", "fault"),
    [
        (("Yes.", "No", "Maybe later"), ""),
        (("Yes.", "Yes, of course", "Maybe later"), "message 2 passes"),
        (("No", "Yes.", "Nothing else"), "message 3 passes"),
        (("Hello", "Yes.", "No"), "states the answer"),
    ],
)
def test_an_answer_is_told_from_the_other_replies_and_the_question(replies: tuple[str, ...], fault: str):
    turns = "".join(f"Anna: A lamp, {at} times\nBo: {said}\n" for at, said in enumerate(replies))
    given = talk(f"Anna: Hello there\nBo: Well\n{turns}Anna: Thanks\nBo: Bye\n")
    base = Base(tuple(dialogue.pages([given])))
    plan = plans.Reply("Hello there", "Anna", ("lamp",), 1)
    proof = Proof(base)
    said = str(proof.execute(plan))
    sample = Sample(
        "0", "dialogue", "dialogue", question(plan, 0), said, "cem", (given.id,),
        evidence=proof.evidence, plan=plans.to_json(plan), split="train",
    )  # fmt: skip
    failed = [
        check for check in verify(sample, Ground({given.id: given}, base, Tables(base))) if not check.passed
    ]
    assert [check.name for check in failed] == ["count"] * bool(fault)
    assert all(fault in check.fault for check in failed)


def test_what_has_no_wording_is_no_plan():
    plan = plans.Reply("Hello there", "Anna", ("lamp",), plans.MOST_COUNTED)
    assert all("twelfth" in question(plan, form) for form in range(FORMS))
    for changed in ({"number": plans.MOST_COUNTED + 1}, {"number": 0}, {"words": ()}, {"words": (".*",)}):
        with pytest.raises(ValidationError):
            replace(plan, **changed)


def test_every_wording_says_all_that_decides():
    plan = plans.Reply("Hello there", "Anna", ("lamp", "please"), 2)
    for form in range(FORMS):
        said = question(plan, form)
        assert all(part in said for part in ('"Hello there"', "Anna", '"lamp" and "please"', "second")), said


def test_replies_are_asked_for_and_proved(tmp_path: Path):
    logs = [document(log(number, 120), f"logs/{number}.txt", "text") for number in range(30)]
    out = run(logs, Recipe(20, (8_192,), 1, ("dialogue", "comparison")), tmp_path / "out")
    made = [one.sample for shard in dataset.shards(out) for one in dataset.read_samples(shard)]
    assert len(made) > 15 and {one.task for one in made} == {"dialogue"}
    assert len({one.answer for one in made}) == len(made)
    assert not [faults for _, faults in prove(out) if faults]


@pytest.mark.slow
def test_conversations_that_open_alike_are_told_by_a_later_message():
    pages = tuple(
        page
        for n in range(3)
        for page in dialogue.pages(
            [document(SHORT.replace("Bo: Hello", f"Bo: Hello {n}", 1), f"{n}.txt", "text")]
        )
    )
    base = Base(pages)
    asked = [plan for seed in range(200) if (plan := propose.dialogue(random.Random(seed), Topics(base)))]
    assert {plan.place for plan in asked} == {2} and {plan.opening for plan in asked} == {
        f"Hello {n}" for n in range(3)
    }
    for plan in asked:
        try:
            said = Proof(base).execute(plan)
        except UnderivableError:
            said = None
        assert Tables(base).execute(plan, [page.doc for page in pages]) == said
    assert 'whose second message begins with "Hello 1"' in question(
        plans.Reply("Hello 1", "Anna", ("x" * 3,), 1, 2), 0
    )


@pytest.mark.slow
def test_each_conversation_of_a_file_is_one_and_is_proved_from_the_stored_file(tmp_path: Path):
    rows = []
    for number in range(30):
        turns = dialogue.turns_of(talk(log(number)))
        messages = [
            {"role": "user" if turn.speaker == "Anna" else "assistant", "content": turn.said}
            for turn in turns
        ]
        rows.append(json.dumps({"id": number, "messages": messages}))
    (tmp_path / "many").mkdir()
    for part in range(3):
        (tmp_path / "many" / f"{part}.jsonl").write_text("\n".join(rows[part::3]))
    given = load(tmp_path / "many").documents
    pages = list(dialogue.pages(given))
    assert len(pages) == 30 == len({page.name for page in pages})
    text = {one.id: one.text for one in given}
    assert all(text[page.doc][turn.start : turn.end] == turn.said for page in pages for turn in page.turns)
    assert all(len(page.turns) == 60 for page in pages)
    out = run(given, Recipe(10, (65_536,), 1, ("dialogue",)), tmp_path / "out")
    assert len(list(prove(out))) > 5 and not [faults for _, faults in prove(out) if faults]


def test_records_of_two_fields_are_no_conversation():
    fields = talk("".join(f"Name: Anna Berg\nAge: {n}\n\n" for n in range(20)))
    assert dialogue.turns_of(fields) == ()
    assert dialogue.turns_of(
        talk("".join(f"Anna: How many are {n}?\nBo: These are {n}.\n" for n in range(20)))
    )


_SAID = re.compile(r"(?:^|\n\n)(User|Assistant): ")


def write_generated(folder: Path, count: int, tokens: int) -> None:
    """Conversations of our benchmark as a user would have them: plain text, with times or without, and JSON lines."""
    folder.mkdir()
    for number in range(count):
        (made,) = longbook.make("ordinal", tokens, 7, number).corpus
        _, *parts = _SAID.split(made.text)
        turns = [(who, said.strip()) for who, said in zip(parts[::2], parts[1::2], strict=True)]
        match number % 3:
            case 0:
                text, suffix = "\n\n".join(f"{who}: {said}" for who, said in turns), "txt"
            case 1:
                rows = [json.dumps({"role": who.lower(), "content": said}) for who, said in turns]
                text, suffix = "\n".join(rows), "jsonl"
            case _:
                stamped = [
                    f"[2024-05-01 {at // 60:02}:{at % 60:02}] {who}: {said}"
                    for at, (who, said) in enumerate(turns)
                ]
                text, suffix = "\n".join(stamped), "txt"
        (folder / f"chat{number:02}.{suffix}").write_text(text + "\n")


def test_generated_conversations_are_asked_about_in_every_form(tmp_path: Path):
    write_generated(tmp_path / "chat", 18, 4_096)
    documents = load(tmp_path / "chat").documents
    assert all(dialogue.turns_of(one) for one in documents)
    out = run(documents, Recipe(16, (8_192,), 1, ("dialogue",)), tmp_path / "out")
    samples = [one.sample for shard in dataset.shards(out) for one in dataset.read_samples(shard)]
    sources = {one.id: one.source for one in documents}
    assert len(samples) > 12 and {Path(sources[s.evidence[0].doc]).suffix for s in samples} == {
        ".txt",
        ".jsonl",
    }
    assert not [faults for _, faults in prove(out) if faults]


def test_pages_are_asked_about_among_more_documents_of_other_kinds(tmp_path: Path):
    logs = [document(log(number), f"logs/{number}.txt", "text") for number in range(60)]
    out = run([*documents(), *logs], Recipe(20, (4_096,), 1, ("dialogue", "comparison")), tmp_path / "out")
    made = [one.sample.type for shard in dataset.shards(out) for one in dataset.read_samples(shard)]
    assert made.count("dialogue") >= 8 and made.count("comparison") >= 8
