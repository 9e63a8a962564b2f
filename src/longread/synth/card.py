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
from longread.synth.roles.finishing import Finished
from longread.synth.roles.mase import PROXY
from longread.synth.solvers import SOLVERS, Trial

_SHOWN = 160
_BAR = 30


def card(
    made: Sequence[Made],
    chosen: Chosen,
    rejected: Mapping[str, Mapping[str, int]],
    tried: Mapping[str, Mapping[str, Trial]],
    done: Finished,
    merged: Mapping[str, str],
) -> str:
    """Markdown.

    Args:
        made: The samples.
        chosen: The documents.
        rejected: Type -> reason -> proposals.
        tried: Type -> solver -> what it got right.
        done: What a model had to do with the samples.
        merged: Names and keys in another spelling -> what they were taken for.
    """
    by_type: defaultdict[str, list[Made]] = defaultdict(list)
    for one in made:
        by_type[one.sample.type].append(one)
    kept = {name: len(by_type.get(name, ())) for name in rejected}
    size = {document.id: tokens(document.text) for document in chosen.documents}
    lengths = [sum(size[doc] for doc in one.sample.documents) for one in made]
    used = Counter(chosen.splits.values())
    solvers = [*SOLVERS, *([PROXY] if any(PROXY in by for by in tried.values()) else [])]
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
        "it quotes holds the answer anywhere."
        + (f" `{PROXY}`, which reads the three best, tries what was proposed." if PROXY in solvers else ""),
        _table(("type", *solvers, "chance"), _solved(tried, solvers)),
        *_tries(made, done),
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
    if merged:
        sections += [
            "## Taken for one",
            "Names and keys that documents write in another way.",
            _table(("written", "taken for"), sorted(merged.items())),
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


def _tries(made: Sequence[Made], done: Finished) -> Iterator[str]:
    """What a model was asked for, and how often it was right in all of the context."""
    yield "## Tries of a model"
    if done.steps:
        steps = ((name, str(step.kept), _counts(step.rejected)) for name, step in done.steps.items())
        yield _table(("asked for", "kept", "not kept, and why"), steps)
    if not done.tries:
        yield (
            "No model has tried these questions: whether one answers them without documents, or fails them among "
            "irrelevant ones, is not known."
        )
        return
    of = next(iter(done.tries.values())).of
    yield (
        f"Each of {len(done.tries):,} samples was tried {of} times without documents, {of} with those required and "
        f"{of} with all. How many were right so often with all, which the column `tries` holds for each:"
    )
    rows = []
    for name in sorted({one.sample.type for one in made if one.sample.id in done.tries}):
        own = (
            done.tries[one.sample.id]
            for one in made
            if one.sample.type == name and one.sample.id in done.tries
        )
        counts = Counter(tries.context for tries in own)
        rows.append((name, *(str(counts[right]) for right in range(of + 1))))
    yield _table(("type", *(f"{right} of {of}" for right in range(of + 1))), rows)


def _solved(tried: Mapping[str, Mapping[str, Trial]], solvers: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """A row for each type that has samples, and one for all."""
    rows = {name: by for name, by in sorted(tried.items()) if any(trial.tried for trial in by.values())}
    none = Trial(0, 0)
    total = {solver: sum((by.get(solver, none) for by in rows.values()), none) for solver in solvers}
    for name, by in [*rows.items(), ("all", total)]:
        cells = (_share(by.get(solver, none)) for solver in solvers)
        first = by[SOLVERS[0]]
        yield (name, *cells, f"{first.chance / first.tried:.1%}")


def _share(trial: Trial) -> str:
    return f"{trial.right / trial.tried:.1%} of {trial.tried:,}" if trial.tried else "none tried"


def _counts(why: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {n}" for reason, n in sorted(why.items(), key=lambda item: -item[1]))


def _short(text: str) -> str:
    text = text.replace("`", "'")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
