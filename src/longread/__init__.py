"""Longread answers questions over documents far larger than any context window, with citations.

from longread import Reader, load

answer = Reader("extractive").ask("Who signed the lease?", load("contracts/"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longread.documents.load import load
    from longread.reading.journal import Journal
    from longread.reading.reader import Reader
    from longread.types import Answer, Citation, Corpus, Document

_HOME = {
    "Answer": "longread.types",
    "Citation": "longread.types",
    "Corpus": "longread.types",
    "Document": "longread.types",
    "Journal": "longread.reading.journal",
    "Reader": "longread.reading.reader",
    "load": "longread.documents.load",
}
__all__ = ["Answer", "Citation", "Corpus", "Document", "Journal", "Reader", "load"]


def __getattr__(name: str) -> Any:
    """Imports on first use, so that `longread --help` is instant."""
    if name not in _HOME:
        raise AttributeError(f"module 'longread' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)
