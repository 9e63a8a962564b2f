"""The data card: what a data set holds, what was left out, and some of its samples in full."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import mean

from longread.grading.size import tokens
from longread.synth import plans
from longread.synth.corpus import Chosen
from longread.synth.dataset import Made
from longread.synth.solvers import SOLVERS, Trial

_SHOWN = 160
_BAR = 30


def card(
    made: Sequence[Made],
    chosen: Chosen,
    rejected: Mapping[str, Mapping[str, int]],
    tried: Mapping[str, Mapping[str, Trial]],
) -> str:
    """Markdown. `rejected`: type -> reason -> proposals; `tried`: type -> solver -> what it got right."""
    by_type: defaultdict[str, list[Made]] = defaultdict(list)
    for one in made:
        by_type[one.sample.type].append(one)
    kept = {name: len(by_type.get(name, ())) for name in rejected}
    size = {document.id: tokens(document.text) for document in chosen.documents}
    lengths = [sum(size[doc] for doc in one.sample.documents) for one in made]
    used = Counter(chosen.splits.values())
    sections = [
        "# Data card",
        f"{len(made):,} samples over {len(chosen.documents):,} documents "
        f"({used['train']:,} for training, {used['evaluation']:,} for evaluation; {len(chosen.left):,} left out). "
        "Every answer is what its plan gives; `longread synth verify` proves each again.",
        "## Types",
        _table(
            ("type", "task", "train", "evaluation", "documents each", "hops", "commonest answer"),
            [_row(name, own) for name, own in sorted(by_type.items())],
        ),
        "## Lengths",
        "Nominal tokens (of four bytes) of the contexts.",
        _table(("tokens", "samples", ""), _histogram(lengths)),
        "## Solvers",
        "Percent right. The plan executor must get all; the others should get little beyond chance. `closed book` "
        "sees no document; `best document` reads perfectly the one document that matches the question best; "
        "`extractive policy` is `longread ask --model extractive` on the first samples of each type, right when what "
        "it quotes holds the answer anywhere.",
        _table(("type", *SOLVERS, "chance"), _solved(tried)),
        "## Yield",
        _table(
            ("type", "kept", "dropped", "why"),
            [
                (name, str(kept[name]), str(sum(why.values())), _counts(why))
                for name, why in sorted(rejected.items())
            ],
        ),
    ]
    if chosen.left:
        reasons = Counter(left.reason.partition(" as ")[0] for left in chosen.left)
        sections += [
            "## Documents left out",
            _table(("reason", "documents"), [(r, str(n)) for r, n in reasons.items()]),
        ]
    sections += ["## Examples", *(example(own[0]) for _, own in sorted(by_type.items()))]
    return "\n\n".join(sections) + "\n"


def example(made: Made) -> str:
    """A sample, its plan and its evidence."""
    sample = made.sample
    question = sample.question.replace("\n", "  \n")
    lines = [f"### {sample.type} `{sample.id}`", question, f"Answer: **{sample.answer}**"]
    quotes = (
        f"- {piece.role}, document `{piece.doc}` at {piece.start:,}: `{_short(quote)}`"
        for piece, quote in zip(sample.evidence, made.quotes, strict=True)
    )
    return "\n\n".join([*lines, "\n".join(quotes), f"```json\n{sample.plan}\n```"])


def _row(name: str, own: Sequence[Made]) -> tuple[str, ...]:
    samples = [one.sample for one in own]
    splits = Counter(sample.split for sample in samples)
    hops = Counter(plans.hops(plans.from_json(sample.plan)) for sample in samples)
    common = Counter(sample.answer for sample in samples).most_common(1)[0][1] / len(samples)
    return (
        name,
        samples[0].task,
        str(splits["train"]),
        str(splits["evaluation"]),
        f"{mean(len(sample.documents) for sample in samples):.1f}",
        ", ".join(f"{h}: {n}" for h, n in sorted(hops.items())),
        f"{common:.1%}",
    )


def _histogram(lengths: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """By powers of two."""
    bins = Counter((length - 1).bit_length() for length in lengths)
    for power in range(min(bins), max(bins) + 1):
        bar = "█" * math.ceil(_BAR * bins[power] / max(bins.values()))
        yield f"{(1 << power - 1) + 1:,} to {1 << power:,}", f"{bins[power]:,}", bar


def _solved(tried: Mapping[str, Mapping[str, Trial]]) -> Iterator[tuple[str, ...]]:
    """A row for each type that has samples, and one for all."""
    rows = {name: by for name, by in sorted(tried.items()) if any(trial.tried for trial in by.values())}
    total = {solver: sum((by[solver] for by in rows.values()), Trial(0, 0)) for solver in SOLVERS}
    for name, by in [*rows.items(), ("all", total)]:
        cells = (f"{by[s].right / by[s].tried:.1%} of {by[s].tried:,}" for s in SOLVERS)
        first = by[SOLVERS[0]]
        yield (name, *cells, f"{first.chance / first.tried:.1%}")


def _counts(why: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {n}" for reason, n in sorted(why.items(), key=lambda item: -item[1]))


def _short(text: str) -> str:
    text = text.replace("`", "'")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
