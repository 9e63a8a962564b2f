"""A text with planted chains of facts among decoys, and a reader that knows only what a prompt shows it.

A chain is: a company was founded by a person, the person was born in a city, the city lies on a river. Decoys
are the same relations between other names.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from importlib.resources import files

from longread.types import Document

SYLLABLES = [
    "ba",
    "ro",
    "ti",
    "len",
    "mar",
    "sol",
    "dra",
    "vi",
    "ke",
    "nu",
    "pol",
    "ga",
    "zer",
    "fo",
    "mi",
    "hal",
]
WORDS = (
    "the report of that year describes in some detail how weather trade and custom shaped daily life along "
    "coast while older records were kept by clerks who seldom agreed about dates or prices and whose books "
    "later passed through many hands before anyone thought of printing them again for a wider public"
).split()
FORMS = {
    "founder": "The company {0} was founded by {1}.",
    "birthplace": "{0} was born in the city of {1}.",
    "river": "The city of {0} lies on the river {1}.",
}
PATTERNS = {
    name: re.compile(form.replace(".", r"\.").replace("{0}", r"(\w+)").replace("{1}", r"(\w+)"))
    for name, form in FORMS.items()
}
RELATIONS = list(FORMS)


@dataclass(frozen=True)
class World:
    """One planted text."""

    text: str
    question: str
    answer: str
    hops: tuple[str, ...]
    """The planted sentences, in reading order."""

    def document(self, without: int | None = None) -> Document:
        """The text, if asked without one hop's sentence."""
        text = self.text if without is None else self.text.replace(self.hops[without], "")
        return Document("world", "world.txt", text)


@dataclass(frozen=True)
class Worlds:
    """One text with a chain for each of several questions."""

    document: Document
    questions: tuple[str, ...]
    answers: tuple[str, ...]


def name(rng: random.Random, taken: set[str]) -> str:
    """A name not used before."""
    while True:
        made = "".join(rng.choices(SYLLABLES, k=4)).capitalize()
        if made not in taken:
            taken.add(made)
            return made


def plant(tokens: int, hops: int, seed: int, decoys: int = 200, taken: set[str] | None = None) -> World:
    """A text of about `tokens` tokens (of 4 bytes) with one chain of `hops` relations in reading order."""
    rng = random.Random(seed)
    taken = set() if taken is None else taken
    chain = [name(rng, taken) for _ in range(hops + 1)]
    planted = [
        FORMS[relation].format(a, b) for relation, a, b in zip(RELATIONS, chain, chain[1:], strict=False)
    ]
    false = [FORMS[rng.choice(RELATIONS)].format(name(rng, taken), name(rng, taken)) for _ in range(decoys)]
    sentences: list[str] = []
    size = 0
    while size < 4 * tokens:
        sentence = " ".join(rng.choices(WORDS, k=rng.randint(8, 24))).capitalize() + "."
        sentences.append(sentence + ("\n" if rng.random() < 0.2 else ""))
        size += len(sentence) + 1
    places = sorted(rng.sample(range(len(sentences)), hops))
    for sentence in false:
        place = rng.randrange(len(sentences))
        sentences[place] += " " + sentence
    for place, sentence in zip(places, planted, strict=True):
        sentences[place] += " " + sentence
    questions = {
        1: f"Who founded the company {chain[0]}?",
        2: f"In which city was the founder of the company {chain[0]} born?",
        3: f"On which river lies the city where the founder of the company {chain[0]} was born?",
    }
    return World(" ".join(sentences), questions[hops], chain[-1], tuple(planted))


def several(tokens: int, questions: int, seed: int) -> Worlds:
    """A text of about `tokens` tokens with chains of one to three relations for so many questions."""
    taken: set[str] = set()
    each = [
        plant(tokens // questions, 1 + number % 3, seed + number, 10, taken) for number in range(questions)
    ]
    text = "\n\n".join(world.text for world in each)
    return Worlds(
        Document("worlds", "worlds.txt", text),
        tuple(world.question for world in each),
        tuple(world.answer for world in each),
    )


def facts(text: str) -> dict[str, tuple[str, str, str]]:
    """Subject -> (relation, object, sentence) for every sentence of the known forms."""
    return {
        match[1]: (relation, match[2], match[0])
        for relation, pattern in PATTERNS.items()
        for match in pattern.finditer(text)
    }


def read(prompt: str) -> str:
    """What a perfect reader would reply to a prompt of the ledger set, knowing nothing but the prompt."""
    if "\nNEW QUESTION\n" in prompt:
        return _follow(prompt)
    if "\nQUESTIONS\n" in prompt:
        return _note_many(prompt)
    question = re.search(r"^QUESTION\n(.+?)\n", prompt, re.MULTILINE)
    if question is None:  # whoever only wants to know how fast it is
        return "It is a text about founders, cities and rivers."
    fence = re.search(r"^(<<\w+)$", prompt, re.MULTILINE)
    assert fence
    opened, closed = fence[1], fence[1][2:] + ">>"
    fenced = re.findall(rf"^{opened}\n(.*?)\n{closed}$", prompt, re.MULTILINE | re.DOTALL)
    subject = re.search(r"company (\w+)", question[1])
    assert subject
    wanted = 3 if "river" in question[1] else 2 if "born" in question[1] else 1
    if "\nSECTION " in prompt:
        notes, section = fenced if prompt.index("NOTES SO FAR") < prompt.index("\nSECTION ") else fenced[::-1]
        return _note(subject[1], facts(notes), facts(section))
    if "Do these notes suffice" in prompt:
        return _review(subject[1], wanted, facts(fenced[0]))
    if "Which of these notes should be kept?" in prompt:
        return _keep(subject[1], fenced[0])
    if "\nDOCUMENTS" in prompt:
        return _whole(subject[1], wanted, facts(fenced[0]))
    return _answer(subject[1], wanted, fenced[0])


def embroider(prompt: str) -> str:
    """What one would reply who adds to each note another that stands nowhere."""
    said = read(prompt)
    return f'NOTE: The moon is a cheese. | "made of cheese"\n{said}' if said.startswith("NOTE") else said


def prompts(of: str = "ledger", **wishes: bool) -> str:
    """A built-in prompt set with these wishes."""
    said = "".join(f"{name} = {str(value).lower()}\n" for name, value in wishes.items())
    return said + files("longread.reading").joinpath(f"prompts/{of}.toml").read_text("utf-8")


def _follow(prompt: str) -> str:
    asked = prompt.split("\nNEW QUESTION\n")[1].split("\n")[0]
    (company,) = set(re.findall(r"company (\w+)", prompt.split("\nBEFORE\n")[1].split("\nNEW")[0]))
    return "QUESTION: " + asked.replace("that company", f"the company {company}")


def _note_many(prompt: str) -> str:
    opened = re.search(r"^(<<\w+)$", prompt, re.MULTILINE)[1]
    closed = opened[2:] + ">>"
    fenced = re.findall(rf"^{opened}\n(.*?)\n{closed}$", prompt, re.MULTILINE | re.DOTALL)
    notes, section = fenced if prompt.index("NOTES SO FAR") < prompt.index("\nSECTION ") else fenced[::-1]
    held = re.split(r"^Q\d+$", notes, flags=re.MULTILINE)[1:]
    asked = re.findall(r"^Q\d+: (.+)$", prompt, re.MULTILINE)
    assert len(asked) == len(held), prompt
    seen, lines = facts(section), []
    for number, (question, own) in enumerate(zip(asked, held, strict=True), 1):
        said = _note(re.search(r"company (\w+)", question)[1], facts(own), seen)
        if said != "NOTHING":
            lines += [f"Q{number} {line}" for line in said.splitlines()]
    return "\n".join(lines) or "NOTHING"


def _note(subject: str, noted: dict, seen: dict) -> str:
    lines = []
    while subject in noted or subject in seen:
        if subject in noted:
            subject = noted[subject][1]
            continue
        relation, other, sentence = seen[subject]
        lines.append(f'NOTE: the {relation} of {subject} is {other} | "{sentence}"')
        subject = other
    return "\n".join(lines) + "\nPLAN: look for " + subject if lines else "NOTHING"


def _whole(subject: str, wanted: int, known: dict) -> str:
    lines = []
    for _ in range(wanted):
        if subject not in known:
            return "ANSWER: NOT IN THE DOCUMENTS"
        _, other, sentence = known[subject]
        lines.append(f'NOTE: it is {other} | "{sentence}"')
        subject = other
    labels = "".join(f"[n{i}]" for i in range(1, wanted + 1))
    return "\n".join([*lines, f"ANSWER: {subject} {labels}"])


def _review(subject: str, wanted: int, noted: dict) -> str:
    for _ in range(wanted):
        if subject not in noted:
            return f"SEEK: {subject}"
        subject = noted[subject][1]
    return "ENOUGH"


def _keep(subject: str, notes: str) -> str:
    lines = {name: line for line in notes.splitlines() for name in facts(line)}
    labels = []
    while subject in lines:
        labels.append(lines[subject].split()[0])
        subject = facts(lines[subject])[subject][1]
    return f"KEEP {', '.join(labels)}"


def _answer(subject: str, wanted: int, notes: str) -> str:
    labels = ""
    for _ in range(wanted):
        line = next((line for line in notes.splitlines() if subject in facts(line)), None)
        if line is None:
            return "NOT IN THE DOCUMENTS"
        labels += line.split()[0]
        subject = facts(line)[subject][1]
    return f"{subject} {labels}"
