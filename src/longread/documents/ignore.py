"""Which paths below a folder `.gitignore` files rule out, as git would."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_DIR_MARK = "ps_d"
"""The group by which pathspec's expressions mark the slash after a folder that a pattern names."""


def globs(lines: Iterable[str]) -> GitIgnoreSpec:
    """Compiles gitignore lines; like git, lines that are no pattern are passed over."""
    patterns: list[GitIgnoreSpecPattern] = []
    for line in lines:
        try:
            patterns += GitIgnoreSpec.from_lines([line]).patterns
        except (GitIgnorePatternError, ValueError):
            continue
    return GitIgnoreSpec(patterns)


class Layer(NamedTuple):
    """The rules of one `.gitignore` file."""

    base: str
    """Absolute path of its folder, ending in a separator."""
    spec: GitIgnoreSpec


def layer(folder: str) -> tuple[Layer, ...]:
    """The rules that `folder` adds to those of the folders above it; none without a `.gitignore`."""
    path = Path(folder, ".gitignore")
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return ()  # git follows no link here either, and a pipe would hang
        lines = os.fsdecode(path.read_bytes()).splitlines()
    except OSError:
        return ()
    return (Layer(folder.rstrip("/") + "/", globs(lines)),)


def above(folder: str) -> tuple[Layer, ...]:
    """The rules that hold in `folder` because of the repository around it.

    None when they rule out `folder` itself: who names an ignored folder wants it read.
    """
    chain = [folder]
    while not Path(chain[0], ".git").exists():
        parent = str(Path(chain[0]).parent)
        if parent == chain[0]:
            return ()  # not in a repository
        chain.insert(0, parent)
    layers: tuple[Layer, ...] = ()
    for parent, child in pairwise(chain):
        layers += layer(parent)
        if ignored(layers, child, is_folder=True):
            return ()
    return layers


def ignored(layers: tuple[Layer, ...], path: str, *, is_folder: bool) -> bool:
    """Whether the rules leave out `path` (absolute); the deepest file that says anything decides."""
    for base, spec in reversed(layers):
        said = verdict(spec, path[len(base) :], is_folder=is_folder)
        if said is not None:
            return said
    return False


def verdict(spec: GitIgnoreSpec, path: str, *, is_folder: bool) -> bool | None:
    """What the last pattern that matches `path` itself says: True to leave it out, None when none matches.

    `GitIgnoreSpec` answers for a lone path, of which any parent may be ignored. Whoever walks down has asked
    about the parents before, and for git a pattern that matches one of them says nothing of what is below.
    """
    subject = path + "/" if is_folder else path
    for pattern in reversed(spec.patterns):
        if pattern.include is None or not (found := pattern.match_file(subject)):
            continue
        expression = found.match.re
        marked = _DIR_MARK in expression.groupindex and found.match[_DIR_MARK]
        if not marked:  # "a/**" matches "a/", but means only what is in it
            itself = not is_folder or pattern.match_file(path) is not None
        elif expression.pattern.startswith("^"):
            itself = found.match.start(_DIR_MARK) == len(path)
        else:  # "*/" names every folder; its expression finds the first slash
            itself = is_folder
        if itself:
            return pattern.include
    return None
