"""In which order chunks are read, and against which notes. Importing this registers the built-in ones."""

from longread.reading.strategies import full, rounds, search, sequential, speculative
from longread.reading.strategies.base import Reading, get_strategy, strategies, strategy

__all__ = [
    "Reading",
    "full",
    "get_strategy",
    "rounds",
    "search",
    "sequential",
    "speculative",
    "strategies",
    "strategy",
]
