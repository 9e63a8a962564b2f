"""Ordinary Python around what the code task plants: functions, classes and constants of a harbour's book-keeping."""

from __future__ import annotations

import random
from typing import NamedTuple

_NOUNS = (
    "barrel cargo crane dock ferry freight harbour invoice ledger lighter manifest mooring pilot quay receipt rope "
    "sail salt ship stall tariff tide toll voucher wagon ware weight wharf yard anchor ballast beacon berth buoy "
    "canvas chart cooper customs deck drift hatch hull keel lantern locker mast net oar packet plank porter"
).split()
_VERBS = "check clear collect count enter find group list mark merge note order pack plan rank sort sum trim".split()
_FUNCTIONS = (
    '''def {verb}_{a}s({a}s, least={n}):
    """{Verb}s the {a}s that reach the least {b}."""
    return [{a} for {a} in {a}s if {a}["{b}"] >= least]
''',
    '''def {verb}_{a}_{b}({a}, {b}):
    """The {b} of a {a}, in whole units."""
    if {b} is None:
        return {n}
    return int({a} * {b} / {m})
''',
    '''def {verb}_{a}_by_{b}({a}s):
    """Groups {a}s by their {b}."""
    groups = {{}}
    for {a} in {a}s:
        groups.setdefault({a}["{b}"], []).append({a})
    return groups
''',
    '''def is_{a}_{verb}able({a}):
    """Whether a {a} is neither too small nor too large."""
    return {n} <= len({a}) <= {m}
''',
    '''def {verb}_{a}_rows(lines, width={n}):
    """Cuts the lines of a {a} to a width."""
    rows = []
    for line in lines:
        row = line.strip()[:width]
        if row and not row.startswith("#"):
            rows.append(row)
    return rows
''',
    '''def total_{a}_{b}({a}s):
    """The {b} of all {a}s together, or {n} when there is none."""
    total = 0
    for {a} in {a}s:
        total += {a}.get("{b}", 0)
    return total or {n}
''',
    '''class {A}{B}:
    """A {a} with its {b}."""

    def __init__(self, name, {b}={n}):
        self.name = name
        self.{b} = {b}

    def {verb}(self, amount):
        self.{b} += amount
        return self.{b} > {m}
''',
    '''class {A}{B}Error(ValueError):
    """A {a} without {b}."""
''',
    '''{A_}_{B_}_{VERB} = {n}
"""What a {a} may weigh at the {b}."""
''',
    '''def {verb}_next_{a}(queue):
    """Takes the first {a} off the queue, if any."""
    if not queue:
        return None
    {a} = queue.pop(0)
    {a}["{b}"] = {a}.get("{b}", {n}) - 1
    return {a}
''',
    '''def describe_{a}_{b}({a}):
    """One line on a {a} for the {b}."""
    state = "full" if {a}["count"] > {n} else "open"
    return f"{{{a}['name']}}: {{state}}"
''',
    '''def {verb}_{a}_dates({a}s):
    """Dates on which more than {n} {a}s were entered, sorted."""
    seen = {{}}
    for {a} in {a}s:
        seen[{a}["date"]] = seen.get({a}["date"], 0) + 1
    return sorted(date for date, count in seen.items() if count > {n})
''',
)  # fmt: skip


def module_names(rng: random.Random, count: int) -> list[str]:
    """Different module names, such as `crane_tide`; with a number where pairs run out."""
    pairs = [f"{a}_{b}" for a in _NOUNS for b in _NOUNS if a != b]
    rng.shuffle(pairs)
    return [
        pairs[at % len(pairs)] + (f"_{at // len(pairs) + 1}" if at >= len(pairs) else "")
        for at in range(count)
    ]


def class_names(rng: random.Random, count: int) -> list[str]:
    """Different class names, such as `CraneTideClerk`."""
    kinds = "Clerk Office Desk Agent Book Register".split()
    names = [f"{a.title()}{b.title()}{kind}" for a in _NOUNS for b in _NOUNS[:12] for kind in kinds if a != b]
    return rng.sample(names, count)


class Definitions(NamedTuple):
    """What fills modules."""

    rows: list[dict[str, object]]

    @classmethod
    def of(cls, rng: random.Random, size: int) -> Definitions:
        """Enough of it for a package of `size` bytes."""
        return cls([_values(rng) for _ in range(min(8_192, max(64, size // 600)))])

    def draw(self, rng: random.Random, size: int) -> list[str]:
        """Definitions of about `size` bytes in all, two newlines after each counted in; never more."""
        out: list[str] = []
        while size > 0:
            count = max(1, size // 260)
            forms, rows = rng.choices(_FUNCTIONS, k=count), rng.choices(self.rows, k=count)
            batch = [form.format_map(row) for form, row in zip(forms, rows, strict=True)]
            used = sum(map(len, batch)) + 2 * count
            while used > size:
                used -= len(batch.pop()) + 2
            if not batch:
                break
            out += batch
            size -= used
        return out


def padding(rng: random.Random, size: int) -> str:
    """Comment lines of exactly `size` bytes, for what no definition fits into; empty below 4."""
    line = f"# Checked by the {rng.choice(_NOUNS)} desk, with the {rng.choice(_NOUNS)} and the {rng.choice(_NOUNS)}."
    line = (line + " " + line[2:] * 4)[: max(0, size - 1)]
    return f"{line.rstrip()}\n" if size > 3 else ""


def _values(rng: random.Random) -> dict[str, object]:
    a, b = rng.sample(_NOUNS, 2)
    verb = rng.choice(_VERBS)
    return {
        "a": a, "b": b, "A": a.title(), "B": b.title(), "A_": a.upper(), "B_": b.upper(), "verb": verb,
        "Verb": verb.title(), "VERB": verb.upper(), "n": rng.randrange(100, 1_000), "m": rng.randrange(1_000, 9_999),
    }  # fmt: skip
