"""ordinal: the third poem about rain in a conversation in which many pieces were written, as in MRCR.

Ten pieces of the asked form and topic differ in nothing but their order; the assistant also declines at times, and
names a title without having counted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from longread.models.tokens import utf8_length
from longread.types import Corpus, Document, Evidence, Part, document_id
from longread.worlds.forms import Form
from longread.worlds.names import Cast, turns
from longread.worlds.prose import sentences
from longread.worlds.tasks.base import RANKS, Brief, Puzzle, Task, Unsolvable, one

_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
_FORMS = "poem riddle toast lullaby limerick fable prayer ballad".split()
_TOPICS = (
    "rain", "the sea", "old boats", "winter", "bread", "owls", "the harvest", "a lost key", "candles", "the moon",
    "geese", "snow", "an empty house", "the post", "bells", "moss",
)  # fmt: skip
_ADJECTIVES = (
    "Silver Patient Hollow Quiet Crooked Golden Lonely Amber Narrow Distant Faithful Hidden Salted Velvet Broken "
    "Early Gentle Copper Idle Northern Painted Rusted Sleeping Thirsty Wandering Woven Bitter Borrowed Careful Dusty"
).split()
_NOUNS = (
    "Lantern Ladder Orchard Kettle Harbour Feather Compass Thimble Anchor Mirror Basket Chimney Doorway Envelope "
    "Furrow Gable Hammer Inkwell Jacket Kitchen Lattice Meadow Needle Oar Pebble Quarry Ribbon Saddle Teapot Window"
).split()
_LINES = (
    "It comes by the road that nobody mends", "and leaves by the gate that nobody tends",
    "I asked it to stay and it only bent low", "with nothing to say and nowhere to go",
    "The morning was counting its coins on the sill", "while somebody whistled below on the hill",
    "Who owes what to whom is a question for clerks", "and not for the ones who go walking past larks",
    "A hand on the latch and a foot on the stair", "and all of the evening let down like hair",
    "You told me a story and I told you two", "and neither was long and neither was true",
    "The table remembers what elbows forget", "and pays by the hour for the warmth of its debt",
    "Between the two windows the afternoon lay", "as thin as a letter and folded away",
)  # fmt: skip
_REQUESTS = (
    Form("Write me a {x} about {x2}."),
    Form("Could I have a {x} about {x2}?"),
    Form("I should like another {x} about {x2}, please."),
    Form("Please make up a {x} about {x2}."),
    Form("Time for a {x} about {x2}, I think."),
)
_PIECE = Form('Here is your {x}, "{x2}", filed as {x3}.')
_DECLINES = (
    "I would rather not just now. Ask me again a little later.",
    "Let us leave that for another time; I have none in me today.",
    "Not this time, if you do not mind. Tell me about your day instead.",
)
_CHAT = (
    "What else do you know of {town}?", "Tell me more about {town}, if you will.",
    "What did {person} have to say of it?", "Did anything come of that in {town}?",
    "And {person}? I have heard the name before.", "Go on, please. I am still here.",
    "I passed through {town} last week. What happened there?", "Read me another page of the chronicle.",
)  # fmt: skip
ASKS = {
    "title": Form("What is the title of the {x} {x2} about {x3} that the assistant wrote?"),
    "code": Form("Under which code is the {x} {x2} about {x3} that the assistant wrote filed?"),
    "town": Form("Which town does the {x} {x2} about {x3} that the assistant wrote end with?"),
}
_NOUN = {"title": "title", "code": "code", "town": "town"}
_ENDS = Form("and that, as they say, is the way to {x}.")
_FORM_GROUPS = 7_000
"""Bytes of text for each further form and topic."""


class _Exchange(NamedTuple):
    asked: str
    replied: str
    at: float
    role: str = ""

    @property
    def text(self) -> str:
        return f"User: {self.asked}\n\nAssistant: {self.replied}\n\n"


class _Written(NamedTuple):
    title: str
    code: str
    town: str


def _make(brief: Brief) -> Puzzle:
    rng = brief.rng("book")
    cast = Cast.draw(rng, brief.size)
    kind = tuple(ASKS)[brief.index % len(ASKS)]
    rank = turns(RANKS, brief.seed, "rank", brief.index // RANKS)[brief.index % RANKS]
    form, topic = rng.choice(_FORMS), rng.choice(_TOPICS)
    written = _pieces(rng, cast)
    question = ASKS[kind].fill(x=_ORDINALS[rank], x2=form, x3=topic)
    places = sorted(rng.random() for _ in range(RANKS))
    planted = []
    for number, (piece, at) in enumerate(zip(written, places, strict=True)):
        # Those before it must be read to know which one it is.
        role = "required" if number == rank else "coverage" if number < rank else ""
        planted.append(_exchange(rng, form, topic, piece, at, role))
    planted += [_declined(rng, form, topic) for _ in range(2)]
    wrong = rng.choice([piece for piece in written if piece != written[rank]])
    guess = f'It may have been the one called "{wrong.title}", filed as {wrong.code}, which ends with {wrong.town}, '
    planted.append(_Exchange(question, guess + "but I have not counted.", rng.random()))
    planted += _others(rng, cast, form, topic, brief.size)
    document, evidence = _conversation(brief, cast, planted)
    answers = tuple(str(getattr(piece, kind)) for piece in written)
    noun = _NOUN[kind]
    return Puzzle(
        question,
        answers[rank],
        f'Give only the {noun}. End with: "The answer is {noun.upper()}". '
        'If the documents do not say, answer "not in the documents".',
        1 / RANKS,
        answers,
        f"{kind} of number {rank + 1} of {RANKS} of that form and topic: {answers[rank]}",
        (document,),
        evidence,
    )


def _pieces(rng: random.Random, cast: Cast) -> list[_Written]:
    """Ten pieces that share neither title nor code nor town."""
    titles = rng.sample(range(len(_ADJECTIVES) * len(_NOUNS)), RANKS)
    codes = rng.sample(range(26 * 26 * 9_000), RANKS)
    towns = rng.sample(cast.towns, RANKS)
    return [_Written(_title(t), _code(c), town) for t, c, town in zip(titles, codes, towns, strict=True)]


def _title(number: int) -> str:
    return f"{_ADJECTIVES[number % len(_ADJECTIVES)]} {_NOUNS[number // len(_ADJECTIVES)]}"


def _code(number: int) -> str:
    letters, digits = divmod(number, 9_000)
    return f"{chr(65 + letters // 26)}{chr(65 + letters % 26)}-{1_000 + digits}"


def _exchange(
    rng: random.Random, form: str, topic: str, piece: _Written, at: float, role: str = ""
) -> _Exchange:
    first = 2 * rng.randrange(len(_LINES) // 2)
    lines = ",\n".join(_LINES[first : first + 2])
    head = _PIECE.fill(x=form, x2=piece.title, x3=piece.code)
    asked = rng.choice(_REQUESTS).fill(x=form, x2=topic)
    return _Exchange(asked, f"{head}\n{lines},\n{_ENDS.fill(x=piece.town)}", at, role)


def _declined(rng: random.Random, form: str, topic: str) -> _Exchange:
    return _Exchange(rng.choice(_REQUESTS).fill(x=form, x2=topic), rng.choice(_DECLINES), rng.random())


def _others(rng: random.Random, cast: Cast, form: str, topic: str, size: int) -> list[_Exchange]:
    """Pieces of other forms about the topic, of the form about other topics, and of neither; some declined."""
    topics = [each for each in _TOPICS if each != topic]
    forms = [each for each in _FORMS if each != form]
    groups = [(form, rng.choice(topics)), (rng.choice(forms), topic)]
    groups += [
        (rng.choice(forms), rng.choice(topics)) if rng.random() < 0.6 else rng.choice(groups)
        for _ in range(size // _FORM_GROUPS)
    ]
    out = []
    for what, about in groups:
        for piece in _pieces(rng, cast)[: rng.randrange(3, 8)]:
            out.append(_exchange(rng, what, about, piece, rng.random()))
        if rng.random() < 0.3:
            out.append(_declined(rng, what, about))
    return out


def _conversation(
    brief: Brief, cast: Cast, planted: Sequence[_Exchange]
) -> tuple[Document, tuple[Evidence, ...]]:
    rng = brief.rng("pack")
    ordered = sorted(planted, key=lambda exchange: exchange.at)
    free = max(brief.size // 10, brief.size - sum(len(exchange.text) for exchange in ordered))
    chat = list(_chat(rng, brief, cast, free))
    blocks: list[tuple[str, str]] = []
    done = 0
    for exchange in ordered:
        upto = max(done, min(len(chat), int(exchange.at * len(chat)) + 1))
        blocks += [(text, "") for text in chat[done:upto]]
        blocks.append((exchange.text, exchange.role))
        done = upto
    blocks += [(text, "") for text in chat[done:]]
    text = "".join(block for block, _ in blocks)
    source = "conversation.jsonl"
    id = document_id(source, text)
    evidence: list[Evidence] = []
    parts: list[Part] = []
    at = 0
    for number, (block, role) in enumerate(blocks):
        parts.append(Part(at, f"message {2 * number + 1}"))
        parts.append(Part(at + block.index("\n\nAssistant: ") + 2, f"message {2 * number + 2}"))
        if role:
            evidence.append(Evidence(id, at, at + len(block) - 2, role))
        at += len(block)
    document = Document(id, source, text, "dialogue", lined=False, parts=tuple(parts))
    return document, tuple(evidence)


def _chat(rng: random.Random, brief: Brief, cast: Cast, size: int) -> Iterator[str]:
    """Exchanges about the chronicle, of at most `size` bytes in all."""
    if brief.filler:
        under = brief.filler.draw(rng, size)
        texts = list(_paragraphs(under.sentences, under.separators))
    else:
        lines = sentences(rng, cast, size)
        cuts = [0, *accumulate(rng.choices(range(3, 9), k=len(lines) // 3))]
        texts = [" ".join(lines[a:b]) for a, b in pairwise(cuts)]
    left = size
    for said in texts:
        asked = rng.choice(_CHAT).format(town=rng.choice(cast.towns), person=rng.choice(cast.people))
        text = f"User: {asked}\n\nAssistant: {said}\n\n"
        used = utf8_length(text)
        if used > left:
            said = " ".join(sentences(rng, cast, left - len(text) + len(said)))
            if said:
                yield f"User: {asked}\n\nAssistant: {said}\n\n"
            return
        left -= used
        yield text


def _paragraphs(lines: Sequence[str], separators: Sequence[str]) -> Iterator[str]:
    start = 0
    for at, separator in enumerate(separators):
        if separator == "\n\n":
            rest = zip(lines[start : at + 1], [*separators[start:at], ""], strict=True)
            yield "".join(line + after for line, after in rest).replace("\n\n", "\n")
            start = at + 1


def _asked(question: str) -> tuple[str, str, str, int]:
    for kind, form in ASKS.items():
        if values := form.read(question):
            return kind, values["x2"], values["x3"], _ORDINALS.index(values["x"])
    raise Unsolvable(f"not a question of this task: {question}")


def _exchanges(text: str) -> Iterator[tuple[str, str]]:
    for block in f"\n\n{text}".split("\n\nUser: ")[1:]:
        asked, _, replied = block.partition("\n\nAssistant: ")
        yield asked, replied.removesuffix("\n\n")


def _derive(question: str, exchanges: Iterator[tuple[str, str]]) -> str:
    kind, form, topic, rank = _asked(question)
    wanted = {request.fill(x=form, x2=topic) for request in _REQUESTS}
    written = []
    for asked, replied in exchanges:
        if asked in wanted and (head := _PIECE.read(replied.partition("\n")[0])):
            end = _ENDS.read(replied.rpartition("\n")[2]) or {}
            written.append({"title": head["x2"], "code": head["x3"], "town": end["x"]}[kind])
    return one(written[rank : rank + 1], question)


def _solve(question: str, evidence: Sequence[str]) -> str:
    return _derive(question, (pair for text in evidence for pair in _exchanges(text)))


def _prove(question: str, corpus: Corpus) -> str:
    return _derive(question, (pair for document in corpus for pair in _exchanges(document.text)))


ORDINAL = Task("dialogue", _make, _solve, _prove)
