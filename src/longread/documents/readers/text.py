"""Plain text, Markdown and source code."""

from __future__ import annotations

from pathlib import PurePath

from longread.documents.readers.base import Extract
from longread.documents.readers.encoding import decode

_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx", ".rmd", ".qmd"})
_CODE_SUFFIXES = """
py pyi pyx pxd c h cc cpp cxx hpp hh hxx inl m mm cs java kt kts scala groovy gradle clj cljs cljc edn
js jsx mjs cjs ts tsx mts cts vue svelte css scss sass less go rs swift rb rake php pl pm t lua r jl
hs lhs ml mli fs fsi fsx elm erl hrl ex exs dart zig nim d v sv vhd vhdl f f90 f95 f03 for ada adb ads
pas pp lisp lsp el scm ss rkt cl sh bash zsh fish ps1 psm1 bat cmd awk sed tcl vim sql graphql gql proto
thrift cmake mk mak make dockerfile tf hcl nix bzl bazel sol vy cu cuh glsl hlsl wgsl metal asm s
xml xsd xsl xslt svg yaml yml toml ini cfg conf properties env
"""
_CODE_NAMES = """
makefile gnumakefile dockerfile containerfile cmakelists.txt rakefile gemfile vagrantfile jenkinsfile procfile
justfile
"""
_CODE = frozenset([*(f".{suffix}" for suffix in _CODE_SUFFIXES.split()), *_CODE_NAMES.split()])
"""Endings and whole names of files that are code or written like it."""


def read(data: bytes, name: str) -> Extract:
    """Text as it is, except that every newline becomes `\\n`."""
    text, warnings = decode(data)
    return Extract(text, kind=_kind(text, name), warnings=warnings)


def _kind(text: str, name: str) -> str:
    file = PurePath(name)
    suffix = file.suffix.lower()
    if suffix in _MARKDOWN:
        return "markdown"
    if suffix in _CODE or file.name.lower() in _CODE or (not suffix and text.startswith("#!")):
        return "code"
    return "text"
