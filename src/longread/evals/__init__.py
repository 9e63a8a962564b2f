"""Benchmarks: items, solvers, scorers and reports. Alone imports Inspect."""
