"""Seeded generators: texts of any length with questions whose answers are known and proved."""
