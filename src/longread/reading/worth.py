"""Which notes are kept longest when they outgrow their budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from longread.reading.notes import Entry, Notes
from longread.reading.terms import terms


def worth(question: str, notes: Notes) -> Callable[[Entry], float]:
    """Most are those with words of the question worth, then those that share words with these."""
    asked = set(terms(question))
    words = {e.id: set(terms(f"{e.claim} {e.quote}")) for e in notes.entries}
    direct = {id: len(asked & held) / max(len(asked), 1) for id, held in words.items()}
    links = Counter(word for id, held in words.items() if direct[id] for word in held - asked)

    def value(entry: Entry) -> float:
        own = direct[entry.id] > 0  # a word that only this entry holds is no link
        linked = sum(links[word] > own for word in words[entry.id] - asked)
        return direct[entry.id] + linked / max(len(words[entry.id]), 1) / 2

    return value


def level(sizes: Sequence[int], room: int) -> int:
    """The largest size that all can be cut to so that they take `room` together."""
    left, level = room, room
    for taken, size in enumerate(sorted(sizes)):
        level = left // (len(sizes) - taken)
        if size > level:
            return level
        left -= size
    return room
