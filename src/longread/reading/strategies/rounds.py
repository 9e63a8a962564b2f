"""Chunks read all at once and their notes put together; then, in rounds, those again that match what is missing.

The critical path is a few calls, however long the text. What it costs: a chunk is read without the notes of those
before it, so what only these would make worth noting is found in a later round, and only where it matches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from longread.errors import UsageError
from longread.reading.exhaustive import exhaustive
from longread.reading.policy import Draft
from longread.reading.section import Sections
from longread.reading.strategies.apart import read_apart
from longread.reading.strategies.base import Reading, strategy
from longread.reading.strategies.revisit import lacking, matching, planned, revisit


@strategy("rounds")
async def rounds(reading: Reading) -> Sequence[Draft]:
    """Reads what matches the questions first, and the rest unless that suffices."""
    if not reading.policy.apart:
        raise UsageError(
            "rounds puts notes of many chunks together, and the memory of these prompts is one text; take "
            "--strategy sequential, or prompts whose format is ledger"
        )
    tasks = await reading.begin(withhold=True)
    notes = reading.start(tasks)
    left = reading.sections
    stopped = None
    if reading.early_exit and not any(exhaustive(task.question) for task in tasks):
        first = await asyncio.to_thread(matching, reading, [task.question for task in tasks], set())
        notes = await read_apart(reading, tasks, notes, first)
        seen = {chunk.index for chunk in first.chunks}
        left = Sections(left.corpus, [chunk for chunk in left.chunks if chunk.index not in seen])
        if first and left and all(held.entries for held in notes):
            seeks = await lacking(reading, tasks, notes)
            if not any(seeks):
                stopped = f"the notes sufficed; {len(left):,} of {reading.total:,} chunks were not read"
                left = Sections(left.corpus, [])
            notes = planned(notes, seeks)
    if left:
        notes = await read_apart(reading, tasks, notes, left)
        notes = await revisit(reading, tasks, notes, partial(read_apart, reading))
    return [draft._replace(stopped=draft.stopped or stopped) for draft in await reading.answer(tasks, notes)]
