"""Fictional country pages as JSON, the same for the same seed, and a data set made of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from longread.synth.base import Base
from longread.synth.entities import build
from longread.synth.facts import facts
from longread.synth.splits import drawn
from longread.synth.sql import Tables
from longread.synth.verify import Ground
from longread.types import Document, document_id

RECORDS = (
    "multi_fact", "comparison", "numerical", "aggregation", "temporal", "ordering", "hypothetical", "multiple_choice",
)  # fmt: skip
"""Types of questions over such pages."""
TRAIN, EVALUATION = 30, 16
"""Pages of each split."""
_MONTHS = ("January", "March", "April", "June", "August", "September", "November", "December")
_FIRST = (
    "Bal",
    "Cor",
    "Dra",
    "Fen",
    "Gol",
    "Hes",
    "Kar",
    "Lum",
    "Mor",
    "Nor",
    "Pel",
    "Quin",
    "Ros",
    "Sil",
    "Tor",
)
_LAST = ("dovia", "mark", "nia", "stan", "thia", "verra", "wick", "zania")
_TOWNS = ("burg", "ford", "grad", "haven", "minster", "polis", "port", "ville")
_WORDS = (
    "river", "treaty", "kingdom", "harbour", "mountain", "settlers", "parliament", "railway", "drought", "copper",
    "coalition", "archipelago", "province", "merchant", "plateau", "reform", "famine", "timber", "election",
    "garrison", "monastery", "lagoon", "senate", "uprising", "canal", "vineyard", "fishery", "border", "union",
)  # fmt: skip


def records(seed: int = 0, train: int = TRAIN, evaluation: int = EVALUATION) -> dict[str, dict[str, object]]:
    """File name -> page. The first `train` names are of the training split, the others of the evaluation split."""
    rng = random.Random(f"pages:{seed}")
    names = [first + last for first in _FIRST for last in _LAST]
    rng.shuffle(names)
    names = names[: train + evaluation]
    towns = [first + last for first in _FIRST for last in _TOWNS]
    rng.shuffle(towns)
    made: dict[str, dict[str, object]] = {}
    for number, name in enumerate(names):
        group = names[:train] if number < train else names[train:]
        wanted = "train" if number < train else "evaluation"
        others = [other for other in group if other != name]
        made[_named(name, wanted)] = _page(rng, number, name, towns[number], others)
    return made


def documents(seed: int = 0, train: int = TRAIN, evaluation: int = EVALUATION) -> list[Document]:
    """The pages as they are loaded from `pages/`."""
    return [
        document(json.dumps(page, indent=1), f"pages/{name}")
        for name, page in records(seed, train, evaluation).items()
    ]


def document(text: str, source: str = "pages/one.json", kind: str = "json") -> Document:
    """A document of this text."""
    return Document(document_id(source, text), source, text, kind)


def write(folder: Path, seed: int = 0) -> None:
    """The pages as files of `folder`/pages."""
    (folder / "pages").mkdir(parents=True)
    for name, page in records(seed).items():
        (folder / "pages" / name).write_text(json.dumps(page, indent=1), encoding="utf-8")


def split(source: str) -> str:
    """That of a source in a corpus that is too small for a neighbourhood."""
    return "evaluation" if drawn(source) else "train"


def ground(given: Sequence[Document]) -> Ground:
    """What samples over these documents are checked against."""
    base = base_of(given)
    return Ground({one.id: one for one in given}, base, Tables(base))


def base_of(given: Sequence[Document]) -> Base:
    """What is known from these documents."""
    return build({one.id: list(facts(one)) for one in given})


def base(**pages: dict[str, object]) -> Base:
    """Pages of a few hand-written records, each with its name."""
    return base_of(
        [
            document(json.dumps({"name": name.replace("_", " ")} | page), f"pages/{name}.json")
            for name, page in pages.items()
        ]
    )


def _named(name: str, wanted: str) -> str:
    number = 0
    while split(f"pages/{name.lower()}-{number}.json") != wanted:
        number += 1
    return f"{name.lower()}-{number}.json"


def _page(rng: random.Random, number: int, name: str, town: str, others: Sequence[str]) -> dict[str, object]:
    borders = rng.sample(others, rng.randint(3, 5))
    lengths = rng.sample(range(20, 2_000), len(borders))
    partners = rng.sample(others, rng.randint(3, 5))
    shares = sorted(rng.sample(range(4, 60), len(partners)), reverse=True)
    land = rng.randint(1_000, 900_000)
    water = rng.randint(10, 9_000)
    irregular = number % 11 == 5
    return {
        "Introduction": {"Background": {"text": _prose(rng, 130)}},
        "Geography": {
            "Area": {
                "total": {"text": f"{land + water:,} sq km"},
                "land": {"text": f"{land:,} sq km"},
                "water": {"text": "negligible" if irregular else f"{water:,} sq km"},
            },
            "Land boundaries": {
                "total": {"text": f"{sum(lengths):,} km"},
                "border countries": {
                    "text": "; ".join(f"{who} {length:,} km" for who, length in zip(borders, lengths, strict=True))
                },
            },
            "Elevation": {
                "highest point": {"text": f"{rng.randint(90, 8_000):,} m"},
                "mean elevation": {"text": f"{'about ' if irregular else ''}{rng.randint(90, 900)} m"},
            },
            "Terrain": {"text": _prose(rng, 40)},
        },
        "People": {
            "Population": {"text": f"{rng.randint(40_000, 90_000_000):,} (2023 est.)"},
            "Nationality": {"adjective": {"text": f"{name[:-1]}ish"}},
            "Median age": {"total": {"text": f"{rng.randint(170, 480) / 10} years (2023 est.)"}},
            "Urban share": {"text": f"{rng.randint(110, 990) / 10}% of total population (2023)"},
        },
        "Government": {
            "Country name": {
                "conventional long form": {"text": f"{rng.choice(('Republic', 'Kingdom', 'Union'))} of {name}"},
                "conventional short form": {"text": name},
                "abbreviation": {"text": f"{name[:3].upper()}{chr(65 + number % 26)}"},
            },
            "Capital": {"name": {"text": town}},
            "Independence": {
                "text": "no official date" if irregular
                else f"{rng.randint(1, 28)} {rng.choice(_MONTHS)} {rng.randint(1800, 1999)} (<em>union</em>)"
            },
        },
        "Economy": {
            "GDP": {"text": f"${rng.randint(100, 99_999) / 100:.2f} billion (2023 est.)"},
            "Inflation": {"text": f"{'-' if number % 7 == 3 else ''}{rng.randint(1, 190) / 10}% (2023 est.)"},
            "Exports - partners": {
                "text": ", ".join(f"{who} {share}%" for who, share in zip(partners, shares, strict=True)) + " (2022)"
            },
            "Industries": {"text": ", ".join(rng.sample(_WORDS, 6))},
        },
    }  # fmt: skip


def _prose(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(words)).capitalize() + "."
