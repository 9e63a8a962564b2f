"""Answers over HTTP: what OpenAI's clients speak, and what the page needs."""
