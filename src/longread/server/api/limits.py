"""What a server takes on, and what one key may use of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a server. Sizes are in bytes, times in seconds."""

    body: int = 64 << 20
    """Of a request that is no upload."""
    file: int = 256 << 20
    """Of an uploaded file."""
    disk: int = 4 << 30
    """Of all files of a key, as they came and as text; the ones that were not used for longest give way."""
    runs: int = 4
    """Runs that read at once."""
    queue: int = 64
    """Runs that wait."""
    key_runs: int = 32
    """Runs of one key, reading and waiting."""
    key_tokens: int | None = None
    """Tokens that one key may use in 24 hours, input and output together."""
    relayed: int = 512
    """Short requests that are passed on at once."""
    large: int = 8
    """Uploads, and requests of more than 1 MiB, that are taken in at once."""
    pause: float = 30.0
    """Without a byte of a request's body."""
    parse: float = 600.0
    """For turning an upload into text."""
