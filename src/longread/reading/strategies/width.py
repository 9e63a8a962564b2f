"""How many chunks are worth asking for at once."""

from __future__ import annotations

_WASTE = 0.75
"""Calls that may come to nothing, for each that counts, where they all end at different times; fewer where they
end together."""
_MEMORY = 100.0
"""Chunks that the rate of changes is taken over, about; earlier ones count ever less."""
_BEFORE = 8.0
"""Chunks, one of them changing something, that the rate begins with."""
_GAIN = 1.25
"""What twice as many calls at once must add to the chunks read in a second, to be kept up."""
_AGAIN = 64
"""Replies after which more is tried again."""


class Width:
    """As many as the rate of changes and the server's free capacity make worthwhile, and never more than `most`.

    Each change costs what was read ahead, so the width falls as changes become common. Capacity is felt for as a
    sender feels for that of a network: twice as many calls, as long as they get more chunks read in a second.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._read, self._changed = _BEFORE, 1.0
        self._level = 1
        """Calls at once that the server is asked for at present."""
        self._pace = 0.0
        """Replies a second at half that level."""
        self._times: list[float] = []
        self._settled = 0
        """Replies since more than `_level` was too much; 0 while it may still grow."""

    @property
    def value(self) -> int:
        """Chunks to ask for, from 1 to `most`."""
        worthwhile = 1 + int(_WASTE * self._read / self._changed)
        return max(1, min(self._most, self._level, worthwhile))

    def saw(self, *, changed: bool) -> None:
        """Counts a chunk that was read, and whether the notes changed."""
        fade = 1 - 1 / _MEMORY
        self._read, self._changed = fade * self._read + 1, fade * self._changed + changed

    def took(self, seconds: float, together: int) -> None:
        """Counts a reply that was asked for with `together - 1` others, and how long it took."""
        if self._settled:
            self._settled += 1
            if self._settled <= _AGAIN:
                return
            self._settled, self._pace, self._times = 0, 0.0, []
        if together < self._level:
            return
        self._times.append(seconds)
        if len(self._times) < self._level:
            return
        middle = sorted(self._times)[len(self._times) // 2]
        pace = self._level / max(middle, 1e-9)
        if pace < _GAIN * self._pace:
            self._level, self._settled = max(1, self._level // 2), 1
        elif self._level < self._most:
            self._level, self._pace = min(2 * self._level, self._most), pace
        self._times = []
