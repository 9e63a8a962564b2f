"""What makes a sample true, each check by itself, so that a data set can be proved again from its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pydantic import ValidationError

from longread.grading import Gold, grade, graders
from longread.grading.text import cem
from longread.synth import plans
from longread.synth.answers import Result, answer, same
from longread.synth.base import Base
from longread.synth.options import options
from longread.synth.proof import Proof, UnderivableError
from longread.synth.roles.slots import alike, changed, ours
from longread.synth.rules import decided, rivals
from longread.synth.sql import Tables
from longread.synth.types import TYPES
from longread.synth.values import plain
from longread.synth.wording import forms, question
from longread.types import Document, Evidence, Sample

SPREAD = 3
"""Documents over which the evidence of a multi-hop question lies, at least."""


class Check(NamedTuple):
    """A check that was made, and what it found wrong."""

    name: str
    fault: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not self.fault


class Ground(NamedTuple):
    """What samples are checked against: documents and what was read from them."""

    documents: Mapping[str, Document]
    base: Base
    tables: Tables
    reworded: Mapping[str, plans.Plan] = {}
    """Questions in a model's words, each with the plan that was read back from it."""


def quoted(sample: Sample, quotes: Sequence[str], documents: Mapping[str, Document]) -> Check:
    """Whether the evidence is where it was when the sample was made: a value may change and an answer not."""
    if len(quotes) != len(sample.evidence):
        return Check("quotes", f"{len(quotes)} quotes for {len(sample.evidence)} pieces of evidence")
    for (doc, start, end, _), quote in zip(sample.evidence, quotes, strict=True):
        stated = documents[doc].text[start:end] if doc in documents else ""
        if stated != quote:
            return Check("quotes", f"{doc} has {stated[:60]!r} at {start}, not {quote[:60]!r}")
    return Check("quotes")


def verify(sample: Sample, ground: Ground) -> list[Check]:
    """Every check of a sample, in order; those that rest on one that failed are not made."""
    missing = [doc for doc in sample.documents if doc not in ground.documents]
    if missing:
        return [Check("documents", f"document {missing[0]} is not in the data set")]
    try:
        plan = plans.from_json(sample.plan)
    except ValidationError as error:
        return [Check("plan", f"the plan cannot be read: {error.errors()[0]['msg']}")]
    if (told := _identity(sample)).fault:
        return [told]
    base = ground.base.within(sample.documents)
    proof = Proof(base)
    try:
        derived = proof.execute(plan)
    except UnderivableError as why:
        return [Check("derivation", f"the documents do not give an answer: {why}")]
    checks = [Check("derivation"), _agreement(plan, sample, ground, derived)]
    checks.append(_answer(sample, plan, answer(derived), ground))
    checks.append(_wording(sample, plan, answer(derived), ground))
    checks.append(_evidence(sample, proof.evidence))
    if not all(check.passed for check in checks):
        return checks
    checks.append(_necessity(sample, plan, base, answer(derived)))
    checks.append(_spread(sample, plan, ground))
    checks.append(_shortcut(sample, plan, ground, answer(derived)))
    checks.append(_intervention(plan, base, answer(derived)))
    checks.append(_rule(plan, base, answer(derived)))
    checks.append(_count(sample, plan, base))
    return checks


def _identity(sample: Sample) -> Check:
    """What a type decides must be what is stored, and there are no answers beside the plan's."""
    if sample.type not in TYPES or sample.grader not in graders():
        return Check("identity", f"there is no type '{sample.type}' or no grader '{sample.grader}'")
    if sample.task != TYPES[sample.type].task:
        return Check(
            "identity", f"its task is '{sample.task}', that of its type is '{TYPES[sample.type].task}'"
        )
    if sample.aliases:
        return Check("identity", f"it takes other answers, such as {sample.aliases[0]!r}")
    if len(set(sample.documents)) < len(sample.documents):
        return Check("identity", "a document stands twice in its context")
    return Check("identity")


def _agreement(plan: plans.Plan, sample: Sample, ground: Ground, derived: Result) -> Check:
    other = ground.tables.execute(plan, sample.documents)
    if same(derived, other, plans.quotient(plan)):
        return Check("agreement")
    return Check("agreement", f"one interpreter gives {derived}, the other {other}")


def _answer(sample: Sample, plan: plans.Plan, derived: str, ground: Ground) -> Check:
    wanted = derived
    if sample.type == "multiple_choice":
        offered = options(plan, derived, ground.base, sample.seed)
        wanted = "ABCD"[offered.index(derived)] if offered else ""
    if sample.answer != wanted:
        return Check("answer", f"the answer is {sample.answer!r}, the plan gives {wanted!r}")
    said = f"The correct answer is ({wanted})" if sample.grader == "choice" else f"the answer is {wanted}"
    if grade(sample.grader, said, Gold((sample.answer, *sample.aliases))).score < 1:
        return Check("answer", f"the grader {sample.grader} does not accept {wanted!r}")
    return Check("answer")


def _wording(sample: Sample, plan: plans.Plan, derived: str, ground: Ground) -> Check:
    asked = sample.question
    if sample.type == "multiple_choice":
        asked = asked.partition("\n")[0]
        offered = options(plan, derived, ground.base, sample.seed)
        if not offered or sample.question != choices(asked, offered):
            return Check("wording", "the options are not those of the plan")
    if asked in (question(plan, form) for form in forms(sample.split)):
        return Check("wording")
    if asked in ground.reworded and alike(ground.reworded[asked], plan) and not ours(asked, plan):
        lost = changed(asked, plan)
        return Check("wording", f"the paraphrase changes {lost!r}" if lost else "")
    return Check("wording", "the question is not what the plan asks")


def choices(asked: str, offered: tuple[str, ...]) -> str:
    """A question with its options."""
    return "\n".join(
        [asked, *(f"({letter}) {option}" for letter, option in zip("ABCD", offered, strict=True))]
    )


def _evidence(sample: Sample, read: tuple[Evidence, ...]) -> Check:
    if set(sample.evidence) == set(read):
        return Check("evidence")
    lost, extra = set(read) - set(sample.evidence), set(sample.evidence) - set(read)
    what = f"{sorted(lost)[0]} is missing" if lost else f"{sorted(extra)[0]} is not what the plan reads"
    return Check("evidence", what)


def _necessity(sample: Sample, plan: plans.Plan, base: Base, derived: str) -> Check:
    """Without any one required document another answer or none follows."""
    for doc in {evidence.doc for evidence in sample.evidence if evidence.role == "required"}:
        rest = base.within(set(sample.documents) - {doc})
        try:
            if answer(Proof(rest).execute(plan)) == derived:
                return Check("necessity", f"the answer follows without document {doc}")
        except UnderivableError:
            continue
    return Check("necessity")


def _spread(sample: Sample, plan: plans.Plan, ground: Ground) -> Check:
    """What can be asked over several documents must not be answered by one."""
    if isinstance(plan, plans.Aggregate) and len(sample.evidence) < SPREAD:
        return Check("spread", f"it is asked over fewer than {SPREAD} figures")
    docs = {evidence.doc for evidence in sample.evidence}
    if sample.task == "multi_hop" and len(docs) < SPREAD:
        return Check("spread", f"its evidence lies in fewer than {SPREAD} documents")
    if len(docs) < 2 and len(_stating(plan, ground)) > 1:
        return Check("spread", "its evidence lies in one document")
    return Check("spread")


def _stating(plan: plans.Plan, ground: Ground) -> set[str]:
    """The documents that state what is asked for; none where that is of one document by its nature."""
    if isinstance(plan, plans.Reply | plans.Holds):
        return set()
    relations = {getattr(part, "relation", None) for part in plans.walk(plan)}
    return {page.doc for page in ground.base.pages if not relations.isdisjoint(page.facts)}


def _shortcut(sample: Sample, plan: plans.Plan, ground: Ground, derived: str) -> Check:
    """An answer over several documents must not stand where the question's first step begins."""
    docs = list(dict.fromkeys(evidence.doc for evidence in sample.evidence))
    if sample.task not in ("multi_hop", "multiple_choice") or len(docs) < 2:
        return Check("shortcut")
    first = [fact for page in ground.base.by_doc[docs[0]] for fact in page.facts.values()]
    if any(derived == plain(fact.value) for fact in first):
        return Check("shortcut", "the first document alone states the answer")
    return Check("shortcut")


def _intervention(plan: plans.Plan, base: Base, derived: str) -> Check:
    """What is supposed must matter."""
    if isinstance(plan, plans.Intervene):
        try:
            if answer(Proof(base).execute(plan.then)) == derived:
                return Check("intervention", "the answer is the same without what is supposed")
        except UnderivableError:  # nothing follows without it
            pass
    return Check("intervention")


def _rule(plan: plans.Plan, base: Base, derived: str) -> Check:
    """Examples must show one rule, as far as the entity goes that is asked about."""
    if isinstance(plan, plans.Induce):
        if decided(plan, base, plan.relation) != derived:
            return Check("rule", "the examples leave open what the rule says")
        if others := rivals(plan, base, derived):
            return Check("rule", f"the examples fit {others[0]} as well, which does not give the answer")
    return Check("rule")


def _count(sample: Sample, plan: plans.Plan, base: Base) -> Check:
    """Neither the question nor the reply to another of the messages counted may pass for the answer."""
    if not isinstance(plan, plans.Reply):
        return Check("count")
    if cem(sample.question, (sample.answer,)):
        return Check("count", "the question states the answer")
    for number in range(1, plans.MOST_COUNTED + 1):
        if number == plan.number:
            continue
        try:
            other = answer(Proof(base).execute(replace(plan, number=number)))
        except UnderivableError:
            continue
        if cem(other, (sample.answer,)):
            return Check("count", f"the reply to message {number} passes for the answer")
    return Check("count")
