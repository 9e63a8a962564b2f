"""Chunks read all at once and their notes put together; then, in rounds, those again that match what is missing.

The critical path is a few calls, however long the text. What it costs: a chunk is read without the notes of those
before it, so what only these would make worth noting is found in a later round, and only where it matches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from longread.reading.exhaustive import exhaustive
from longread.reading.policy import Draft
from longread.reading.section import Sections
from longread.reading.strategies.apart import read_apart
from longread.reading.strategies.base import Reading, strategy
from longread.reading.strategies.revisit import matching, planned, reviews, revisit


@strategy("rounds")
async def rounds(reading: Reading) -> Sequence[Draft]:
    """Reads all of the text; with `early_exit` what matches the questions first, and no more if that suffices."""
    tasks = await reading.begin(withhold=True)
    notes = reading.start(tasks)
    left = reading.sections
    if reading.early_exit and not any(map(exhaustive, reading.queries)):
        first = await asyncio.to_thread(matching, reading, [task.question for task in tasks], set())
        notes = await read_apart(reading, tasks, notes, first)
        seen = {chunk.index for chunk in first.chunks}
        left = Sections(left.corpus, [chunk for chunk in left.chunks if chunk.index not in seen])
        found = await reviews(reading, tasks, notes) if first and left else []
        if found and all(review.enough for review in found):
            drafts = await reading.answer(tasks, notes)
            if all(draft.answered for draft in drafts):
                why = f"the notes sufficed; {len(left):,} of {reading.total:,} chunks were not read"
                return [draft._replace(stopped=draft.stopped or why) for draft in drafts]
            reading.restart()
        if found:
            notes = planned(notes, [review.seeks for review in found])
    notes = await read_apart(reading, tasks, notes, left)
    return await reading.answer(tasks, await revisit(reading, tasks, notes, partial(read_apart, reading)))
