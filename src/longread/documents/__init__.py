"""Paths become documents, documents become chunks."""
