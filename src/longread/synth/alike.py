"""Texts that are nearly the same: MinHash of runs of five words (Broder, 1997), with locality-sensitive hashing."""

from __future__ import annotations

from collections.abc import Sequence

from rensa import RMinHash, RMinHashLSH

from longread.reading.terms import TOKEN

_SHINGLE = 5
_PERMUTATIONS = 128
_BANDS = 16
_ALIKE = 0.9
"""Estimated Jaccard likeness from which two texts are the same."""


class Alike:
    """Texts that differ."""

    def __init__(self) -> None:
        self._near = RMinHashLSH(_ALIKE, _PERMUTATIONS, _BANDS)
        self._hashes: list[RMinHash] = []

    def add(self, text: str) -> int | None:
        """The number of the first text that it is nearly the same as; None, and it is kept, where there is none."""
        hashed = RMinHash(_PERMUTATIONS, 42)
        hashed.update(_shingles(text))
        near = sorted(self._near.query(hashed))
        twin = next((i for i in near if self._hashes[i].jaccard(hashed) >= _ALIKE), None)
        if twin is None:
            self._near.insert(len(self._hashes), hashed)
            self._hashes.append(hashed)
        return twin


def _shingles(text: str) -> Sequence[str]:
    words = TOKEN.findall(text)
    return [" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))]
