"""The policy that needs no model."""

from longread.reading.extractive.policy import ExtractivePolicy

__all__ = ["ExtractivePolicy"]
