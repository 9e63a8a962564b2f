"""Turns a streamed answer with note labels (`[n12]`) into one with citation numbers (`[1]`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from longread.models.base import Delta

SENTINEL = "NOT IN THE DOCUMENTS"
"""What the prompts ask a model to reply when the notes or documents hold no answer."""

# A label, or a list of them. A bare number counts too where it follows no word, as in `a[3]`.
_MARK = re.compile(
    r"[ \t]?[\[【][ \t]{0,4}"
    r"(?:(?P<labels>n\d{1,9}(?:[ \t,;]{1,4}n?\d{1,9})*)|(?P<bare>\d{1,9}(?:[ \t,;]{1,4}\d{1,9})*))"
    r"[ \t]{0,4}[\]】]",
    re.IGNORECASE,
)
_INSIDE = re.compile(r"[ \tn\d,;]*", re.IGNORECASE)
_EDGE = " \t\r\n*_#>`\"'.-"
_SHORT = 200
"""Characters of a reply that is a refusal if it ends in the sentinel."""


class AnswerStream:
    """Receives the deltas of one reply, hands on its text with citation numbers, and keeps the whole.

    Labels of notes that may not be cited vanish. A reply that begins with the sentinel is not handed on. With
    `after`, only what follows that tag at the beginning of a line counts (`ANSWER:`, behind the evidence).
    """

    def __init__(
        self, emit: Callable[[Delta], None], citable: Callable[[], Collection[int]], after: str | None = None
    ) -> None:
        self._emit = emit
        self._citable = citable
        self._after = after and re.compile(
            rf"[ \t*#>]{{0,8}}{after}\*{{0,2}}[ \t]{{0,4}}[:：]\*{{0,2}}", re.I
        )
        self._begin()

    def _begin(self) -> None:
        self._raw: list[str] = []
        self._line = ""
        self._started = self._after is None
        self._pending = ""
        self._denied = False
        self._last = ""
        self.head = ""
        """What came before the tag."""
        self.text = ""
        """The answer so far, with citation numbers."""
        self.cited: list[int] = []
        """Labels in the order of their numbers."""

    def feed(self, delta: Delta) -> None:
        """Takes the next piece."""
        if delta.restart:
            self._begin()
            self._emit(Delta(restart=True))
        if delta.thinking:
            self._emit(Delta(thinking=delta.thinking))
        if not delta.text:
            return
        self._raw.append(delta.text)
        if self._started:
            self._pending += delta.text
        else:
            self._seek(delta.text)
        if self._started:
            self._flush(final=False)

    def finish(self, raw: str) -> None:
        """The whole reply, for models that do not stream, and to hand on what was held back."""
        if not self._raw:
            self.feed(Delta(raw))
        if not self._started:
            self._started, self.head = True, "".join(self._raw)
            self._pending = self._without_lines(self.head)
        self._flush(final=True)
        self.text = self.text.strip()
        end = self.text.rstrip(_EDGE).upper()
        if end.endswith(SENTINEL) and (len(end) < _SHORT or end.splitlines()[-1].strip(_EDGE) == SENTINEL):
            self._denied = True

    @property
    def answered(self) -> bool:
        """Whether the reply answers at all."""
        return not self._denied

    def _seek(self, text: str) -> None:
        """Looks for the tag at the beginning of each line, as lines come."""
        assert isinstance(self._after, re.Pattern)
        *done, self._line = (self._line + text).split("\n")
        for number, line in enumerate([*done, self._line]):
            if match := self._after.match(line):
                rest = [line[match.end() :], *[*done, self._line][number + 1 :]]
                self._started, self._pending = True, "\n".join(rest)
                raw = "".join(self._raw)
                self.head = raw[: len(raw) - len(self._pending) - match.end()]
                return

    @staticmethod
    def _without_lines(raw: str) -> str:
        tagged = re.compile(r"^[ \t*>#-]{0,8}(?:NOTE|PLAN|UPDATE|DROP)\b.*$", re.IGNORECASE | re.MULTILINE)
        return tagged.sub("", raw)

    def _flush(self, final: bool) -> None:
        if not self.text:
            self._pending = self._pending.lstrip()
            head = self._pending[: len(SENTINEL) + 40].lstrip(_EDGE).upper()
            if head.startswith(SENTINEL):
                self._denied = True
            if self._denied:
                if final:
                    rest = self._pending.lstrip(_EDGE)[len(SENTINEL) :]
                    self.text = rest.strip(" .:,;–—-\n*")
                return
            if not final and SENTINEL.startswith(head):
                return
        ready = self._pending
        if not final:  # a mark may go on, and takes the blank before it along
            opened = max(ready.rfind("["), ready.rfind("【"))
            if opened >= 0 and _INSIDE.fullmatch(ready, opened + 1):
                ready = ready[:opened]
            ready = ready.rstrip(" \t")
        self._pending = self._pending[len(ready) :]
        if resolved := _MARK.sub(self._resolve, ready):
            self.text += resolved
            self._emit(Delta(resolved))
        self._last = ready[-1:] or self._last

    def _resolve(self, match: re.Match[str]) -> str:
        blank = match[0][0] if match[0][0] in " \t" else ""
        before = match.string[: match.start()][-1:] or self._last
        bare = match["bare"]
        if bare and not blank and (before.isalnum() or before in "_)]"):
            return match[0]
        citable = self._citable()
        numbers: list[int] = []
        for id in map(int, re.findall(r"\d+", match["labels"] or bare)):
            if id in citable:
                if id not in self.cited:
                    self.cited.append(id)
                numbers.append(self.cited.index(id) + 1)
        if bare and not numbers:
            return f"{blank}({bare})"  # so that it does not look like a citation
        return blank + "".join(f"[{n}]" for n in dict.fromkeys(numbers)) if numbers else ""
