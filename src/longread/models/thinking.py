"""Separates what a model thinks from what it says, while the reply streams.

Three shapes occur in content: `<think>…</think>` before the text; a closing tag alone, from templates that
open the tag in the prompt; and an opening tag alone, when the reply was cut off while thinking. Only an
opening tag that begins the content and the first closing tag count, so that text may speak of the tags.
"""

from __future__ import annotations

from typing import Literal

from longread.models.base import Delta

OPEN = "<think>"
CLOSE = "</think>"


def _partial(text: str, tag: str) -> int:
    """Length of the longest end of `text` that may be the beginning of `tag`."""
    if "<" not in text[-len(tag) :]:
        return 0
    for size in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0


_BLANK = 1_000
"""Blanks that may come before a tag."""


class ThinkSplitter:
    """Takes content in pieces of any size; gives deltas, and `text` and `thinking` as they stand.

    However the content is cut into pieces, the result is the same. When a closing tag shows that text already
    handed out was thinking, a `Delta(restart=True)` comes first and the thinking is handed out again.

    With `literal` set, content is text and tags mean nothing: for servers that keep thinking apart.
    """

    def __init__(self, *, literal: bool = False) -> None:
        self.literal = literal
        self._state: Literal["start", "thinking", "open", "trim", "text"] = "start"
        self._held = ""
        self._text: list[str] = []
        self._thinking: list[str] = []

    @property
    def text(self) -> str:
        """What the model said so far."""
        return "".join(self._text)

    @property
    def thinking(self) -> str:
        """What it thought so far."""
        return "".join(self._thinking)

    def think(self, piece: str) -> list[Delta]:
        """Takes thinking that the server already kept apart; content is literal from here on."""
        self.literal = True
        return self._thought(piece)

    def feed(self, piece: str) -> list[Delta]:
        """Takes the next piece of content."""
        if self.literal and not self._held:
            return self._said(piece)
        data, self._held = self._held + piece, ""
        deltas: list[Delta] = []
        if self._state == "start":
            data = self._start(data)
        if self._state == "open":
            data = self._undecided(data, deltas)
        if self._state == "thinking":
            data = self._inside(data, deltas)
        if self._state == "trim" and (data := data.lstrip()):
            self._state = "text"
        if self._state == "text":
            deltas += self._said(data)
        return deltas

    def finish(self) -> list[Delta]:
        """Ends the content: what was held back as a possible tag was none."""
        held, self._held = self._held, ""
        return self._thought(held) if self._state == "thinking" else self._said(held)

    def _start(self, data: str) -> str:
        begun = data.lstrip()
        if not begun and len(data) > _BLANK:
            self._state = "open"
            return data
        if begun.startswith(OPEN):
            self._state = "thinking"
            return begun[len(OPEN) :]
        if OPEN.startswith(begun):
            self._held = data
            return ""
        self._state = "open"
        return data

    def _undecided(self, data: str, deltas: list[Delta]) -> str:
        """No opening tag: text, unless a closing tag turns up that begins or ends a line.

        One within a line is a word of the text: someone may well read about thinking models.
        """
        while (at := data.find(CLOSE)) >= 0:
            before, after = data[:at], data[at + len(CLOSE) :]
            deltas += self._said(before)
            if self._begins_line() or after[:1] in ("\r", "\n"):
                thinking = self.text
                self._text.clear()
                if thinking:
                    deltas.append(Delta(restart=True))
                deltas += self._thought(thinking)
                self._state = "trim"
                return after
            if not after:
                self._held = CLOSE  # what follows decides
                return ""
            deltas += self._said(CLOSE)
            data = after
        keep = len(data) - _partial(data, CLOSE)
        self._held = data[keep:]
        deltas += self._said(data[:keep])
        return ""

    def _begins_line(self) -> bool:
        for piece in reversed(self._text):
            if visible := piece.rstrip(" \t"):
                return visible[-1] == "\n"
        return True

    def _inside(self, data: str, deltas: list[Delta]) -> str:
        before, tag, after = data.partition(CLOSE)
        if tag:
            deltas += self._thought(before)
            self._state = "trim"
            return after
        keep = len(data) - _partial(data, CLOSE)
        self._held = data[keep:]
        deltas += self._thought(data[:keep])
        return ""

    def _said(self, text: str) -> list[Delta]:
        if not text:
            return []
        self._text.append(text)
        return [Delta(text=text)]

    def _thought(self, thinking: str) -> list[Delta]:
        if not thinking:
            return []
        self._thinking.append(thinking)
        return [Delta(thinking=thinking)]
