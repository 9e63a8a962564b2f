"""A text that grows piece by piece and keeps where its pages and parts begin."""

from __future__ import annotations

from collections.abc import Iterable

from longread.documents.readers.base import Extract, Unreadable
from longread.types import Part

_LARGEST = 300_000_000
"""Characters. A file may refer to one long text a million times, and stay small."""
_LONGEST_TITLE = 80
_LONGEST_PATH = 240


class Composition:
    """Collects text; `page` and `part` say that something begins where it ends so far."""

    def __init__(self) -> None:
        self.pages: list[int] = []
        self.parts: list[Part] = []
        self._pieces: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        """Appends `text` as it is.

        Raises:
            Unreadable: The whole has become larger than any real file's.
        """
        self._pieces.append(text)
        self._length += len(text)
        if self._length > _LARGEST:
            raise Unreadable(f"more than {_LARGEST:,} characters of text")

    def page(self) -> None:
        """A page begins here."""
        self.pages.append(self._length)

    def part(self, label: str) -> None:
        """A part of that name begins here."""
        self.parts.append(Part(self._length, label))

    def extract(self, kind: str, header: str = "", warnings: tuple[str, ...] = ()) -> Extract:
        """All of it, without the blank at its end. What has no text begins and ends there."""
        text = "".join(self._pieces).rstrip()
        return Extract(
            text,
            kind=kind,
            lined=False,
            pages=tuple(min(start, len(text)) for start in self.pages),
            parts=tuple(Part(min(part.start, len(text)), part.label) for part in self.parts),
            header=header,
            warnings=warnings,
        )


class Headings:
    """The headings that a place in a text stands under."""

    def __init__(self) -> None:
        self._above: list[tuple[int, str]] = []

    def path(self, level: int, title: str) -> str:
        """Where the next heading stands, such as `1 Scope › 1.2 Fees`, on one line.

        Args:
            level: From 1; headings that are not above it end here.
            title: As shown. Long ones are cut, and outer ones left out of a long path.
        """
        while self._above and self._above[-1][0] >= level:
            self._above.pop()
        title = " ".join(title.split())
        if len(title) > _LONGEST_TITLE:
            title = f"{title[: _LONGEST_TITLE - 1]}…"
        self._above.append((level, title))
        titles = [title for _, title in self._above if title]
        path = " › ".join(titles)
        while len(path) > _LONGEST_PATH:
            del titles[0]
            path = " › ".join(["…", *titles])
        return path


def table_row(cells: Iterable[str]) -> str:
    """A row of a table as Markdown has it, each cell on one line."""
    return f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"
