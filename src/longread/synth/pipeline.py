"""From documents to a data set, in units that are each made alone, so that a killed run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from longread.errors import InputError, UsageError
from longread.grading.size import tokens
from longread.synth import dataset
from longread.synth.alike import Alike
from longread.synth.avoid import NOTHING, Avoided
from longread.synth.base import Base
from longread.synth.card import card
from longread.synth.corpus import Chosen, choose
from longread.synth.make import Unit, Yield, make, possible
from longread.synth.pages import base_of
from longread.synth.rename import rename
from longread.synth.roles import proposals, triples, views
from longread.synth.roles.cast import Cast
from longread.synth.roles.finishing import Finished
from longread.synth.roles.kept import Found, read_found, read_reworded, write_found, write_reworded
from longread.synth.runner import ALONE, Runner
from longread.synth.seal import SEAL, Seal, bound
from longread.synth.solvers import Trial
from longread.synth.sql import Tables
from longread.synth.types import TYPES, VIEWPOINT
from longread.synth.verify import Check, Ground, quoted, verify
from longread.types import Document

_SPLITS = ("train", "evaluation")
_PARTS = "parts"
_REPLIES = "replies"
"""Within the parts: what a model said."""
PLAN = "plan.json"
CARD = "README.md"
"""Written last: where it is, the data set is complete."""
_EVALUATION = 10
"""One in so many samples is of the evaluation split."""


@dataclass(frozen=True)
class Recipe:
    """All that decides a data set, besides the documents.

    Args:
        size: Samples in all.
        targets: Nominal tokens of contexts, one of which is drawn for each sample.
        seed: Draws everything.
        types: Types of questions, which share the size by their weights.
        rename: Whether what documents are about gets invented names, and figures others.
    """

    size: int
    targets: tuple[int, ...]
    seed: int = 0
    types: tuple[str, ...] = tuple(TYPES)
    rename: bool = False

    def __post_init__(self) -> None:
        if unknown := [name for name in self.types if name not in TYPES]:
            raise UsageError(f"there is no type '{unknown[0]}'; choose of {', '.join(TYPES)}")

    def units(self, possible: Callable[[str], bool]) -> Iterator[Unit]:
        """What is to be made, each part of which depends on no other; types that are not possible have no share."""
        types = [name for name in self.types if possible(name)]
        weights = [TYPES[name].weight for name in types]
        ends = [self.size * upto // max(1, sum(weights)) for upto in accumulate(weights, initial=0)]
        for name, (first, last) in zip(types, pairwise(ends), strict=True):
            share = last - first
            evaluation = share // _EVALUATION
            for split, wanted in (("train", share - evaluation), ("evaluation", evaluation)):
                yield Unit(split, name, wanted, self.targets, self.seed)


class Known(NamedTuple):
    """The documents of a split and what they state."""

    documents: Sequence[Document]
    base: Base


class Progress(NamedTuple):
    """A unit that was finished."""

    unit: Unit
    made: int
    done: int
    of: int
    proposed: bool = False
    """Whether its rounds were proposals of a cast."""


def run(
    documents: Iterable[Document],
    recipe: Recipe,
    out: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    runner: Runner = ALONE,
    avoid: Avoided = NOTHING,
    cast: Cast | None = None,
) -> Path:
    """Makes the data set in `out`; goes on with one that was begun from the same documents and recipe.

    What stands in `avoid` is in no document and no question of it. What a `cast` proposes and is proved comes beside
    the samples of the recipe.

    Errors: UsageError where `out` holds something else; InputError when the documents state nothing to ask for.
    """
    chosen = choose(rename(tuple(documents), recipe.seed) if recipe.rename else documents, avoid, runner)
    _begin(out, recipe, chosen, avoid, cast)
    if (out / CARD).exists():
        shutil.rmtree(out / _PARTS, ignore_errors=True)  # where the last run was killed
        return out
    dataset.write_documents(out / dataset.DOCUMENTS, chosen.documents, chosen.splits)
    known: dict[str, Known] = {}
    for name in _SPLITS:
        own = [document for document in chosen.documents if chosen.splits[document.id] == name]
        known[name] = Known(own, base_of(own, chosen.stated))
    rounds = last = 0
    found = Found()
    if cast:
        prose = [d for own in known.values() for d in own.documents if triples.readable(d, own.base)]
        heard = [(d, own.base) for own in known.values() for d in own.documents if views.heard(d, own.base)]
        heard = heard if VIEWPOINT in recipe.types else []
        facts, listening, rounds, last = cast.shares(prose, [document for document, _ in heard])
        replies = out / _PARTS / _REPLIES
        if unheard := [out / name for name in read_found(out).unheard()]:
            for path in (*unheard, *(out / _PARTS).glob("*.parquet")):  # what was made since rests on them
                path.unlink(missing_ok=True)
        found = write_found(
            out,
            lambda: cast.extract(replies, prose, facts),
            lambda: cast.listen(replies, heard, listening),
        )
        known = {name: _told(own, found) for name, own in known.items()}
    can = partial(possible, base=known["train"].base)
    units = list(recipe.units(can))
    proposed: list[Unit] = []
    if cast:
        asked = replace(recipe, size=rounds)
        proposed = list(asked.units(lambda type_: proposals.possible(type_) and can(type_)))
    waiting = [unit for unit in units if not _part(out, unit).exists()]
    parts = [
        *((unit, _part(out, unit)) for unit in units),
        *((unit, _proposed(out, unit)) for unit in proposed),
    ]
    for unit, made in zip(waiting, runner.map(_making, (known, avoid), waiting), strict=True):
        _keep(_part(out, unit), made)
        on_progress(Progress(unit, len(made.made), *_done(parts)))
    for unit, made in _played(out, proposed, known, cast, avoid) if cast else ():
        _keep(_proposed(out, unit), made)
        on_progress(Progress(unit, len(made.made), *_done(parts), proposed=True))
    kept, twins = distinct(one for _, part in parts for one in dataset.read_samples(part))
    done = Finished(kept)
    if cast:
        grounds = {name: _ground(own) for name, own in known.items()}
        done = cast.finish(out / _PARTS / _REPLIES, done.made, grounds, avoid, last)
        done.steps = {**found.steps, **done.steps}
    done.dropped += twins
    merged = {form: name for own in known.values() for form, name in own.base.merged.items()}
    _finish(out, parts, chosen, done, merged)
    return out


def find(folder: Path, beginning: str) -> list[dataset.Made]:
    """The samples whose id begins so."""
    made = (one for shard in dataset.shards(folder) for one in dataset.read_samples(shard))
    return [one for one in made if one.sample.id.startswith(beginning)]


def tried(folder: Path, id_: str) -> dict[str, int]:
    """How often a model was right about a sample; empty where it was not tried."""
    return next((found[id_] for s in dataset.shards(folder) if id_ in (found := dataset.read_tries(s))), {})


def prove(folder: Path, only: str = "") -> Iterator[tuple[str, tuple[Check, ...]]]:
    """Each sample's id and its failed checks, from the files of a data set alone; those of one id with `only`."""
    stored = dataset.read_documents(folder / dataset.DOCUMENTS)
    splits = {name: [document for document, split in stored if split == name] for name in _SPLITS}
    found = read_found(folder)
    reworded = {one.question: one.read for one in read_reworded(folder)}
    grounds = {
        name: _ground(_told(Known(own, base_of(own)), found))._replace(reworded=reworded)
        for name, own in splits.items()
    }
    all_made = find(folder, "")
    sealed, now = Seal.read(folder / SEAL), Seal.of(folder)
    seen: set[str] = set()
    for one in all_made:
        sample = one.sample
        if sample.id in seen:
            yield sample.id, (Check("identity", "another sample has this id"),)
            continue
        seen.add(sample.id)
        if only and sample.id != only:
            continue
        if sample.split not in grounds:
            yield sample.id, (Check("split", f"there is no split '{sample.split}'"),)
            continue
        ground = grounds[sample.split]
        checks = [
            Check("seal", sealed.fault(one, now)),
            Check("id", bound(sample, ground.documents)),
            quoted(sample, one.quotes, ground.documents),
            *verify(sample, ground),
        ]
        yield sample.id, tuple(check for check in checks if not check.passed)
    for id_ in () if only else sealed.samples:
        if id_ not in seen:
            yield id_, (Check("seal", "it is no longer there"),)


def _told(known: Known, found: Found) -> Known:
    """What is known with what a model found."""
    stated = triples.pages(known.documents, found.stated.triples, known.base)
    held = views.pages(known.documents, found.held.views, known.base)
    return known._replace(base=replace(known.base, pages=(*known.base.pages, *stated, *held)))


def _ground(known: Known) -> Ground:
    return Ground({document.id: document for document in known.documents}, known.base, Tables(known.base))


def _begin(out: Path, recipe: Recipe, chosen: Chosen, avoid: Avoided, cast: Cast | None) -> None:
    """Notes what the folder is for; a folder for something else is refused."""
    corpus = hashlib.sha256("\n".join(document.id for document in chosen.documents).encode()).hexdigest()
    plan = {
        "size": recipe.size,
        "targets": list(recipe.targets),
        "seed": recipe.seed,
        "types": [name for name in recipe.types if name != VIEWPOINT or (cast and cast.model)],
        "renamed": recipe.rename,
        "documents": corpus,
        "avoided": avoid.digest,
        "proposed": cast.decides if cast else None,
    }
    noted = out / PLAN
    try:
        if noted.exists():
            if json.loads(noted.read_bytes()) != plan:
                raise UsageError(f"{out} holds another data set; give another --out, or remove it")
            return
        if out.exists() and any(path.name != f"{PLAN}.part" for path in out.iterdir()):
            raise UsageError(f"{out} is not empty; give another --out")
        out.mkdir(parents=True, exist_ok=True)
        _write(noted, json.dumps(plan, indent=1) + "\n")
    except OSError as error:
        raise UsageError(f"{out} cannot be used: {error.strerror}; give another --out") from error
    except ValueError as error:
        raise InputError(f"{noted} cannot be read: {error}; give another --out, or remove {out}") from error


def _played(
    out: Path, units: Sequence[Unit], known: Mapping[str, Known], cast: Cast, avoid: Avoided
) -> Iterator[tuple[Unit, Yield]]:
    """What is proposed beside the samples that were made of the same units."""
    for name in _SPLITS:
        if waiting := [unit for unit in units if unit.split == name and not _proposed(out, unit).exists()]:
            ground = _ground(known[name])
            before = [[one.sample for one in dataset.read_samples(_part(out, unit))] for unit in waiting]
            begun = zip(waiting, before, strict=True)
            yield from cast.propose(out / _PARTS / _REPLIES, begun, ground, _tokens(ground), avoid)


def _making(shared: tuple[Mapping[str, Known], Avoided]) -> Callable[[Unit], Yield]:
    """What makes the samples of a unit, from what is known of each split."""
    known, avoid = shared
    grounds = {split: _ground(own) for split, own in known.items()}
    sizes = {split: _tokens(ground) for split, ground in grounds.items()}
    return lambda unit: make(unit, grounds[unit.split], sizes[unit.split], avoid)


def _tokens(ground: Ground) -> dict[str, int]:
    return {doc: tokens(document.text) for doc, document in ground.documents.items()}


def _part(out: Path, unit: Unit) -> Path:
    return out / _PARTS / f"{unit.split}-{unit.type}.parquet"


def _proposed(out: Path, unit: Unit) -> Path:
    return out / _PARTS / f"proposed-{unit.split}-{unit.type}.parquet"


def _keep(part: Path, made: Yield) -> None:
    tried = {solver: asdict(trial) for solver, trial in made.tried.items()}
    dataset.write_samples(part, made.made, {"rejected": made.rejected, "tried": tried})


def _done(parts: Sequence[tuple[Unit, Path]]) -> tuple[int, int]:
    return sum(path.exists() for _, path in parts), len(parts)


def distinct(made: Iterable[dataset.Made]) -> tuple[list[dataset.Made], list[tuple[str, str]]]:
    """In their order on disk, without those that ask nearly the same as one with their answer; and types of these."""
    alike: defaultdict[str, Alike] = defaultdict(Alike)
    kept: list[dataset.Made] = []
    twins: list[tuple[str, str]] = []
    for one in sorted(made, key=lambda one: (one.sample.split, one.sample.id)):
        if alike[one.sample.answer].add(one.sample.question) is None:
            kept.append(one)
        else:
            twins.append((one.sample.type, "nearly the same question"))
    return kept, twins


def _finish(
    out: Path, parts: Sequence[tuple[Unit, Path]], chosen: Chosen, done: Finished, merged: Mapping[str, str]
) -> None:
    made = list(done.made)
    rejected: defaultdict[str, Counter[str]] = defaultdict(Counter)
    tried: defaultdict[str, defaultdict[str, Trial]] = defaultdict(lambda: defaultdict(lambda: Trial(0, 0)))
    for unit, part in parts:
        noted = dataset.read_notes(part)
        rejected[unit.type].update(noted["rejected"])
        for solver, trial in noted["tried"].items():
            tried[unit.type][solver] += Trial(**trial)
    for name, reason in done.dropped:
        rejected[name][reason] += 1
    if done.dropped and not made:
        raise InputError(
            f"the model's tries left no sample: {done.dropped[0][1]}; the data set needs more of them"
        )
    if not made:
        raise InputError(
            "nothing to ask for was found: these documents are no pages of keys and values that share a naming key, "
            "no tables, Python code or conversations, or too few of them"
        )
    made.sort(key=lambda one: (one.sample.split, one.sample.id))
    for number, first in enumerate(range(0, len(made), dataset.SHARD)):
        shard = made[first : first + dataset.SHARD]
        dataset.write_samples(out / dataset.SAMPLES.format(number), shard, tries=done.tries)
    write_reworded(out, done.reworded)
    _write(out / SEAL, Seal.of(out).model_dump_json(indent=1) + "\n")
    _write(out / CARD, card(made, chosen, rejected, tried, done, merged))
    shutil.rmtree(out / _PARTS)


def _write(path: Path, text: str) -> None:
    """A file, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)
