"""Model servers for tests: a real one over a tiny checkpoint, and one that follows a script."""
