"""Prose that says nothing: some thousand different words in plain sentences, so that no paragraph is like another."""

from __future__ import annotations

import random

_FIRST = (
    "river stone wood field harbour mill corn wool sand brook meadow barn garden orchard market bridge "
    "tower salt clay moss reed hay wind frost"
).split()
_SECOND = (
    "side house yard gate path bank ridge keeper wall stead corner hill bed worker stone light shed "
    "board mark land store wheel fall crest"
).split()
_NOUNS = [first + second for first in _FIRST for second in _SECOND if first != second]
_ADJECTIVES = [
    colour + thing
    for colour in "pale dark soft half long broad thin high low cool".split()
    for thing in "grey green lit worn sunk built spun cut bound born drawn set".split()
]
_VERBS = (
    "carried crossed covered circled faced framed followed guarded hid held joined kept left lined marked "
    "met nudged overlooked passed pressed reached rounded served shaded sheltered skirted spanned split "
    "steadied stopped supplied supported touched trailed turned warmed watched widened wrapped yielded"
).split()
_ADVERBS = [
    how + "ly"
    for how in (
        "bare bold brief bright calm clear close cold cool damp deep dim dull fair faint firm fond free fresh full "
        "glad grand hard harsh kind lame late light loud meek mild neat open pale plain proud quick quiet rare rough "
        "sharp short slow smooth soft stern stiff strong sweet tame thick tight vague warm weak wide wild"
    ).split()
]
_SHAPES = (
    "The {a} {n} {v} the {m} {d}.",
    "Beside the {n} a {a} {m} {v} the {o}.",
    "{D}, the {n} {v} a {a} {m} and the {o}.",
    "No {n} {v} the {m} as {d} as the {a} {o}.",
)


def sentence(rng: random.Random) -> str:
    """One sentence of six to fourteen words; it holds no name and no number."""
    adverb = rng.choice(_ADVERBS)
    return rng.choice(_SHAPES).format(
        a=rng.choice(_ADJECTIVES), n=rng.choice(_NOUNS), m=rng.choice(_NOUNS), o=rng.choice(_NOUNS),
        v=rng.choice(_VERBS), d=adverb, D=adverb.capitalize(),
    )  # fmt: skip
