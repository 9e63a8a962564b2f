"""Chronicles that say nothing in particular: what questions are hidden in.

No form here tells of what the tasks ask for (leases, keepers, rents, repairs, builders, deliveries, births, trades
learned), so that nothing in the background can change an answer.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from longread.worlds.names import MONTHS, THINGS, Cast, year

FORMS = (
    "In {month} the council of {town} met {few} times and put off the matter of the {thing}.",
    "Rain kept the road from {town} to {town2} closed until {month}.",
    "{person} complained before the council of {town} that the nights had grown louder since {year}.",
    "A letter from {town} came to {town2} after {few} days, with its seal broken.",
    "The school of {town} taught {few} children in {year}, most of them from the farms.",
    "{person} and {person2} disagreed about the hedge between their fields near {town}.",
    "Nobody in {town} could say who had planted the row of limes beside the {thing}.",
    "The {thing} of {town} was painted white in {year}, and grey again the year after.",
    "Travellers praised the inn at {town} and warned of the one at {town2}.",
    "{person} wrote that the winter of {year} was the mildest anyone could remember.",
    "In {month} the bells of {town} rang for {few} days, and {person} slept badly.",
    "{person} read aloud at the {thing} of {town} every evening of that {month}.",
    "The market day of {town} was moved to suit the people of {town2}, which pleased neither.",
    "Of the storm of {year} only {person} left an account, and it is short.",
    "{person} walked from {town} to {town2} in {few} hours and spoke of it for years.",
    "A fire near the {thing} of {town} was put out before it spread, thanks to {person}.",
    "It is not known why {person} never returned to {town} after {year}.",
    "The dogs of {town} barked all through {month}, and {person} blamed the fair.",
    "{person} kept bees behind the {thing} of {town} and gave the honey away.",
    "Two families of {town} quarrelled over a pew, and {person} was asked to settle it.",
    "In {year} the river rose as high as the {thing} of {town}, and fell again within {few} days.",
    "{person2} told {person} that the view from {town} was the best in the county.",
    "The feast of {town} drew {few} guests from {town2}, who stayed longer than was planned.",
    "When {person} fell ill in {month}, the neighbours took turns with the cooking.",
    "The minutes of {town} for {year} are lost, except for a page about {person}.",
    "A stranger asked the way to {town2} at the {thing} of {town} and was sent round by the hills.",
    "{person} collected songs in {town} and wrote down {few} of them.",
    "The old wall of {town} was counted and measured in {year}, to no clear purpose.",
    "Snow lay on the fields of {town} until {month}, and the post went on foot.",
    "{person} had a clock that was always {few} minutes slow, and all of {town} went by it.",
    "The children of {town} made a game of the steps beside the {thing}.",
    "In {month} {person} and {person2} played chess by letter between {town} and {town2}.",
    "A traveller counted {few} chimneys in {town} and thought it a large place.",
    "{person} spoke at the assembly of {town} for the better part of a day.",
    "The geese of {person} were found as far away as {town2}.",
    "By {year} the footpath past the {thing} of {town} was overgrown.",
    "{town} and {town2} shared a physician in {year}, and {person} rode with him.",
    "There was talk in {town} of a comet in {month}, but {person} saw only clouds.",
    "{person} planted a pear tree near the {thing} of {town}, which bore nothing for {few} years.",
    "The almanac of {year} had {town} on the wrong side of the river, and {person} wrote to say so.",
)  # fmt: skip
_SAMPLE = 400


class Background(NamedTuple):
    """Sentences and what stands after each of them."""

    sentences: list[str]
    separators: list[str]


def sentences(rng: random.Random, cast: Cast, size: int) -> list[str]:
    """Sentences of about `size` bytes in all, a space for each counted in; never more.

    A row of values fills many forms, so that a book of 40 MB is made in seconds, yet few of its sentences recur.
    """
    rows = _rows(rng, cast, min(16_384, max(128, size // 800)))
    out: list[str] = []
    free = size
    average = 90.0
    while free > 0:
        count = max(1, min(20_000, int(free / average)))
        forms, values = rng.choices(FORMS, k=count), rng.choices(rows, k=count)
        batch = [form.format_map(row) for form, row in zip(forms, values, strict=True)]
        used = sum(map(len, batch)) + count
        average = used / count
        while used > free:
            used -= len(batch.pop()) + 1
        out += batch
        free -= used
        if not batch:
            break
    return out


def background(rng: random.Random, cast: Cast, size: int) -> Background:
    """Paragraphs of 3 to 7 sentences, of about `size` bytes."""
    lines = sentences(rng, cast, size - size // 400)
    separators = [" "] * len(lines)
    at = -1
    for length in rng.choices((3, 4, 5, 6, 7), k=len(lines) // 3 + 1):
        at += length
        if at >= len(lines):
            break
        separators[at] = "\n\n"
    return Background(lines, separators)


def _rows(rng: random.Random, cast: Cast, count: int) -> list[dict[str, str]]:
    rows = []
    for _ in range(count):
        person, person2 = rng.sample(cast.people, 2)
        town, town2 = rng.sample(cast.towns, 2)
        rows.append(
            {
                "person": person, "person2": person2, "town": town, "town2": town2, "thing": rng.choice(THINGS),
                "month": rng.choice(MONTHS), "year": str(year(rng)), "few": str(rng.randrange(3, 60)),
            }
        )  # fmt: skip
    return rows
