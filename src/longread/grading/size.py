"""Length in nominal tokens, which needs no tokenizer and so is the same for every model."""

from __future__ import annotations

from longread.models.tokens import BYTES_PER_TOKEN, utf8_length


def tokens(text: str) -> int:
    """Nominal tokens of `text`: four UTF-8 bytes each, rounded up."""
    return -(-utf8_length(text) // BYTES_PER_TOKEN)
