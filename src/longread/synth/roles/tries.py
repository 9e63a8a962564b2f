"""What a model makes of samples: without documents, with those that are needed, and with all of the context.

A sample that is answered without documents tests memory, not reading; one that is answered with what it needs, but
never among irrelevant documents, teaches nothing. Graders decide what is right.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Any, NamedTuple, Self

from longread.config import CAPS, Settings
from longread.errors import ModelError, UsageError
from longread.grading import Gold, grade
from longread.grading.answer import PHRASE, after_thinking
from longread.grading.text import strict
from longread.models.base import Sampling
from longread.reading.language import LanguagePolicy
from longread.reading.opening import policy_for
from longread.reading.reader import Reader
from longread.reading.recording import Run
from longread.synth import plans
from longread.synth.roles.asking import KeptModel, NoReplyError
from longread.synth.roles.prose import UNSURE
from longread.synth.solvers import chance, offered
from longread.types import Corpus, Document, Sample

CALLS = 3
"""Of each try, at least: one without documents, with those required, and with all."""
_LUCK = 0.05
"""Chance at which guessing would be right more often than what counts as guessing."""
_APART = 16
"""Between seeds of tries, for the attempts of a reader."""
_LETTER = 'End with: "The correct answer is (insert letter here)".'
_OTHER = 'End with: "Therefore, the answer is (insert answer here)".'
_CLAIM = re.compile(r"\banswer(?: is|:)", re.IGNORECASE)
"""Before an answer."""
_DOUBT = re.compile(rf"{UNSURE.pattern}|\b(?:or|either|guess\w*|know)\b")
_LETTER_SAID = re.compile(r"\(([A-D])\)|([A-D])(?=[).:,]|\s*$)")
_IN_BRACKETS = re.compile(r"\(([A-D])\)")
_MARK = re.compile(r"[ \t]?\[\d{1,6}\]")
"""Of a citation."""
_CLOSED = """\
Answer from what you know; there is no document to look into. If you do not know it, say so.

{asked}"""


class Tries(NamedTuple):
    """How often a model was right; of each kind `of` tries were made."""

    of: int
    closed: int
    """Without documents; by luck alone in what was kept."""
    required: int
    """With the required documents."""
    context: int
    """With all documents."""


@dataclass(frozen=True)
class Trier:
    """Tries samples with a model.

    Args:
        policy: Reads, asking `model`.
        model: Is asked without documents.
        settings: How the reader reads.
        wait: Runs tries to their end, in the event loop that the model belongs to.
        of: Tries of each kind.
    """

    policy: LanguagePolicy
    model: KeptModel
    settings: Settings
    wait: Callable[[Coroutine[Any, Any, list[str]]], list[str]]
    of: int

    @classmethod
    def over(
        cls,
        model: KeptModel,
        settings: Settings,
        wait: Callable[[Coroutine[Any, Any, Any]], Any],
        of: int,
        fence: str,
    ) -> Self:
        """A trier whose documents are fenced by the same word whenever it is made, so that prompts recur."""
        policy = _Fenced(**vars(policy_for(model, settings)), fence=fence)
        uncapped = settings.model_copy(update=dict.fromkeys(CAPS))  # the model holds the whole run to them
        return cls(policy, model, uncapped, wait, of)

    def __call__(self, sample: Sample, documents: Mapping[str, Document]) -> Tries | str:
        """How often the model was right, or why the sample must go. NoReplyError where nothing can be said."""
        closed = self._right(sample, (self._told(sample, number) for number in range(self.of)))
        if closed > lucky(self.of, chance(sample)):
            return "answered without documents"
        evidence = {piece.doc for piece in sample.evidence}
        needed = [doc for doc in sample.documents if doc in evidence]
        required, context = (
            self._right(
                sample, (self._read(sample, [documents[doc] for doc in docs], n) for n in range(self.of))
            )
            for docs in (needed, sample.documents)
        )
        if required and not context:
            return "never answered among irrelevant documents"
        return Tries(self.of, closed, required, context)

    def _right(self, sample: Sample, tries: Iterable[Coroutine[Any, Any, str]]) -> int:
        return sum(right(sample, said) for said in self.wait(_all(list(tries))))

    async def _told(self, sample: Sample, number: int) -> str:
        prompt = _CLOSED.format(asked=_asked(sample))
        budgets = self.policy.budgets
        sampling = Sampling(
            budgets.thinking + budgets.answer, self.settings.temperature, self.settings.top_p, number * _APART
        )
        return await self.model.say(prompt, sampling)

    async def _read(self, sample: Sample, documents: Sequence[Document], number: int) -> str:
        """What a reader answers; nothing where all its replies are unusable."""
        policy = replace(self.policy, seed=number * _APART)
        try:
            answer = await Reader(policy, settings=self.settings).aask(
                _asked(sample), Corpus(tuple(documents))
            )
        except NoReplyError:
            raise
        except ModelError:
            return ""
        except UsageError as error:
            raise NoReplyError(str(error)) from error
        return _MARK.sub("", answer.text)


@dataclass(frozen=True)
class _Fenced(LanguagePolicy):
    """A language policy with the fence of a data set in place of that of a run."""

    fence: str = ""

    def bind(self, run: Run) -> Self:
        return replace(super().bind(run), nonce=self.fence)


def right(sample: Sample, said: str) -> bool:
    """Whether a reply commits itself to the answer, be it in the form that was asked for or the bare answer.

    One that doubts, or names others that the question offers as well, could be right by naming all.
    """
    claimed = _CLAIM.split(after_thinking(said).replace("*", ""))[-1].strip(" :\n")
    if _doubts(claimed) - _doubts(sample.answer):
        return False
    if sample.grader == "choice":
        letter = _LETTER_SAID.match(claimed)
        return letter is not None and {letter[1] or letter[2], *_IN_BRACKETS.findall(claimed)} == {
            sample.answer
        }
    named = [name for name in offered(plans.from_json(sample.plan)) if not strict(sample.answer, [name])]
    grader = "reward" if sample.grader == "cem" else sample.grader
    graded = grade(grader, f"{PHRASE} {claimed}", Gold((sample.answer, *sample.aliases)))
    return graded.score >= 1 and not strict(claimed, named)


def _doubts(said: str) -> set[str]:
    return set(_DOUBT.findall(said.lower()))


def lucky(of: int, each: float) -> int:
    """The most right answers that guessing may give: it gives more with a chance of 5 % at most (binomial)."""
    beyond = [
        sum(comb(of, n) * each**n * (1 - each) ** (of - n) for n in range(most + 1, of + 1))
        for most in range(of + 1)
    ]
    return next(most for most in range(of + 1) if beyond[most] <= _LUCK)


def balanced(samples: Iterable[Sample], tries: Mapping[str, Tries]) -> set[str]:
    """Ids of as many samples of each source and pass rate, in all of the context; what was not tried is left out."""
    groups: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for sample in samples:
        if sample.id in tries:
            groups[sample.source, tries[sample.id].context].append(sample.id)
    least = min(map(len, groups.values()), default=0)
    return {id_ for ids in groups.values() for id_ in sorted(ids)[:least]}


async def _all(tries: Sequence[Coroutine[Any, Any, str]]) -> list[str]:
    """What comes of all; the first error only when none is under way any more."""
    done = await asyncio.gather(*tries, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return [one for one in done if isinstance(one, str)]


def _asked(sample: Sample) -> str:
    return f"{sample.question}\n{_LETTER if sample.grader == 'choice' else _OTHER}"
