"""What graders are given and what they return."""

from __future__ import annotations

from typing import NamedTuple


class Gold(NamedTuple):
    """The right answer."""

    answers: tuple[str, ...]
    """Each of them is right, unless the grader says otherwise."""
    prefix: str = ""
    """What a response must begin with (MRCR)."""


class Graded(NamedTuple):
    """What a rule says about a response. All scores lie in [0, 1]."""

    score: float
    """The benchmark's own rule."""
    strict: float
    """Our stricter variant of it; the same where the official rule is strict enough."""
    answer: str | None
    """What was taken from the response as its answer; None when there was none to be found."""
    contains: float | None = None
    """Whether a gold stands anywhere in the response, where that is worth telling apart."""
