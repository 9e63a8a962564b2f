"""Damages files at random, and checks that loading them ends well."""

from __future__ import annotations

import io
import re
import signal
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from longread.documents.load import load
from longread.errors import InputError

LIMIT = 10
"""Seconds that one file may take."""

_VALUE = re.compile(rb'="([^"]*)"')
_TEXT = re.compile(rb">([^<>]+)<")
_ELEMENT = re.compile(rb"<(?:\w+:)?(\w+)[\s\S]{0,2000}?</(?:\w+:)?\1>|<[\w:]+[^<>]*/>")
_ODD = (
    *(b"", b" ", b"0", b"-1", b"1", b"1e308", b"-1e308", b"nan", b"inf", b"4294967296", b"2147483647"),
    *(
        b"99999999999999999999",
        b"-99999999999999999999",
        b"9" * 5000,
        b"\xd9\xa3",
        b"\xc2\xb2",
        b"0x10",
        b"true",
    ),
    *(b"../../../etc/passwd", b"http://127.0.0.1:1/", b"rId1", b"%s%n", b"&#0;", b"&#xD800;", b"&bogus;"),
    *(b"_x0000_", b"_xD800_", b"\xff\xfe", b"A", b"XFD1048576", b"ZZZZ1", b"\xf0\x9f\x98\x80", b"x" * 70_000),
)


def mutated(data: bytes, rng: Random) -> bytes:
    """`data` with a few bytes changed, cut out, repeated or put in, or without its end."""
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        data = rng.choice((_flip, _flip, _cut, _repeat, _insert, _end))(data, rng)
    return data


def mutated_zip(data: bytes, rng: Random) -> bytes:
    """A zip file with one to three of its parts damaged inside, so that what reads the parts sees the damage."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [(member.filename, archive.read(member)) for member in archive.infolist()]
    for at in rng.sample(range(len(parts)), min(len(parts), rng.choice((1, 1, 2, 3)))):
        name, part = parts[at]
        for _ in range(rng.choice((1, 2, 8))):
            part = rng.choice(_INSIDE)(part, rng)
        parts[at] = (name, part)
    if rng.random() < 0.1:
        del parts[rng.randrange(len(parts))]
    if rng.random() < 0.1:
        parts.append((rng.choice(parts)[0], rng.choice(parts)[1]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that come twice
        for name, part in parts:
            archive.writestr(zipfile.ZipInfo(name), part)
    return out.getvalue()


def survives(name: str, data: bytes, folder: Path) -> None:
    """Fails unless loading a file of that name ends within `LIMIT` seconds in sound documents or a clear error."""
    path = folder / name
    path.write_bytes(data)
    try:
        with _limit(LIMIT):
            corpus = load(path)
    except InputError as error:
        assert str(error) and len(str(error).splitlines()) == 1
        return
    for document in corpus:
        document.text.encode("utf-8")
        assert "\0" not in document.text and "\r" not in document.text
        for starts in (list(document.pages), [part.start for part in document.parts]):
            assert starts == sorted(starts)
            assert all(0 <= start <= len(document.text) for start in starts)
        for part in document.parts:
            part.label.encode("utf-8")
            assert len(part.label.splitlines()) <= 1 and len(part.label) < 1000
        document.header.encode("utf-8")
        assert all(len(warning.splitlines()) == 1 for warning in document.warnings)


class TooSlow(BaseException):
    """Not an `Exception`, which readers turn into findings about the file."""


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooSlow(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _place(data: bytes, rng: Random) -> tuple[int, int]:
    """A stretch, mostly short."""
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + int(2 ** rng.uniform(0, 12)))


def _flip(data: bytes, rng: Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, rng: Random) -> bytes:
    start, end = _place(data, rng)
    return data[:start] + data[end:]


def _repeat(data: bytes, rng: Random) -> bytes:
    start, end = _place(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 2, 50)) + data[end:]


def _insert(data: bytes, rng: Random) -> bytes:
    at, _ = _place(data, rng)
    return (
        data[:at]
        + rng.choice((rng.randbytes(rng.choice((1, 8, 300))), b"\0" * 4, rng.choice(_ODD)))
        + data[at:]
    )


def _end(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _one(
    pattern: re.Pattern[bytes], change: Callable[[bytes, Random], bytes]
) -> Callable[[bytes, Random], bytes]:
    """Changes what the pattern found in one place."""

    def mutate(part: bytes, rng: Random) -> bytes:
        match = pattern.search(part, rng.randrange(len(part) + 1))
        if not match:
            return _flip(part, rng)
        group = pattern.groups if pattern in (_VALUE, _TEXT) else 0
        return part[: match.start(group)] + change(match[group], rng) + part[match.end(group) :]

    return mutate


def _odd(value: bytes, rng: Random) -> bytes:
    return rng.choice((rng.choice(_ODD), str(rng.randint(-(10**6), 10**12)).encode(), value[::-1]))


def _within(element: bytes, rng: Random) -> bytes:
    """Puts an element in itself, which few schemas allow."""
    head, mark, tail = element.partition(b">")
    return element if head.endswith(b"/") else head + mark + element * rng.choice((1, 3)) + tail


_INSIDE: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_flip, _cut, _repeat, _insert, _end),
    *[_one(_VALUE, _odd)] * 5,
    *[_one(_TEXT, _odd)] * 3,
    _one(_ELEMENT, lambda element, rng: b""),
    _one(_ELEMENT, lambda element, rng: element * rng.choice((2, 2, 1000))),
    _one(_ELEMENT, _within),
    _one(_ELEMENT, lambda element, rng: element[::-1]),
)
