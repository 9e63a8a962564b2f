"""The data card: what a data set holds, what was left out, and some of its samples in full."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

from longread.synth import plans
from longread.synth.corpus import Chosen
from longread.synth.dataset import Made

_SHOWN = 160


def card(made: Sequence[Made], chosen: Chosen, rejected: Mapping[str, Mapping[str, int]]) -> str:
    """Markdown."""
    by_type: defaultdict[str, list[Made]] = defaultdict(list)
    for one in made:
        by_type[one.sample.type].append(one)
    kept = {name: len(by_type.get(name, ())) for name in rejected}
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


def _counts(why: Mapping[str, int]) -> str:
    return ", ".join(f"{reason}: {n}" for reason, n in sorted(why.items(), key=lambda item: -item[1]))


def _short(text: str) -> str:
    text = text.replace("`", "'")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
