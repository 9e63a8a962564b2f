"""A small world in a small language, for models that train on a laptop."""
