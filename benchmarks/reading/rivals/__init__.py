"""Adapters: each lets one way of reading answer a question over the same text, at the same server."""
