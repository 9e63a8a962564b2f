"""Server-sent events as chat servers send them."""

from __future__ import annotations


class EventLines:
    """Cuts a response into the payloads of its `data:` lines; comments and other fields are passed over.

    A chat server's payload is one line of JSON; some separate events by one newline where the standard asks
    for two, and so a line is taken as an event.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """Payloads that are complete with these bytes; UnicodeDecodeError when one is not UTF-8."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [line[5:].strip().decode() for line in lines if line.startswith(b"data:")]

    def finish(self) -> list[str]:
        """The payload of a last line without its newline."""
        return self.feed(b"\n")
