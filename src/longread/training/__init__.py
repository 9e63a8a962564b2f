"""Samples -> weights: the recipe of QwenLong-L1.5 (arXiv 2512.12967), its algorithms as pure functions."""
