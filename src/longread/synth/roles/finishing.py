"""What a model does with samples that are made: it words them anew and tries them; then they may be balanced."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from longread.errors import ModelError
from longread.reading.store import Store
from longread.synth import plans
from longread.synth.dataset import Made
from longread.synth.roles import paraphrase, tries
from longread.synth.roles.asking import NO_REPLY, NoReplyError, SpentError
from longread.synth.roles.paraphrase import Paraphraser, Reworded, reads
from longread.synth.roles.tries import Trier, Tries, balanced
from longread.synth.verify import Ground

NOT_ASKED = "no calls left"
_FENCE = "fence"


class Step(NamedTuple):
    """What came of something that a model was asked for."""

    kept: int
    rejected: Mapping[str, int]
    """Why the others were not."""


@dataclass
class Finished:
    """Samples as they go into the data set, and what a model had to do with them."""

    made: Sequence[Made]
    reworded: list[Reworded] = field(default_factory=list)
    tries: dict[str, Tries] = field(default_factory=dict)
    """By sample."""
    steps: dict[str, Step] = field(default_factory=dict)
    """By what was asked for."""
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """Type of a sample that went, and why."""


def reword(done: Finished, grounds: Mapping[str, Ground], paraphraser: Paraphraser) -> None:
    """Puts paraphrases in place of questions, in the order of ids, until no calls are left."""
    rejected: Counter[str] = Counter()
    made: dict[str, Made] = {}
    taken: set[str] = set()
    for one in _ordered(done.made):
        sample = one.sample
        made[sample.id] = one
        if not reads(plans.from_json(sample.plan)):
            continue
        if paraphraser.asker.model.left < paraphrase.CALLS:
            rejected[NOT_ASKED] += 1
            continue
        try:
            found = paraphraser(sample, grounds[sample.split])
        except ModelError:
            found = NO_REPLY
        if not isinstance(found, str) and found[1].question in taken:
            found = "asked before"
        if isinstance(found, str):
            rejected[found] += 1
        else:
            anew, worded = found
            taken.add(worded.question)
            made[sample.id] = one._replace(sample=anew)
            done.reworded.append(worded)
    done.made = [made[one.sample.id] for one in done.made]
    done.steps["paraphrases"] = Step(len(done.reworded), rejected)


def attempt(done: Finished, grounds: Mapping[str, Ground], trier: Trier, most: int | None) -> None:
    """Tries samples, `most` of them, in the order of ids, until no calls are left, and drops what must go."""
    rejected: Counter[str] = Counter()
    gone: set[str] = set()
    for number, one in enumerate(_ordered(done.made)):
        sample = one.sample
        if trier.model.left < tries.CALLS * trier.of or (most is not None and number >= most):
            rejected["not tried"] += 1
            continue
        try:
            found = trier(sample, grounds[sample.split].documents)
        except NoReplyError as error:
            rejected["not tried" if isinstance(error, SpentError) else NO_REPLY] += 1
            continue
        if isinstance(found, str):
            rejected[found] += 1
            gone.add(sample.id)
            done.dropped.append((sample.type, found))
        else:
            done.tries[sample.id] = found
    done.made = [one for one in done.made if one.sample.id not in gone]
    done.steps["tries"] = Step(len(done.tries), rejected)


def balance(done: Finished) -> None:
    """Keeps as many of each source and pass rate."""
    kept = balanced((one.sample for one in done.made), done.tries)
    gone = [one.sample for one in done.made if one.sample.id not in kept]
    done.dropped += [(sample.type, "left out to balance pass rates") for sample in gone]
    done.made = [one for one in done.made if one.sample.id in kept]
    done.tries = {id_: tried for id_, tried in done.tries.items() if id_ in kept}


def fence(store: Store) -> str:
    """A word that no document can know, the same for all of a data set."""
    if (kept := store.get(_FENCE)) is None:
        kept = secrets.token_hex(8)
        store.put(_FENCE, kept)
    return kept


def _ordered(made: Iterable[Made]) -> list[Made]:
    """By ids, which are digests: an even draw of all types, however far it comes."""
    return sorted(made, key=lambda one: one.sample.id)
