"""A package by name: verl installs one called `tests` too, which would hide a plain folder."""
