"""A reader that knows the forms of the exam's sentences, and nothing but what a prompt shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUESTIONS = {
    "pier": re.compile(r"the ferry (.+?) tie up"),
    "barley": re.compile(r"granary of (\w+) hold"),
    "carved": re.compile(r"gate of (\w+)\?"),
    "clock": re.compile(r"clock of (\w+) learn"),
    "keeper": re.compile(r"archive of (\w+)\?"),
}
_FACTS = {
    "pier": [r"The ferry {0} ties up at the pier of (?P<answer>\w+)\."],
    "barley": [r"The granary of {0} holds (?P<answer>[\d,]+) sacks of barley\."],
    "carved": [r'Over the gate of {0} these words are carved: "(?P<answer>[\w ]+)"\.'],
    "clock": [
        r"The clock of {0} was built by (?P<next>[\w ]+)\.",
        r"{1} learned the trade in (?P<answer>\w+)\.",
    ],
    "keeper": [r"In \d+ [\w ]+ retired, and (?P<answer>[\w ]+) became keeper of the archive of {0}\."],
}


def read(prompt: str) -> str:
    """What a perfect reader replies to a prompt of the ledger set; to any other, a word."""
    question = re.search(r"^QUESTION\n(.+?)\n", prompt, re.MULTILINE)
    fence = re.search(r"^<<(\w+)$", prompt, re.MULTILINE)
    if question is None or fence is None:
        return "ready"
    fenced = re.findall(rf"^<<{fence[1]}\n(.*?)\n{fence[1]}>>$", prompt, re.MULTILINE | re.DOTALL)
    kind, subject = next((k, m[1]) for k, form in _QUESTIONS.items() if (m := form.search(question[1])))
    found = list(_steps(kind, subject, " ".join("\n".join(fenced).split())))
    if "\nSECTION " in prompt:
        return "\n".join(f'NOTE: it says so | "{fact[0]}"' for fact in found) or "NOTHING"
    if not found or "answer" not in found[-1].groupdict():
        return "NOT IN THE DOCUMENTS"
    notes = fenced[0].splitlines()
    labels = [line.split()[0] for line in notes if any(fact[0] in line for fact in found)]
    return f"It is {found[-1]['answer']} {''.join(labels)}"


def _steps(kind: str, subject: str, text: str) -> Iterator[re.Match[str]]:
    known = [subject]
    for form in _FACTS[kind]:
        match = re.search(form.format(*map(re.escape, known)), text)
        if match is None:
            return
        yield match
        known.append(match.groupdict().get("next", ""))
