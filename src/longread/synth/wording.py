"""Plans to questions. The same plan and form always give the same words, so that a question can be checked.

Every sentence has several forms; a share of them is kept for the evaluation split and never seen in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from longread.synth import plans
from longread.synth.facts.keyed import JOINT
from longread.synth.facts.vocabulary import RELATIONS

_LOOKUP = (
    "What is the {what} of {of}?",
    "What {what} is given for {of}?",
    "Which {what} do the documents state for {of}?",
    "According to the documents, what is the {what} of {of}?",
    "Find the {what} of {of}.",
    "State the {what} that is recorded for {of}.",
    "For {of}, what does the entry on {what} say?",
    "Looking at {of}: what is its {what}?",
)
_NAME = (
    "What is {of} called?",
    "Name {of}.",
    "Which one is {of}?",
    "Identify {of}.",
    "Give the name of {of}.",
    "Who or what is {of}, by name?",
    "According to the documents, which one is {of}?",
    "Find {of} and give its name.",
)
_CODE = (
    "What is {it}?",
    "Give {it}.",
    "In these sources, what is {it}?",
    "Find {it}.",
    "From the code, state {it}.",
    "Reading the source files, what is {it}?",
    "Determine {it}.",
    "According to the source files, what is {it}?",
)
_COMBINE = (
    "What is the {how} of {left} and {right}?",
    "Compute the {how} of {left} and {right}.",
    "Take {left} and {right}: what is their {how}?",
    "Find the {how} of {left} and {right}.",
    "According to the documents, what is the {how} of {left} and {right}?",
    "Work out the {how} of {left} and {right}.",
    "Which number is the {how} of {left} and {right}?",
    "Given {left} and {right}, state their {how}.",
)
_AGGREGATE = (
    "Over all entries in the documents that give a figure for {what}, {ask}?",
    "Taking every entry of the documents with a number for {what}, {ask}?",
    "Consider all entries that state {what} as a number: {ask}?",
    "Look through all documents for {what}; counting each entry that gives it, {ask}?",
    "Among all entries with a figure for {what}, {ask}?",
    "Go over every document and note {what}: {ask}?",
    "For {what}, over all the entries that have a figure, {ask}?",
    "If all figures for {what} in the documents are put together, {ask}?",
)
_ELAPSED = (
    "How many full years lie between {left} and {right}?",
    "How many whole years passed between {left} and {right}?",
    "Count the full years between {left} and {right}.",
    "Between {left} and {right}, how many complete years are there?",
    "What is the number of full years between {left} and {right}?",
    "Take {left} and {right}: how many whole years separate them?",
    "How many complete years separate {left} and {right}?",
    "According to the documents, how many full years lie between {left} and {right}?",
)
_ORDER = (
    "Put {over} in order of {what}, {first} first.",
    "Order {over} by {what}, {first} first.",
    "Sort {over} by {what}, starting with the {first}.",
    "Rank {over} by {what}, with the {first} first.",
    "List {over} by {what}; begin with the {first}.",
    "In which order do {over} stand by {what}, {first} first?",
    "Arrange {over} by {what}, {first} first.",
    "By {what}, {first} first, how are {over} to be ordered?",
)
_SUPPOSE = (
    "Suppose that the {what} of {name} were {factor} times what it is. {then}",
    "Imagine {name} had {factor} times its {what}. {then}",
    "If the {what} of {name} were multiplied by {factor}, with all else unchanged: {then}",
    "Assume that the {what} of {name} is {factor} times the stated figure. {then}",
    "Let the {what} of {name} be {factor} times as large, and change nothing else. {then}",
    "In a world where {name} has {factor} times its {what}: {then}",
    "Multiply the {what} of {name} by {factor} and leave the rest. {then}",
    "Say the {what} of {name} became {factor} times what the documents say. {then}",
)
_INDUCE = (
    "By a rule on one figure of their entries, these have been labelled: {shots}. Which label does {name} get?",
    "Here is how some were labelled, by whether one figure of their entries is high or low: {shots}. And {name}?",
    "A hidden rule, which looks at a single figure of each entry, gave: {shots}. What does it give {name}?",
    "{shots}: these labels follow from one figure that each entry states. Label {name} by the same rule.",
    "Find the rule, a bound on one figure of the entries, behind these labels: {shots}. Which label fits {name}?",
    "One figure of an entry decides its label. Known are {shots}. Give the label of {name}.",
    "Someone sorted entries into two groups by one of their figures: {shots}. To which group belongs {name}?",
    "Each label below comes of one number in the entry: {shots}. Work out the label of {name}.",
)
_REPLY = (
    "In the conversation {meant}, what is the first line of the reply to the {n} message of {speaker} that has "
    "{words}?",
    "Take the conversation {meant}. Count the messages of {speaker} in it that have {words}. With which line does "
    "the reply to the {n} of them begin?",
    "{speaker} uses {words} in several messages of the conversation {meant}. Give the first line of the answer to "
    "the {n} one.",
    "Read the conversation {meant}. To the {n} message of {speaker} with {words} in it, what was answered? Give the "
    "first line.",
    "Find the {n} message of {speaker} with {words} in the conversation {meant}, and give the first line of what was "
    "said in reply.",
    "Of the messages of {speaker} that contain {words}, in the conversation {meant}, take the {n}: what is the first "
    "line of the reply?",
    "Which line begins the reply to the {n} message where {speaker} uses {words}, in the conversation {meant}?",
    "It is about the conversation {meant}. {speaker} uses {words} in it again and again; quote the first line of the "
    "reply to the {n} such message.",
)
_MEANT = (
    'that opens with "{}"',
    'whose second message begins with "{}"',
    'whose third message begins with "{}"',
)
"""By which message a conversation is told from others, up to `plans.LAST_TELLING`."""
_HOLDS = (
    "{asked} Answer in the words of {source}.",
    "{asked} Quote {source}.",
    "{asked} Give the answer as {source} words it.",
    "According to the documents: {asked} Quote the words of {source}.",
    "{asked} Find where {source} says so, and quote it.",
    "Read what {source} holds. {asked} Answer with the very words.",
    "{asked} Give the words that {source} uses for it.",
    "Going by the documents, answer in the words of {source}: {asked}",
)
RANKS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
"""Up to `plans.MOST_COUNTED`."""
ROUNDED = " Round to two decimals."
SEPARATED = " Separate the names with semicolons."
DOTTED = " Write its full dotted name."
ENDINGS = (ROUNDED, SEPARATED, DOTTED)
"""How an answer is to be written, after what is asked."""
FORMS = 8
"""Ways to say each kind of plan."""
HELD_OUT = (6, 7)
"""Forms for evaluation alone."""
_ASKED = {
    "count": "how many of them are above {above}",
    "sum": "what is their sum",
    "mean": "what is their mean",
    "most": "which one has the largest",
    "least": "which one has the smallest",
}
_HOW = {"difference": "absolute difference", "sum": "sum", "ratio": "ratio (the first divided by the second)"}


def forms(split: str) -> tuple[int, ...]:
    """The forms that questions of a split may have."""
    return HELD_OUT if split == "evaluation" else tuple(f for f in range(FORMS) if f not in HELD_OUT)


def question(plan: plans.Plan, form: int) -> str:
    """The question of a plan in one of its `FORMS`."""
    match plan:
        case plans.Lookup(relation=asked) if asked in RELATIONS:
            return _CODE[form].format(it=f"the {asked} {_one(plan.of)}")
        case plans.Follow(relation=asked) if asked in RELATIONS:
            return _CODE[form].format(it=_one(plan)) + DOTTED
        case plans.Lookup():
            lead, of = _reached(plan.of)
            return lead + _LOOKUP[form].format(of=of, what=relation(plan.relation))
        case plans.Entity() | plans.Find() | plans.Follow() | plans.Extreme():
            lead, of = _reached(plan)
            return lead + _NAME[form].format(of=of)
        case plans.Combine():
            sides = {"left": _value(plan.left), "right": _value(plan.right)}
            return _COMBINE[form].format(how=_HOW[plan.how], **sides) + _rounding(plan.how == "ratio")
        case plans.Elapsed():
            return _ELAPSED[form].format(left=_value(plan.left), right=_value(plan.right))
        case plans.Aggregate():
            ask = _ASKED[plan.how].format(above=plan.above)
            return _AGGREGATE[form].format(what=relation(plan.relation), ask=ask) + _rounding(
                plan.how == "mean"
            )
        case plans.Order():
            first = "earliest" if plan.by == "date" else "largest"
            over = _listed([one.name for one in plan.over])
            asked = _ORDER[form].format(over=over, what=relation(plan.relation), first=first)
            return asked + SEPARATED
        case plans.Reply():
            quoted = _listed([f'"{word}"' for word in plan.words])
            words = f"the word{'s' if len(plan.words) > 1 else ''} {quoted}"
            return _REPLY[form].format(
                meant=_MEANT[plan.place - 1].format(plan.opening),
                speaker=plan.speaker,
                words=words,
                n=RANKS[plan.number - 1],
            )
        case plans.Induce():
            shots = "; ".join(f"{name} → {label}" for name, label in plan.shots)
            return _INDUCE[form].format(shots=shots, name=plan.name)
        case plans.Holds():
            return _HOLDS[form].format(asked=plan.asked, source=plan.source)
        case plans.Intervene():
            return _SUPPOSE[form].format(
                what=relation(plan.relation),
                name=plan.name,
                factor=plan.factor,
                then=question(plan.then, form),
            )
        case _:
            assert_never(plan)


def relation(path: str) -> str:
    """A path of keys as a phrase: the innermost key, then those around it."""
    *outer, key = (key.strip() for key in path.split(JOINT))
    return f'"{key}" (under "{JOINT.join(outer)}")' if outer else f'"{key}"'


def _reached(plan: plans.One) -> tuple[str, str]:
    """What leads to an entity, in sentences of its own where one would nest, and how it is called then."""
    steps: list[plans.Follow] = []
    start: plans.One = plan
    while isinstance(start, plans.Follow) and start.relation not in RELATIONS:
        steps.append(start)
        start = start.of
    if not steps or (len(steps) == 1 and isinstance(start, plans.Entity)):
        return "", _one(plan)
    lead = f"Begin with {_one(start)}. "
    for step, whose in zip(reversed(steps), ["its {}", *["the {} of that one"] * len(steps)], strict=False):
        size = "largest" if step.pick == "most" else "smallest"
        lead += f"Among {whose.format(relation(step.relation))}, take the one with the {size} figure. "
    return lead, "the one taken last"


def _one(plan: plans.One) -> str:
    match plan:
        case plans.Entity():
            return plan.name
        case plans.Find():
            return f'the one whose {relation(plan.relation)} is "{plan.value}"'
        case plans.Follow():
            if plan.relation in RELATIONS:  # which are worded to be followed by what they are of
                return f"the {plan.relation} {_one(plan.of)}"
            size = "largest" if plan.pick == "most" else "smallest"
            return f"the one with the {size} figure among the {relation(plan.relation)} of {_one(plan.of)}"
        case plans.Extreme():
            size = "largest" if plan.pick == "most" else "smallest"
            members = _listed([_one(one) for one in plan.over])
            return f"the one of {members} with the {size} {relation(plan.relation)}"
        case _:
            assert_never(plan)


def _value(plan: plans.Lookup) -> str:
    return f"the {relation(plan.relation)} of {_one(plan.of)}"


def _listed(names: Sequence[str]) -> str:
    """With semicolons where a name could be taken for two."""
    if len(names) == 1:
        return names[0]
    if any(" and " in name or "," in name for name in names):
        return f"{'; '.join(names[:-1])}; and {names[-1]}"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _rounding(needed: bool) -> str:
    return ROUNDED if needed else ""
