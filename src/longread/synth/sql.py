"""The first interpreter: a plan becomes one SQL query over DuckDB tables of all that the documents state."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import assert_never

import duckdb
import pyarrow as pa
from sqlglot import exp
from sqlglot import select as select_

from longread.synth import plans
from longread.synth.answers import Result
from longread.synth.base import Base
from longread.synth.spelling import key
from longread.synth.values import plain

_NUMBER = pa.decimal128(38, 9)
_SEVERAL = r"\n(\[[^\]\n]{4,40}\] ?)?\pL[^:\n]{0,30}:"
"""In a message with a line that may be of another speaker."""
_STATED = [("name", pa.string()), ("relation", pa.string())]
_TABLES = {
    "pages": pa.schema([("name", pa.string())]),
    "quantities": pa.schema([*_STATED, ("number", _NUMBER), ("unit", pa.string())]),
    "dates": pa.schema([*_STATED, ("day", pa.date32())]),
    "texts": pa.schema([*_STATED, ("value", pa.string()), ("spelled", pa.string())]),
    "links": pa.schema([*_STATED, ("target", pa.string()), ("number", _NUMBER)]),
    "turns": pa.schema(
        [("name", pa.string()), ("at", pa.int64()), ("speaker", pa.string()), ("said", pa.string())]
    ),
}


class Tables:
    """All facts of a base, to be queried under any choice of its documents."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._chosen: tuple[str, ...] | None = None
        self._connection = duckdb.connect(":memory:", config={"threads": "1"})
        rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in _TABLES}
        for page in base.pages:
            rows["pages"].append((page.name,))
            rows["quantities"] += [(page.name, r, q.number, q.unit) for r, q in page.quantities.items()]
            rows["dates"] += [(page.name, r, day) for r, day in page.dates.items()]
            said = ((r, plain(fact.value)) for r, fact in page.facts.items())
            rows["texts"] += [(page.name, r, value, key(value)) for r, value in said]
            rows["turns"] += [(page.name, at, turn.speaker, turn.said) for at, turn in enumerate(page.turns)]
            rows["links"] += [
                (page.name, r, k.name, k.number) for r, found in page.links.items() for k in found
            ]
        for table, schema in _TABLES.items():
            columns = list(zip(*rows[table], strict=True)) or [()] * len(schema)
            given = pa.table(
                [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
            )
            self._connection.register("given", given)
            self._connection.execute(f"CREATE TABLE {table} AS SELECT * FROM given")  # noqa: S608 (our own name)

    def execute(self, plan: plans.Plan, docs: Iterable[str]) -> Result | None:
        """What the plan gives when only these documents are read; None when it gives nothing or no one thing."""
        self._choose(tuple(docs))
        try:
            found = self._connection.execute(compile_plan(plan)).fetchall()
        except duckdb.Error:  # several where one was meant, or figures out of range
            return None
        if len(found) != 1 or found[0][0] is None:
            return None
        return (
            Decimal(str(found[0][0])) if isinstance(found[0][0], Decimal | float | int) else str(found[0][0])
        )

    def _choose(self, docs: tuple[str, ...]) -> None:
        """Names the pages of these documents in a table, so that no query has to list them."""
        if docs != self._chosen:
            names = [page.name for doc in docs for page in self._base.by_doc.get(doc, ())]
            self._connection.register("chosen", pa.table({"name": pa.array(names, pa.string())}))
            self._chosen = docs


def compile_plan(plan: plans.Plan) -> str:
    """The query of a plan over the pages that the table `chosen` names."""
    query = _query(plan)
    altered = next((p for p in plans.walk(plan) if isinstance(p, plans.Intervene)), None)
    for table in _TABLES:
        rows = select_("*")
        if table == "quantities" and altered:
            hit = _is("name", altered.name).and_(_is("relation", altered.relation))
            number = exp.Case().when(hit, exp.column("number") * exp.Literal.number(altered.factor))
            number = number.else_(exp.column("number"))
            rows = select_("name", "relation", "unit", exp.alias_(number, "number"))
        chosen = exp.column("name").isin(query=select_("name").from_("chosen"))
        query.with_(f"known_{table}", rows.from_(table).where(chosen, copy=False), copy=False)
    return query.sql(dialect="duckdb")


def _query(plan: plans.Plan) -> exp.Select:
    match plan:
        case plans.Entity() | plans.Find() | plans.Follow() | plans.Extreme():
            return _one(plan)
        case plans.Lookup():
            table, column = ("quantities", "number") if plan.says == "quantity" else ("texts", "value")
            return _column(table, column, plan)
        case plans.Combine():
            return _combine(plan)
        case plans.Elapsed():
            sides = [_column("dates", "day", side).subquery() for side in (plan.left, plan.right)]
            given = select_(exp.alias_(sides[0], "l"), exp.alias_(sides[1], "r")).subquery("sides")
            # As numbers such as 19600817, whose difference is in full years by the ten thousand.
            years = (
                "(strftime(greatest(l, r), '%Y%m%d')::INT - strftime(least(l, r), '%Y%m%d')::INT) // 10000"
            )
            return select_(years, dialect="duckdb").from_(given).where("l IS NOT NULL AND r IS NOT NULL")
        case plans.Order():
            return _order(plan)
        case plans.Aggregate():
            return _aggregate(plan)
        case plans.Reply():
            return _reply(plan)
        case plans.Induce():
            return _induce(plan)
        case plans.Holds():
            return _column("texts", "value", plans.Lookup(plans.Entity(plan.asked), plan.source, "text"))
        case plans.Intervene():
            return _query(plan.then)
        case _:
            assert_never(plan)


def _one(plan: plans.One) -> exp.Select:
    match plan:
        case plans.Entity():
            return select_("name").from_("known_pages").where(_is("name", plan.name))
        case plans.Find():
            wanted = _is("relation", plan.relation).and_(_is("spelled", key(plan.value)))
            return select_("name").from_("known_texts").where(wanted)
        case plans.Follow():
            of = exp.column("name").eq(_one(plan.of).subquery())
            largest = "arg_min" if plan.pick == "least" else "arg_max"
            picked = select_(exp.func(largest, exp.column("target"), exp.column("number")))
            picked = picked.from_("known_links").where(of.and_(_is("relation", plan.relation)))
            return picked.having("count(*) = 1") if plan.pick == "only" else picked
        case plans.Extreme():
            return _extreme(plan.relation, plan.pick, plan.over)
        case _:
            assert_never(plan)


def _extreme(relation: str, pick: plans.Pick, over: tuple[plans.One, ...] = ()) -> exp.Select:
    """Nothing where two are equal, units differ or one has no such quantity."""
    largest = "arg_max" if pick == "most" else "arg_min"
    where: exp.Expr = _is("relation", relation)
    if over:
        members = [_one(one).subquery() for one in over]
        where = exp.and_(where, exp.or_(*(exp.column("name").eq(member) for member in members)))
    query = select_(exp.func(largest, exp.column("name"), exp.column("number")))
    query = query.from_("known_quantities").where(where)
    query = query.having("count(DISTINCT number) = count(*)").having("count(DISTINCT unit) = 1")
    return query.having(f"count(*) = {max(2, len(over))}") if over else query.having("count(*) > 1")


def _combine(plan: plans.Combine) -> exp.Select:
    left, right = (_column("quantities", "number", side).subquery() for side in (plan.left, plan.right))
    units = (_column("quantities", "unit", side).subquery() for side in (plan.left, plan.right))
    match plan.how:
        case "difference":
            value: exp.Expr = exp.func("abs", exp.Sub(this=left, expression=right))
        case "sum":
            value = exp.Add(this=left, expression=right)
        case _:
            nonzero = exp.func("nullif", right, exp.Literal.number(0))
            value = exp.func(
                "round", exp.Div(this=exp.cast(left, "double"), expression=nonzero), exp.Literal.number(2)
            )
    same = exp.EQ(this=next(units), expression=next(units))
    return select_(exp.Case().when(same, value))


def _order(plan: plans.Order) -> exp.Select:
    table, key, way = ("dates", "day", "ASC") if plan.by == "date" else ("quantities", "number", "DESC")
    members = [exp.Literal.string(one.name) for one in plan.over]
    query = select_(f"string_agg(name, '; ' ORDER BY {key} {way})").from_(f"known_{table}")
    query = query.where(_is("relation", plan.relation), exp.column("name").isin(*members))
    query = query.having(f"count(*) = {len(members)}").having(f"count(DISTINCT {key}) = count(*)")
    return query if plan.by == "date" else query.having("count(DISTINCT unit) = 1")


def _aggregate(plan: plans.Aggregate) -> exp.Select:
    if plan.how in ("most", "least"):
        return _extreme(plan.relation, plan.how)
    above = f"FILTER (number > {Decimal(plan.above)})" if plan.above else ""
    value = {
        "count": f"count(*) {above}",
        "sum": "sum(number)",
        "mean": "round(sum(number)::DOUBLE / count(*), 2)",
    }[plan.how]
    query = select_(value).from_("known_quantities").where(_is("relation", plan.relation))
    return query.having("count(DISTINCT unit) = 1")


def _induce(plan: plans.Induce) -> exp.Select:
    """Nothing where an example has no such quantity, one in another unit, or another label."""
    low, high = (exp.Literal.string(label) for label in plan.labels)
    above = exp.column("number") > exp.Literal.number(plan.above)
    label = exp.Case().when(above, high).else_(low)
    names = [exp.Literal.string(name) for name in (*dict(plan.shots), plan.name)]
    stated = select_("name", "unit", exp.alias_(label, "label")).from_("known_quantities")
    stated = stated.where(_is("relation", plan.relation), exp.column("name").isin(*names))
    right = [_is("name", name).and_(_is("label", given)) for name, given in plan.shots]
    query = select_("max(label) FILTER (shown = 0)").from_(
        select_("unit", "label", exp.alias_(exp.cast(exp.or_(*right), "int"), "shown"))
        .from_(stated.subquery("stated"))
        .subquery("compared")
    )
    query = query.having(f"count(*) = {len(names)}").having(f"sum(shown) = {len(plan.shots)}")
    return query.having("count(DISTINCT unit) = 1")


def _reply(plan: plans.Reply) -> exp.Select:
    """Nothing where several conversations begin so, a message counted may be of two speakers, or one goes on."""
    said = exp.column("said")
    begins = exp.func("starts_with", said, exp.Literal.string(plan.opening))
    openings = select_("name").from_("known_turns").where(f"at = {plan.place - 1}", begins)
    words = (exp.func("regexp_matches", said, exp.Literal.string(rf"(?i)\b{word}\b")) for word in plan.words)
    meant = exp.column("name").eq(openings.subquery())
    several = exp.func("regexp_matches", said, exp.Literal.string(_SEVERAL)).sql(dialect="duckdb")
    unclear = f"bool_or({several}) OVER (ORDER BY at) AS unclear"
    asked = select_("name", "at", "row_number() OVER (ORDER BY at) AS place", unclear, dialect="duckdb")
    asked = asked.from_("known_turns").where(meant, _is("speaker", plan.speaker), *words)
    other = exp.column("speaker").neq(exp.Literal.string(plan.speaker))
    query = select_("rtrim(split_part(said, chr(10), 1))").from_("known_turns")
    query = query.join(
        asked.subquery("asked"), on="known_turns.name = asked.name AND known_turns.at = asked.at + 1"
    )
    return query.where(f"place = {plan.number}", "NOT unclear", other)


def _column(table: str, column: str, plan: plans.Lookup) -> exp.Select:
    of = exp.column("name").eq(_one(plan.of).subquery())
    return select_(column).from_(f"known_{table}").where(of, _is("relation", plan.relation))


def _is(column: str, text: str) -> exp.Expr:
    return exp.column(column).eq(exp.Literal.string(text))
