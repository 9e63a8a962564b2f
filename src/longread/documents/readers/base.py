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
