"""Server-sent events as chat servers send them."""

from __future__ import annotations

from collections.abc import AsyncIterator


async def event_data(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The payload of each `data:` line. Comments (keep-alive) and other fields are passed over.

    A chat server's payload is one line of JSON; some separate events by one newline where the standard asks
    for two, and so a line is taken as an event. UnicodeDecodeError when a line is not UTF-8.
    """
    rest = b""
    async for piece in pieces:
        if b"\n" not in piece:
            rest += piece
            continue
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip().decode()
    if rest.startswith(b"data:"):
        yield rest[5:].strip().decode()
