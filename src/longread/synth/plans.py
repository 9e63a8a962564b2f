"""Typed question plans. The answer of a sample is the result of executing its plan, and nothing else.

A plan is a tree: leaves name an entity, inner nodes look up, follow, compare or aggregate. It is stored as JSON
beside its sample. `sql` and `proof` execute it, independently of each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

Number = Annotated[str, Field(pattern=r"^-?[0-9]{1,27}(\.[0-9]{1,9})?$")]
"""A decimal as it is written, so that nothing is rounded on the way into a file."""
Pick = Literal["most", "least"]
Aggregation = Literal["count", "sum", "mean", "most", "least"]
Operation = Literal["difference", "sum", "ratio"]
MOST_COUNTED = 12
"""Messages that a question may have counted."""
LAST_TELLING = 3
"""Of the messages that may tell a conversation from others, as many open alike."""


@dataclass(frozen=True)
class Entity:
    """The entity of this name."""

    name: str
    op: Literal["entity"] = "entity"


@dataclass(frozen=True)
class Find:
    """The only entity whose `relation` has this value, in whatever spelling."""

    relation: str
    value: str
    op: Literal["find"] = "find"


@dataclass(frozen=True)
class Follow:
    """The entity that `relation` lists for `of` with the largest or smallest quantity, or the only one it lists."""

    of: One
    relation: str
    pick: Pick | Literal["only"]
    op: Literal["follow"] = "follow"


@dataclass(frozen=True)
class Extreme:
    """Of several entities, the one with the largest or smallest quantity."""

    over: tuple[One, ...]
    relation: str
    pick: Pick
    op: Literal["extreme"] = "extreme"


@dataclass(frozen=True)
class Lookup:
    """What `relation` says of an entity."""

    of: One
    relation: str
    says: Literal["quantity", "date", "text"]
    op: Literal["lookup"] = "lookup"


@dataclass(frozen=True)
class Combine:
    """Arithmetic on two quantities of one unit: the absolute difference, the sum, or left over right."""

    left: Lookup
    right: Lookup
    how: Operation
    op: Literal["combine"] = "combine"


@dataclass(frozen=True)
class Aggregate:
    """Over all entities of the documents that have `relation`; `above` keeps those with a larger quantity."""

    relation: str
    how: Aggregation
    above: Number | Literal[""] = ""
    """Only for `count`."""
    op: Literal["aggregate"] = "aggregate"


@dataclass(frozen=True)
class Elapsed:
    """Whole years from the earlier of two dates to the later."""

    left: Lookup
    right: Lookup
    op: Literal["elapsed"] = "elapsed"


@dataclass(frozen=True)
class Order:
    """Entities by a quantity, the largest first, or by a date, the earliest first."""

    over: tuple[Entity, ...]
    relation: str
    by: Literal["quantity", "date"]
    op: Literal["order"] = "order"


@dataclass(frozen=True)
class Intervene:
    """`then`, in a world where a quantity of one entity is multiplied by `factor`."""

    name: str
    relation: str
    factor: Number
    then: Extreme | Combine
    op: Literal["intervene"] = "intervene"


@dataclass(frozen=True)
class Induce:
    """The label of an entity by a rule that only examples show: the second label above a bound on a quantity."""

    name: str
    relation: str
    above: Number
    labels: tuple[str, str]
    shots: Annotated[tuple[tuple[str, str], ...], Field(min_length=1)]
    """Names of other entities, each with its label."""
    op: Literal["induce"] = "induce"


@dataclass(frozen=True)
class Reply:
    """The first line of what is replied to the n-th message of a speaker that has all of some words.

    Messages are counted from 1 in the only conversation whose message at `place` begins with `opening`.
    """

    opening: str
    speaker: str
    words: Annotated[tuple[Annotated[str, Field(pattern="^[a-z]{2,40}$")], ...], Field(min_length=1)]
    number: Annotated[int, Field(ge=1, le=MOST_COUNTED)]
    place: Annotated[int, Field(ge=1, le=LAST_TELLING)] = 1
    op: Literal["reply"] = "reply"


@dataclass(frozen=True)
class Holds:
    """What `source` holds as an answer to `asked`, in its own words."""

    source: str
    asked: str
    op: Literal["holds"] = "holds"


One = Annotated[Entity | Find | Follow | Extreme, Field(discriminator="op")]
"""Plans whose result is one entity."""
Plan = Annotated[
    Entity
    | Find
    | Follow
    | Extreme
    | Lookup
    | Combine
    | Aggregate
    | Elapsed
    | Order
    | Intervene
    | Induce
    | Reply
    | Holds,
    Field(discriminator="op"),
]

PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)


def to_json(plan: Plan) -> str:
    """A plan as it is stored."""
    return PLAN.dump_json(plan).decode()


def from_json(text: str) -> Plan:
    """A stored plan; pydantic's ValidationError when it is none."""
    return PLAN.validate_json(text)


def walk(plan: Plan) -> Iterator[Plan]:
    """A plan and all plans in it, outermost first."""
    yield plan
    match plan:
        case Follow() | Lookup():
            yield from walk(plan.of)
        case Extreme() | Order():
            for one in plan.over:
                yield from walk(one)
        case Combine() | Elapsed():
            yield from walk(plan.left)
            yield from walk(plan.right)
        case Intervene():
            yield from walk(plan.then)
        case _:
            pass


def hops(plan: Plan) -> int:
    """Facts in a row that the answer needs: each depends on the one before it."""
    match plan:
        case Follow() | Lookup():
            return 1 + hops(plan.of)
        case Extreme() | Order():
            return 1 + max(map(hops, plan.over))
        case Combine() | Elapsed():
            return max(hops(plan.left), hops(plan.right))
        case Intervene():
            return hops(plan.then)
        case Find() | Aggregate() | Induce() | Reply() | Holds():
            return 1
        case _:
            return 0


def quotient(plan: Plan) -> bool:
    """Whether the answer comes of a division, and so is rounded."""
    match plan:
        case Combine():
            return plan.how == "ratio"
        case Aggregate():
            return plan.how == "mean"
        case Intervene():
            return quotient(plan.then)
        case _:
            return False
