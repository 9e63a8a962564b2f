"""Server-sent events as chat servers send them."""

from __future__ import annotations

from longread.models.faults import Fault

_LONGEST = 1 << 24
"""Bytes of a line; more is no event of any server."""


class EventLines:
    """Cuts a response into the payloads of its `data:` lines; comments and other fields are passed over.

    A chat server's payload is one line of JSON; some separate events by one newline where the standard asks
    for two, and so a line is taken as an event.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[str]:
        """Payloads that are complete with these bytes; UnicodeDecodeError when one is not UTF-8.

        Raises Fault on a line that does not end.
        """
        *lines, rest = piece.split(b"\n")
        if lines:
            lines[0] = b"".join([*self._rest, lines[0]])
            self._rest, self._size = [], 0
        self._rest.append(rest)
        self._size += len(rest)
        if self._size > _LONGEST:
            raise Fault(f"a line of more than {_LONGEST:,} bytes")
        return [line[5:].strip().decode() for line in lines if line.startswith(b"data:")]

    def finish(self) -> list[str]:
        """The payload of a last line without its newline."""
        return self.feed(b"\n")
