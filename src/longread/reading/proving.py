"""Which notes of a reply are taken, where prompts want proof: their quotes stand in the text and name what is asked.

Both are looked up, not asked of the model: a small one takes `The mayor of Perth` for `the mayor of Riga` whenever it
meets it, and in a long text it meets it often. What it points to and copies badly is set right instead.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rapidfuzz import fuzz, process

from longread.reading.naming import asked, mentions, names, names_only
from longread.reading.notes import Add, Notes, Operation, Refuse, Replace
from longread.reading.policy import Task
from longread.reading.prompts import Prompts
from longread.reading.replies import Parsed
from longread.reading.section import Section

_ALIKE = 70.0
"""How much of a line a quote has that is a bad copy of it, of 100."""


def proved(parsed: Parsed, section: Section, task: Task, notes: Notes, prompts: Prompts) -> Parsed:
    """What a reply says, with refusals in place of notes that `prompts` do not want, or before notes set right.

    A plan follows from the notes it comes with, and falls when one of them is refused or set right.

    Args:
        parsed: The reply.
        section: What was read.
        task: What is asked; names in it are what the others only add to, so that no reply can shut out what
            answers it.
        notes: What was noted before, and the plan.
        prompts: The prompt set, which says what is wanted.
    """
    if not prompts.exact:
        return parsed
    wanted = _wanted(task, notes, prompts) if prompts.named else set()
    operations: list[Operation] = []
    for one in parsed.operations:
        taken = _taken(one, section, wanted, part=prompts.skip) if isinstance(one, Add | Replace) else (one,)
        operations += taken
        if wanted and isinstance(taken[-1], Add | Replace) and (span := section.align(taken[-1].quote)):
            wanted |= names(section.text(span))  # a note further down may lead on from this one
    plan = None if any(isinstance(one, Refuse) for one in operations) else parsed.plan
    if prompts.skip and wanted and plan and not names_only(plan, wanted):
        plan = None  # it says what is shown from now on, and nobody has read of it
    return Parsed(tuple(operations), plan)


def named(section: Section, tasks: Sequence[Task], notes: Sequence[Notes], prompts: Prompts) -> Section:
    """The lines from which a note could be taken for one of the questions, given its notes: those with a name of it.

    All where none is wanted, or where names stand over two lines alone; none where no name stands.
    """
    wanted = [_wanted(task, held, prompts) for task, held in zip(tasks, notes, strict=True)]
    if not all(wanted):
        return section
    every = set().union(*wanted)
    if not _names(section, every):  # which of thousands of sections is found at once
        return section.only(())
    lines = _naming(section, every)
    return lines if lines.pieces else section


def _wanted(task: Task, notes: Notes, prompts: Prompts) -> set[str]:
    """Names of question, plan and notes, of which a new note must have one: none where the question has none."""
    wanted = asked(task.question) or set(task.telling)
    held = [notes.memory] if prompts.format == "text" else [entry.quote for entry in notes.entries]
    return wanted.union(names(notes.plan), *map(names, held)) if wanted else wanted


def _taken(
    one: Add | Replace, section: Section, wanted: Collection[str], *, part: bool
) -> tuple[Operation, ...]:
    """A note as it is, set right, or refused: it has to lie in a line with one of the names, if any are wanted.

    With `part` the section is what is shown of a larger one, where the same words may stand elsewhere, and nothing is
    set right: of few lines, which one a bad copy was meant for is anybody's guess.
    """
    if section.holds(one.quote):
        span = section.align(one.quote)
        if wanted and not _names(section.only([span] if span else []), wanted):
            return (Refuse(one.claim, one.quote, "unnamed"),)
        return (one._replace(span=span) if part else one,)
    naming = () if part else _naming(section, wanted).pieces
    lines = [line.strip() for piece in naming for line in piece.text.splitlines()]
    if found := process.extractOne(one.quote, lines, scorer=fuzz.ratio, score_cutoff=_ALIKE):
        line = found[0]
        return Refuse(one.claim, one.quote, "miscopied"), one._replace(claim=line, quote=line)
    return (Refuse(one.claim, one.quote, "inexact"),)


def _names(section: Section, wanted: Collection[str]) -> bool:
    """Whether a section has one of the names, on one line or on two."""
    return any(mentions(f"{piece.header}\n{piece.text}", wanted) for piece in section.pieces)


def _naming(section: Section, wanted: Collection[str]) -> Section:
    """The lines with one of the names, in themselves or in the header of their table."""
    return section.lines(lambda line: mentions(line.header, wanted) or mentions(line.text, wanted))
