"""Before anything is read: what a question asks, what is withheld until the answer, and what stands for its names."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from longread.errors import UsageError
from longread.reading.asking import Asking
from longread.reading.naming import asked, telling
from longread.reading.policy import Task, Turn
from longread.reading.replies import FormatError, parse_split, parse_standing
from longread.reading.section import Section
from longread.reading.shown import flat

_HISTORY = 4_000
"""Characters of the conversation that a follow-up is read with."""


@dataclass(frozen=True)
class Understanding(Asking):
    """A model that prepares its questions."""

    async def begin(
        self, query: str, sections: Sequence[Section], *, withhold: bool, history: Sequence[Turn] = ()
    ) -> Task:
        """Words a follow-up anew, splits the query, and finds what stands for names where lines are skipped."""
        if (size := self.count(query)) > self._questions_room:
            raise UsageError(
                f"the question takes {size:,} tokens and {self._questions_room:,} are left for it; put what it "
                "quotes into a file, or set a smaller chunk_tokens"
            )
        if history:
            query = await self._standing_alone(query, history)
        question, instructions = await self._split(query) if withhold else (query, "")
        words = frozenset[str]()
        if self.prompts.skip and not asked(question):
            texts = (piece.text for section in sections for piece in section.pieces)
            words = await asyncio.to_thread(telling, question, texts)
        return Task(question, instructions, words)

    async def _split(self, query: str) -> tuple[str, str]:
        """The core question, and wishes about form. One plain question has none and is not sent."""
        plain = re.fullmatch(r"[^\n.!。！:：;；?？]{1,300}[?？]", query.strip())
        if plain or "split" not in self.prompts.templates:
            return query, ""
        try:
            prompt = self._render("split", question=query)
            split, _, _ = await self._ask(prompt, self.budgets.reply, lambda text: parse_split(text, query))
        except FormatError:
            return query, ""  # nothing is lost: the wishes stay in the question
        return split

    async def _standing_alone(self, query: str, history: Sequence[Turn]) -> str:
        """A follow-up with what it refers to put in; as it is when the model brings in words of its own."""
        if "follow" not in self.prompts.templates:
            return query
        said = "\n".join(f"QUESTION: {flat(turn.question)}\nANSWER: {flat(turn.answer)}" for turn in history)
        said = said[-_HISTORY:]
        prompt = self._render("follow", history=said, question=query)
        try:
            question, _, _ = await self._ask(
                prompt, self.budgets.reply, lambda text: parse_standing(text, f"{said}\n{query}")
            )
        except FormatError:
            return query
        return question

    @property
    def _questions_room(self) -> int:
        """Tokens that questions may take in a prompt."""
        b = self.budgets
        return (b.window - b.chunk - b.notes - max(b.reply, b.answer) - b.thinking) // 2
