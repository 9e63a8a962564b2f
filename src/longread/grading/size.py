"""Length in nominal tokens, which needs no tokenizer and so is the same for every model."""

from __future__ import annotations

BYTES_PER_TOKEN = 4


def tokens(text: str) -> int:
    """Nominal tokens of `text`: four UTF-8 bytes each, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
