"""Runs contenders over worlds and collects a record of each run.

Each contender reads each text in a process of its own, so that peak memory and processor time are its own; the
questions over one text follow one another in it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.reading.contenders import ROOT, Contender
from benchmarks.reading.oracle import Traits
from benchmarks.reading.records import Part, Record, make_record
from benchmarks.reading.rivals.job import pack
from benchmarks.reading.server import Server
from benchmarks.reading.sizes import Scale, Size
from benchmarks.reading.stub import Faults, Terms
from benchmarks.reading.world import KINDS, Item, Kind, World, make_world

_SCRIPT = ROOT / "benchmarks" / "reading" / "rivals" / "run.py"
_FAULTS: tuple[Any, ...] = ("error", "empty", "cut")


class Planned(NamedTuple):
    """A run to be made."""

    part: Part
    item: Item
    traits: Traits = Traits()
    lockstep: bool = False
    faults: Faults = Faults()
    more: tuple[str, ...] = ()
    """Further questions, asked in the same run where a contender can."""


@dataclass
class Place:
    """A world on disk."""

    world: World
    world_path: Path
    text_path: Path
    chunks: int
    scale: Scale


@dataclass
class Bench:
    """What all measurements share."""

    size: Size
    folder: Path
    server: Server
    say: Callable[[str], None]
    _places: dict[str, Place] = field(default_factory=dict)

    def place(
        self, tokens: int, items: int, seed: int, scale: Scale, kinds: tuple[Kind, ...] = KINDS
    ) -> Place:
        """Makes a world and writes it down, once."""
        name = f"{tokens}-{scale.chunk}-{items}-{seed}"
        if name in self._places:
            return self._places[name]
        world, paragraphs = make_world(
            tokens=tokens, chunk_tokens=scale.chunk, items=items, seed=seed, kinds=kinds
        )
        place = self._places[name] = Place(
            world,
            self.folder / f"{name}.json",
            self.folder / f"{name}.txt",
            len(pack(paragraphs, scale.chunk)),
            scale,
        )
        world.save(place.world_path)
        place.text_path.write_text("\n\n".join(paragraphs))
        return place

    def sweep(self, contender: Contender) -> Iterable[Record]:
        """All questions, for every kind of reader; then those with faults, and two questions in one run."""
        for seed in self.size.seeds:
            place = self.place(self.size.tokens, self.size.items, seed, self.size.small)
            items = place.world.items
            planned = [Planned("sweep", item, traits) for traits in self.size.traits for item in items]
            if seed == self.size.seeds[0]:
                for kind in _FAULTS:
                    for phase, item in enumerate(items[: self.size.faulty]):  # each hits other calls
                        faults = Faults(every=self.size.faults_every, kind=kind, phase=phase)
                        planned.append(Planned("faults", item, faults=faults))
                planned.append(Planned("extra", items[0]))
                if contender.ours:
                    planned.append(Planned("extra", items[0], more=(items[1].question,)))
                else:
                    planned.append(Planned("extra", items[1]))
            yield from self.run(contender, place, planned)

    def path(self, contender: Contender) -> Iterable[Record]:
        """The critical path at several lengths, with a perfect reader."""
        for tokens in self.size.lengths:
            place = self.place(tokens, 2, 7, self.size.real, ("inorder", "single"))
            yield from self.run(
                contender, place, [Planned("path", item, lockstep=True) for item in place.world.items]
            )

    def crash(self, contender: Contender, calls: int) -> Record:
        """One run, killed when half of its `calls` are answered, and made again."""
        place = self.place(self.size.tokens, self.size.items, self.size.seeds[0], self.size.small)
        planned = Planned("crash", place.world.items[0])
        stalling = planned._replace(faults=Faults(stall_after=calls // 2))
        label = self._announce(contender, place, stalling)
        with self._start(contender, place, [(label, planned)]) as process:
            if not self.server.stalls(label):
                self.say(f"{contender.name} did not come to the call at which it was to be killed")
            process.kill()
        return next(iter(self.run(contender, place, [planned])))

    def run(self, contender: Contender, place: Place, planned: list[Planned]) -> Iterable[Record]:
        """Runs of one contender over one text."""
        runs = [(self._announce(contender, place, one), one) for one in planned]
        with self._start(contender, place, runs) as process:
            out, err = process.communicate()
        if process.returncode:
            self.say(f"{contender.name} ended with {process.returncode}: {err.strip()[-500:]}")
            ended = "the process ended"
            result = {"answer": None, "cited": None, "error": ended, "cpu_s": 0.0, "wall_s": 0.0}
            told: dict[str, Any] = {"runs": [result] * len(runs), "peak_mib": 0.0, "idle_mib": 0.0}
        else:
            told = json.loads(out)
        for (label, one), result in zip(runs, told["runs"], strict=True):
            fault = one.faults.kind if one.faults.every else "two questions" if one.more else ""
            yield make_record(
                one.part, contender.name, place.world, place.chunks, one.item, one.traits, result, told,
                self.server.summary(label), fault,
            )  # fmt: skip

    def _announce(self, contender: Contender, place: Place, one: Planned) -> str:
        """Tells the server of a run; gives the name that both sides know it by."""
        world = place.world
        traits, faults = one.traits, one.faults
        what = (one.part, contender.name, faults.kind if faults.every else "well", len(one.more))
        where = (world.tokens, world.seed, one.item.id, traits.capture, traits.overwrite)
        label = "_".join(map(str, what + where)).replace(" ", "-")
        terms = Terms(
            world=place.world_path,
            traits=traits.model_copy(update={"seed": world.seed}),
            window=place.scale.window,
            lockstep=one.lockstep,
            faults=faults,
        )
        self.server.announce(label, terms)
        return label

    def _start(
        self, contender: Contender, place: Place, runs: list[tuple[str, Planned]]
    ) -> subprocess.Popen[str]:
        scale = place.scale
        job = {
            "adapter": contender.adapter,
            "text": str(place.text_path),
            "sizes": {
                "base_url": f"{self.server.url}/v1",
                "chunk_tokens": scale.chunk,
                "note_tokens": scale.notes,
                "window": scale.window,
                "concurrency": scale.concurrency,
                "options": contender.options,
            },
            "runs": [
                {
                    "label": label,
                    "question": one.item.question,
                    "more": one.more,
                    "state": str(self.folder / "state" / label),
                }
                for label, one in runs
            ],
        }
        path = self.folder / "job.json"
        path.write_text(json.dumps(job))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LONGREAD_")}
        environment["LONGREAD_CONFIG"] = str(
            self.folder / "none.toml"
        )  # nobody's settings but those given here
        with path.open() as given:
            return subprocess.Popen(
                [str(contender.python), str(_SCRIPT)],
                stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
                env=environment,
            )  # fmt: skip
