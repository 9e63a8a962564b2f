"""The second interpreter: a plan over decimals read from the evidence alone, with the places that were read.

It shares no code with the SQL of the first; what it reads is what necessity and citations are checked against.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

from longread.synth import plans
from longread.synth.answers import Result, rounded
from longread.synth.base import Base, Page, Turn
from longread.synth.facts import Fact
from longread.synth.spelling import key
from longread.synth.values import Quantity, plain
from longread.types import Evidence

_LABELLED = re.compile(r"^(?:\[[^\]]{4,40}\] ?)?[^\W\d_][^:]{0,30}:")
"""A line that may be of another speaker."""


class UnderivableError(Exception):
    """The documents do not give one answer to a plan; the text says why."""


class Proof:
    """Executes one plan and remembers what it read."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._altered: plans.Intervene | None = None
        self._read: dict[tuple[str, int, int], str] = {}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was read, in the order of the plan's execution."""
        return tuple(Evidence(doc, start, end, role) for (doc, start, end), role in self._read.items())

    def execute(self, plan: plans.Plan) -> Result:
        """The result of a plan; UnderivableError when there is none or more than one."""
        match plan:
            case plans.Entity() | plans.Find() | plans.Follow() | plans.Extreme():
                return self._one(plan)
            case plans.Lookup():
                page = self._page(plan.of)
                if plan.says == "quantity":
                    return self._quantity(page, plan.relation).number
                return plain(self._fact(page, plan.relation).value)
            case plans.Combine():
                return self._combine(plan)
            case plans.Elapsed():
                early, late = sorted((self._date(plan.left), self._date(plan.right)))
                before = (late.month, late.day) < (early.month, early.day)
                return Decimal(late.year - early.year - before)
            case plans.Order():
                return self._order(plan)
            case plans.Aggregate():
                return self._aggregate(plan)
            case plans.Reply():
                return self._reply(plan)
            case plans.Induce():
                return self._induce(plan)
            case plans.Holds():
                return plain(self._fact(self._page(plans.Entity(plan.asked)), plan.source).value)
            case plans.Intervene():
                self._altered = plan
                self._fact(self._page(plans.Entity(plan.name)), plan.relation)
                return self.execute(plan.then)
            case _:
                assert_never(plan)

    def _one(self, plan: plans.One) -> str:
        match plan:
            case plans.Entity():
                if plan.name not in self._base.by_name:
                    raise UnderivableError(f"no document is about {plan.name}")
                return plan.name
            case plans.Find():
                found = [p for p in self._base.pages if self._says(p, plan)]
                if len(found) != 1:
                    raise UnderivableError(f"{len(found)} entities have {plan.relation} = {plan.value!r}")
                self._fact(found[0], plan.relation)
                return found[0].name
            case plans.Follow():
                page = self._page(plan.of)
                listed = page.links.get(plan.relation, ())
                if not listed:
                    raise UnderivableError(f"{page.name} lists nothing as {plan.relation}")
                self._fact(page, plan.relation)
                if plan.pick == "only" and len(listed) > 1:
                    raise UnderivableError(f"{page.name} lists several as {plan.relation}")
                numbers = [link.number for link in listed]
                wanted = min(numbers) if plan.pick == "least" else max(numbers)
                return listed[numbers.index(wanted)].name
            case plans.Extreme():
                pages = [self._page(one) for one in plan.over]
                return self._extreme(pages, plan.relation, plan.pick, "required")
            case _:
                assert_never(plan)

    def _page(self, plan: plans.One) -> Page:
        name = self._one(plan)
        if name not in self._base.by_name:
            raise UnderivableError(f"no document is about {name}")
        return self._base.by_name[name]

    def _fact(self, page: Page, relation: str, role: str = "required") -> Fact:
        if relation not in page.facts:
            raise UnderivableError(f"{page.name} does not say its {relation}")
        fact = page.facts[relation]
        self._read.setdefault((fact.doc, fact.start, fact.end), role)
        return fact

    def _quantity(self, page: Page, relation: str, role: str = "required") -> Quantity:
        self._fact(page, relation, role)
        if relation not in page.quantities:
            raise UnderivableError(f"{relation} of {page.name} is no quantity")
        stated = page.quantities[relation]
        if self._altered and (page.name, relation) == (self._altered.name, self._altered.relation):
            return stated._replace(number=stated.number * Decimal(self._altered.factor))
        return stated

    def _date(self, plan: plans.Lookup) -> datetime.date:
        page = self._page(plan.of)
        self._fact(page, plan.relation)
        if plan.relation not in page.dates:
            raise UnderivableError(f"{plan.relation} of {page.name} is no date")
        return page.dates[plan.relation]

    def _says(self, page: Page, plan: plans.Find) -> bool:
        fact = page.facts.get(plan.relation)
        return fact is not None and key(plain(fact.value)) == key(plan.value)

    def _combine(self, plan: plans.Combine) -> Decimal:
        left = self._quantity(self._page(plan.left.of), plan.left.relation)
        right = self._quantity(self._page(plan.right.of), plan.right.relation)
        if left.unit != right.unit:
            raise UnderivableError(f"{left.unit} and {right.unit} do not go together")
        match plan.how:
            case "difference":
                return abs(left.number - right.number)
            case "sum":
                return left.number + right.number
            case "ratio":
                if not right.number:
                    raise UnderivableError("nothing can be divided by 0")
                return rounded(left.number / right.number)

    def _order(self, plan: plans.Order) -> str:
        pages = [self._page(one) for one in plan.over]
        _distinct([page.name for page in pages])
        if plan.by == "date":
            days = {
                page.name: self._date(plans.Lookup(plans.Entity(page.name), plan.relation, "date"))
                for page in pages
            }
            _distinct([day.isoformat() for day in days.values()])
            return "; ".join(sorted(days, key=days.__getitem__))
        numbers = self._numbers(pages, plan.relation, "required")
        return "; ".join(sorted(numbers, key=lambda name: -numbers[name]))

    def _aggregate(self, plan: plans.Aggregate) -> Result:
        pages = [page for page in self._base.pages if plan.relation in page.quantities]
        if not pages:
            raise UnderivableError(f"no document has {plan.relation}")
        if plan.how in ("most", "least"):
            return self._extreme(pages, plan.relation, plan.how, "coverage")
        role = "coverage" if plan.how == "count" else "required"
        values = list(self._numbers(pages, plan.relation, role, distinct=False).values())
        match plan.how:
            case "count":
                return Decimal(
                    sum(value > Decimal(plan.above) for value in values) if plan.above else len(values)
                )
            case "sum":
                return sum(values, Decimal(0))
            case _:
                return rounded(sum(values, Decimal(0)) / len(values))

    def _induce(self, plan: plans.Induce) -> str:
        pages = [self._page(plans.Entity(name)) for name in (*dict(plan.shots), plan.name)]
        numbers = self._numbers(pages, plan.relation, "required", distinct=False)
        given = {name: plan.labels[number > Decimal(plan.above)] for name, number in numbers.items()}
        if wrong := [name for name, label in plan.shots if given[name] != label]:
            raise UnderivableError(f"the rule gives {wrong[0]} another label")
        return given[plan.name]

    def _reply(self, plan: plans.Reply) -> str:
        found = [page for page in self._base.pages if _begins(page, plan)]
        if len(found) != 1:
            raise UnderivableError(f"{len(found)} conversations begin with {plan.opening!r}")
        (page,) = found
        places = [at for at, turn in enumerate(page.turns) if _mentions(turn, plan)]
        if len(places) < plan.number:
            raise UnderivableError(f"there are {len(places)} such messages")
        counted = [page.turns[at] for at in places[: plan.number]]
        if any(_LABELLED.match(line) for turn in counted for line in turn.said.split("\n")[1:]):
            raise UnderivableError("one of the messages may be of two speakers")
        following = page.turns[places[plan.number - 1] + 1 :]
        if not following or following[0].speaker == plan.speaker:
            raise UnderivableError("nobody replied")
        reply = following[0]
        self._read.setdefault((page.doc, reply.start, reply.start + len(reply.line)), "required")
        for turn in counted:
            self._read.setdefault((page.doc, turn.start, turn.end), "coverage")
        return reply.line

    def _extreme(self, pages: Sequence[Page], relation: str, pick: str, role: str) -> str:
        numbers = self._numbers(pages, relation, role)
        if len(numbers) < max(2, len(pages)):
            raise UnderivableError(f"{relation} is compared of one entity only")
        choose = max if pick == "most" else min
        return choose(numbers, key=numbers.__getitem__)

    def _numbers(
        self, pages: Sequence[Page], relation: str, role: str, distinct: bool = True
    ) -> dict[str, Decimal]:
        stated = {page.name: self._quantity(page, relation, role) for page in pages}
        if len({quantity.unit for quantity in stated.values()}) != 1:
            raise UnderivableError(f"{relation} has several units")
        if distinct:
            _distinct([str(quantity.number.normalize()) for quantity in stated.values()])
        return {name: quantity.number for name, quantity in stated.items()}


def _begins(page: Page, plan: plans.Reply) -> bool:
    return any(turn.said.startswith(plan.opening) for turn in page.turns[plan.place - 1 : plan.place])


def _mentions(turn: Turn, plan: plans.Reply) -> bool:
    return turn.speaker == plan.speaker and turn.words.issuperset(plan.words)


def _distinct(values: Sequence[str]) -> None:
    if len(set(values)) < len(values):
        raise UnderivableError("two of the values are equal")
