"""What a reader gives back, and how it says that it cannot."""

from __future__ import annotations

from typing import NamedTuple

from longread.types import Part


class Extract(NamedTuple):
    """The text of one source; fields mean what they mean in `longread.types.Document`."""

    text: str
    kind: str = "text"
    lined: bool = True
    pages: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()
    header: str = ""
    warnings: tuple[str, ...] = ()


class Unreadable(Exception):  # noqa: N818 -- a finding about a file; the user sees it as `Skipped`
    """The source holds no text that a reader could extract. `str()` of it is the reason shown."""


def named(numbers: list[int], total: int, unit: str, what: str) -> tuple[str, ...]:
    """The warning `3 of 7 pages have no text: 2, 5-6`; none when there are no numbers.

    Args:
        numbers: Which ones, ascending from 1.
        total: How many there are in all.
        unit: What they are, in the singular.
        what: What is the matter with them.
    """
    if not numbers:
        return ()
    return (f"{len(numbers)} of {total} {unit}{'' if total == 1 else 's'} {what}: {_ranges(numbers)}",)


def _ranges(numbers: list[int]) -> str:
    """`2, 5-6` for 2, 5 and 6."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
