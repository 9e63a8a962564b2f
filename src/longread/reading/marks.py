"""Turns a streamed answer with note labels (`[n12]`) into one with citation numbers (`[1]`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from longread.models.base import Delta

SENTINEL = "NOT IN THE DOCUMENTS"
"""What the prompts ask a model to reply when the notes or documents hold no answer."""

_MARK = re.compile(r"[ \t]?[\[【]\s*(n\d+(?:[\s,;]+n?\d+)*)\s*[\]】]", re.IGNORECASE)
_LONGEST_MARK = 80
_EDGE = " \t\r\n*_#>`\"'.-"


class AnswerStream:
    """Receives the deltas of one reply, hands on its text with citation numbers, and keeps the whole.

    Labels of notes that may not be cited vanish. A reply that begins with the sentinel is not handed on. With
    `after`, only what follows that tag counts (`ANSWER:`, behind the lines of evidence).
    """

    def __init__(
        self, emit: Callable[[Delta], None], citable: Callable[[], Collection[int]], after: str | None = None
    ) -> None:
        self._emit = emit
        self._citable = citable
        self._after = re.compile(rf"^[\s*#>]*{after}\**\s*[:：]\**\s*", re.I | re.M) if after else None
        self._begin()

    def _begin(self) -> None:
        self._raw = ""
        self._started = self._after is None
        self._pending = ""
        self._denied = False
        self.head = ""
        self.text = ""
        self.cited: list[int] = []

    def feed(self, delta: Delta) -> None:
        """Takes the next piece."""
        if delta.restart:
            self._begin()
            self._emit(Delta(restart=True))
        if delta.thinking:
            self._emit(Delta(thinking=delta.thinking))
        if not delta.text:
            return
        self._raw += delta.text
        if not self._started:
            assert self._after is not None
            if (match := self._after.search(self._raw)) is None:
                return
            self._started = True
            self.head = self._raw[: match.start()]
            self._pending = self._raw[match.end() :]
        else:
            self._pending += delta.text
        self._flush(final=False)

    def finish(self, raw: str) -> None:
        """The whole reply, for models that do not stream, and to hand on what was held back."""
        if not self._raw:
            self.feed(Delta(raw))
        if not self._started:
            self._started, self.head = True, self._raw
            self._pending = self._without_lines(self._raw)
        self._flush(final=True)
        self.text = self.text.strip()

    @property
    def answered(self) -> bool:
        """Whether the reply answers at all."""
        return not self._denied

    @staticmethod
    def _without_lines(raw: str) -> str:
        tagged = re.compile(r"^[\s*>#-]*(NOTE|PLAN|UPDATE|DROP)\b.*$", re.IGNORECASE | re.MULTILINE)
        return tagged.sub("", raw)

    def _flush(self, final: bool) -> None:
        if not self.text:
            self._pending = self._pending.lstrip()
            head = self._pending.lstrip(_EDGE).upper()
            if head.startswith(SENTINEL):
                self._denied = True
            if self._denied:
                if final:
                    self.text = self._pending.strip(_EDGE)[len(SENTINEL) :].strip(" .:,;–—-\n*")
                return
            if not final and SENTINEL.startswith(head):
                return
        ready = self._pending
        if not final:
            opened = max(ready.rfind("["), ready.rfind("【"))
            if (
                opened >= 0
                and len(ready) - opened < _LONGEST_MARK
                and not re.search(r"[\]】]", ready[opened:])
            ):
                ready = ready[:opened].rstrip(" \t")
            else:
                ready = ready.rstrip(" \t")  # a mark takes the blank before it along
        self._pending = self._pending[len(ready) :]
        if resolved := _MARK.sub(self._resolve, ready):
            self.text += resolved
            self._emit(Delta(resolved))

    def _resolve(self, match: re.Match[str]) -> str:
        numbers: list[int] = []
        for id in map(int, re.findall(r"\d+", match[1])):
            if id in self._citable():
                if id not in self.cited:
                    self.cited.append(id)
                numbers.append(self.cited.index(id) + 1)
        blank = match[0][0] if match[0][0] in " \t" else ""
        return blank + "".join(f"[{n}]" for n in dict.fromkeys(numbers)) if numbers else ""
