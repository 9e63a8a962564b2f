"""What chronicles tell of a town's buildings, month by month, and what merely looks like it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from longread.worlds.forms import Form


class Relation(NamedTuple):
    """Something that a building has anew from time to time."""

    value: str
    """Gap that holds it: person, town2 or number."""
    noun: str
    facts: tuple[Form, ...]
    misses: tuple[Form, ...]
    """Of the same building and kind of value, but it did not come to pass."""
    dated: Form
    """The question for one date."""
    latest: Form
    """The question for the last value."""


LEASE = Relation(
    "person",
    "name",
    (
        Form("In {date} the lease of the {thing} of {town} went to {person}."),
        Form("{person} was granted the lease of the {thing} of {town} in {date}."),
        Form("The council let the {thing} of {town} on lease to {person} in {date}."),
    ),
    (
        Form("In {date} {person} bid for the lease of the {thing} of {town} and was refused."),
        Form(
            "The lease of the {thing} of {town} was promised to {person} in {date}, but no seal was ever set to it."
        ),
        Form("In {date} {person} petitioned for the lease of the {thing} of {town}, in vain."),
    ),
    Form("Going by the records kept, who was granted the lease of the {thing} of {town} in {date}?"),
    Form("Going by the dates given, who was the last to be granted the lease of the {thing} of {town}?"),
)
KEEPER = Relation(
    "person",
    "name",
    (
        Form("In {date} {person} became keeper of the {thing} of {town}."),
        Form("{person} was sworn in as keeper of the {thing} of {town} in {date}."),
        Form("The {thing} of {town} got {person} as its keeper in {date}."),
    ),
    (
        Form("In {date} {person} stood for keeper of the {thing} of {town} and lost the vote."),
        Form("{person} was asked in {date} to be keeper of the {thing} of {town}, and declined."),
        Form("In {date} it was rumoured that {person} would be keeper of the {thing} of {town}, wrongly."),
    ),
    Form("Going by the records kept, who became keeper of the {thing} of {town} in {date}?"),
    Form("Going by the dates given, who was the last to become keeper of the {thing} of {town}?"),
)
REPAIR = Relation(
    "person",
    "name",
    (
        Form("In {date} {person} repaired the {thing} of {town}."),
        Form("The {thing} of {town} was repaired by {person} in {date}."),
        Form("Repairs to the {thing} of {town} were carried out by {person} in {date}."),
    ),
    (
        Form(
            "{person} offered in {date} to repair the {thing} of {town}, at a price the town could not pay."
        ),
        Form("In {date} {person} drew up plans to repair the {thing} of {town}, which were laid aside."),
        Form("{person} was to repair the {thing} of {town} in {date}, but never came."),
    ),
    Form("Going by the records kept, who repaired the {thing} of {town} in {date}?"),
    Form("Going by the dates given, who was the last to repair the {thing} of {town}?"),
)
RENT = Relation(
    "number",
    "number",
    (
        Form("The rent of the {thing} of {town} was set at {number} crowns in {date}."),
        Form("In {date} the council fixed the rent of the {thing} of {town} at {number} crowns."),
        Form("From {date} on the {thing} of {town} paid a rent of {number} crowns."),
    ),
    (
        Form("In {date} a rent of {number} crowns was proposed for the {thing} of {town} and voted down."),
        Form(
            "The tenants spoke in {date} of {number} crowns as rent for the {thing} of {town}, without success."
        ),
        Form(
            "In {date}, {number} crowns were asked as rent for the {thing} of {town}, which nobody would pay."
        ),
    ),
    Form(
        "Going by the records kept, at how many crowns was the rent of the {thing} of {town} set in {date}?"
    ),
    Form("Going by the dates given, at how many crowns was the rent of the {thing} of {town} set last?"),
)
STONE = Relation(
    "town2",
    "town",
    (
        Form("In {date} stone for the {thing} of {town} was brought from {town2}."),
        Form("New stone for the {thing} of {town} came from {town2} in {date}."),
        Form("{town2} sent stone for the {thing} of {town} in {date}."),
    ),
    (
        Form("In {date} stone from {town2} was offered for the {thing} of {town} and sent back at the gate."),
        Form("Stone for the {thing} of {town} was ordered from {town2} in {date}, but none was brought."),
        Form("In {date} the council spoke of stone from {town2} for the {thing} of {town}, and did nothing."),
    ),
    Form("Going by the records kept, from which town was stone for the {thing} of {town} brought in {date}?"),
    Form("Going by the dates given, from which town was stone for the {thing} of {town} brought last?"),
)
RELATIONS = (LEASE, RENT, KEEPER, STONE, REPAIR)


def echo(rng: random.Random, question: str, people: Sequence[str], values: Sequence[str]) -> str:
    """A sentence that has all words of the question and does not answer it.

    Somebody is named in it who is none of the `values` that could. Search finds this first.
    """
    person = rng.choice(
        [each for each in rng.sample(people, min(len(people), len(values) + 1)) if each not in values]
    )
    return f"{question.removesuffix('?')}, {person} could not say."
