"""Documents and a question become an answer with citations."""
