"""Longread answers questions over documents far larger than any context window."""
