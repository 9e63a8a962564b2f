"""RULER's synthetic tasks that need no download, of any nominal length.

Source: RULER (Hsieh et al. 2024, arXiv 2404.06654), whose task settings are kept: needles in a repeated noise or
among other needles, 4 keys, values or queries, one chain of 4 hops, 10 common words 30 times among others 3 times,
coded words by a zeta distribution with exponent 2. Wording, word lists and code are ours, so scores are comparable
between models but not with published ones.

Left out are the needles in essays and the two question answering tasks, which need their data sets. Where RULER uses
essays for `niah_multikey_1`, `niah_multivalue` and `niah_multiquery`, the noise stands here. Unlike RULER, no
distractor shares the key or the value of a needle, so that every gold is the only right one, and the common words
grow in number with the text once all uncommon words are in it.
"""

from __future__ import annotations

import math
import string
import uuid
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from random import Random
from typing import NamedTuple

from longread.errors import UsageError
from longread.models.tokens import BYTES_PER_TOKEN


class Stretch(NamedTuple):
    """Where something stands: `text[start:end]`."""

    start: int
    end: int


class RulerSample(NamedTuple):
    """One question with the text it is asked about."""

    question: str
    text: str
    """ASCII, so bytes and characters are the same."""
    golds: tuple[str, ...]
    """All of them must be reported."""
    evidence: tuple[Stretch, ...]
    """Where each gold stands, in their order; the whole text where every word of it counts (cwe, fwe)."""


class _Niah(NamedTuple):
    keys: int = 1
    values: int = 1
    queries: int = 1
    among_needles: bool = False
    uuids: bool = False


_NIAH = {
    "niah_single_1": _Niah(),
    "niah_multikey_1": _Niah(keys=4),
    "niah_multikey_2": _Niah(among_needles=True),
    "niah_multikey_3": _Niah(among_needles=True, uuids=True),
    "niah_multivalue": _Niah(values=4),
    "niah_multiquery": _Niah(keys=4, queries=4),
}
_NOISE = (
    "Rain falls on the hills. The wind turns at noon. Boats come in at dusk. On we walk. Then we walk back."
)
_HOPS = 4
_COMMON = 10
_SHORT = 4096
"""Nominal tokens below which common words stand 6 times and others once, instead of 30 and 3 times."""
_ALPHA = 2
_ZETA = math.pi**2 / 6
"""The zeta function at 2."""
_CODED = 3
"""How many of the most frequent coded words are asked for."""

# No adjective ends in another and no noun begins with another, so no compound of both stands inside a second one.
_ADJECTIVES = tuple(
    "amber ancient bitter bold brave bright brisk broken calm careful cheap clever cloudy common crimson "
    "curious damp dark distant dusty eager early empty fancy fearless fierce foggy formal fragile fresh "
    "gentle giant golden grand grateful heavy hidden hollow honest humble idle jolly keen large lazy "
    "lively lonely loud lucky mellow mighty misty modest narrow noble odd pale patient plain polite proud "
    "purple quick quiet rapid rare restless rough royal rusty salty scarlet secret shallow sharp silent "
    "silver simple sleepy slow smooth solid spare steady stern stormy strange sturdy sudden sunny swift "
    "tender tiny tough vast velvet vivid warm wild windy wise wooden young".split()
)
_NOUNS = tuple(
    "acorn anchor apple arrow basket beacon bell blanket bottle bridge bucket button cabin candle canoe "
    "carpet castle cedar chair cherry circle clock comet copper cottage cradle cricket crown curtain "
    "desert dragon drum eagle engine falcon feather fence ferry finger forest fountain garden garlic "
    "ginger glacier guitar hammer harbor hazel helmet heron hill honey island jacket jungle kettle "
    "kitchen ladder lantern lemon letter library lizard magnet maple market meadow mirror monkey mountain "
    "museum needle nest notebook ocean olive orchard otter paddle palace parrot pebble pencil pepper "
    "piano pillow pilot planet pocket pond prairie puzzle quarry rabbit raven ribbon river rocket saddle "
    "sailor school shadow shovel signal spider sponge squirrel stable station sugar summit table teapot "
    "temple thunder ticket tiger tower trumpet tunnel turtle valley village violin wagon walnut whistle "
    "willow window winter zebra".split()
)


def tasks() -> list[str]:
    """The names that `make` takes, which are RULER's."""
    return [*_NIAH, "vt", "cwe", "fwe"]


def make(task: str, tokens: int, seed: int, index: int) -> RulerSample:
    """Sample number `index` of a task, with a text of `tokens` nominal tokens; the same for the same arguments."""
    if task not in tasks():
        raise UsageError(f"unknown RULER task {task!r}: it is one of {', '.join(tasks())}")
    random = Random(f"ruler {task} {tokens} {seed} {index}")  # noqa: S311 -- for samples, not for secrets
    size = tokens * BYTES_PER_TOKEN
    try:
        if task in _NIAH:
            return _needles(_NIAH[task], size, random)
        if task == "vt":
            return _variables(size, random)
        return _common_words(size, random) if task == "cwe" else _frequent_words(size, random)
    except _TooShort:
        raise UsageError(f"{tokens} tokens are too few for RULER's {task}: try 1024 or more") from None


class _TooShort(Exception):  # noqa: N818 -- never leaves this module
    pass


def _needles(task: _Niah, size: int, random: Random) -> RulerSample:
    keys = _distinct(task.keys, lambda: _key(task, random))
    values = _distinct(task.keys * task.values, lambda: _value(task, random))
    needles = [
        _needle(task, key, values[i]) for i, key in enumerate(k for k in keys for _ in range(task.values))
    ]

    def distractor() -> str:
        while True:
            key, value = _key(task, random), _value(task, random)
            if key not in keys and value not in values:
                return _needle(task, key, value)

    order = random.sample(range(len(needles)), len(needles))
    filler = distractor if task.among_needles else lambda: _NOISE
    text, places = _hide([needles[i] for i in order], filler, size, random)
    found = dict(zip(order, places, strict=True))

    asked = random.sample(range(task.keys), task.queries)
    chosen = [key * task.values + i for key in asked for i in range(task.values)]
    what = "code" if task.uuids else "number"
    names = _listed([keys[i] for i in asked])
    question = (
        f"Which hidden {what} is kept for {names} in the text?"
        if len(chosen) == 1
        else f"Which hidden {what}s are kept for {names} in the text? Give all of them."
    )
    return RulerSample(question, text, tuple(values[i] for i in chosen), tuple(found[i] for i in chosen))


def _distinct(count: int, draw: Callable[[], str]) -> list[str]:
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn[draw()] = None
    return list(drawn)


def _key(task: _Niah, random: Random) -> str:
    return _uuid(random) if task.uuids else f"{random.choice(_ADJECTIVES)}-{random.choice(_NOUNS)}"


def _value(task: _Niah, random: Random) -> str:
    return _uuid(random) if task.uuids else str(random.randint(1_000_000, 9_999_999))


def _uuid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _needle(task: _Niah, key: str, value: str) -> str:
    return f"One of the hidden {'codes' if task.uuids else 'numbers'} kept for {key} is: {value}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _variables(size: int, random: Random) -> RulerSample:
    names = _distinct(_HOPS + 1, lambda: "".join(random.choices(string.ascii_uppercase, k=5)))
    value = random.randint(10_000, 99_999)
    chain = [f"VAR {names[0]} = {value}."]
    chain += [f"VAR {name} = VAR {before}." for before, name in pairwise(names)]
    text, places = _hide(chain, lambda: _NOISE, size, random)
    question = (
        f"Which variables have the value {value}, given to them directly or through other variables, in the text? "
        f"Name all {len(names)} of them."
    )
    return RulerSample(question, text, tuple(names), tuple(places))


def _hide(
    needles: Sequence[str], filler: Callable[[], str], size: int, random: Random
) -> tuple[str, list[Stretch]]:
    """Needles, in their order, as lines among lines of filler, and where each stands."""
    left = size - sum(len(needle) + 1 for needle in needles) + 1
    lines: list[str] = []
    while left > 0:
        line = filler()
        left -= len(line) + 1
        lines.append(line)
    if len(lines) <= len(needles):
        raise _TooShort
    # The last line is what fits of the noise, cut at a word: half a needle could be taken for one.
    lines[-1] = f"{_NOISE} {_NOISE}"[: len(lines[-1]) + left].rpartition(" ")[0]
    places = sorted(random.sample(range(len(lines)), len(needles)))
    ordered: list[tuple[str, bool]] = []
    waiting = dict(zip(places, needles, strict=True))
    for number, line in enumerate(lines):
        if number in waiting:
            ordered.append((waiting[number], True))
        ordered.append((line, False))
    starts = accumulate((len(line) + 1 for line, _ in ordered), initial=0)
    found = [
        Stretch(start, start + len(line))
        for start, (line, hidden) in zip(starts, ordered, strict=False)
        if hidden
    ]
    return "\n".join(line for line, _ in ordered), found


def _common_words(size: int, random: Random) -> RulerSample:
    often, seldom = (6, 1) if size < _SHORT * BYTES_PER_TOKEN else (30, 3)
    words = [f"{adjective}-{noun}" for adjective in _ADJECTIVES for noun in _NOUNS]
    random.shuffle(words)
    common, others = words[:_COMMON], words[_COMMON:]
    times = 1
    while _listed_size(common, often * times, others, seldom * times) <= size:
        times += 1
    often, seldom = often * times, seldom * times
    fits = bisect_right(
        range(len(others)), size, key=lambda n: _listed_size(common, often, others[:n], seldom)
    )
    taken = fits - 1
    if taken < _COMMON:
        raise _TooShort
    listed = common * often + others[:taken] * seldom
    random.shuffle(listed)
    text = " ".join(f"{number}. {word}" for number, word in enumerate(listed, 1))
    question = f"Which {_COMMON} words stand in the numbered list most often?"
    return RulerSample(question, text, tuple(common), (Stretch(0, len(text)),))


def _listed_size(common: Sequence[str], often: int, others: Sequence[str], seldom: int) -> int:
    """Characters of the numbered list of all these words."""
    count = len(common) * often + len(others) * seldom
    letters = sum(map(len, common)) * often + sum(map(len, others)) * seldom
    digits = sum(count - int("9" * power or "0") for power in range(len(str(count))))
    return letters + digits + len(". ") * count + (count - 1)


def _frequent_words(size: int, random: Random) -> RulerSample:
    kinds = max(size // BYTES_PER_TOKEN // 50, _CODED + 2)
    words = _distinct(kinds, lambda: "".join(random.choices(string.ascii_lowercase, k=6)))
    words[0] = "..."  # the most frequent one is noise

    def counts(total: int) -> list[int]:
        return [int(total * rank**-_ALPHA / _ZETA) for rank in range(1, len(words) + 1)]

    def written(total: int) -> int:
        return sum(count * (len(word) + 1) for word, count in zip(words, counts(total), strict=True)) - 1

    low, high = 0, size
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if written(middle) <= size else (low, middle - 1)
    final = counts(low)
    if len(set(final[: _CODED + 2])) < _CODED + 2:
        raise _TooShort
    coded = [word for word, count in zip(words, final, strict=True) for _ in range(count)]
    random.shuffle(coded)
    text = " ".join(coded)
    question = (
        f"The text is a sequence of coded words. Which {_CODED} of them stand in it most often? "
        "The dots '...' are no word."
    )
    return RulerSample(question, text, tuple(words[1 : _CODED + 1]), (Stretch(0, len(text)),))
