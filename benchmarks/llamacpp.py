"""Whether a checkpoint says in llama.cpp, as GGUF, what it says in transformers, and what 8 bits cost.

    python benchmarks/llamacpp.py [--model FOLDER] [--samples 25] [--lines 12,24] [--seed N]

Questions of longbook-nano's five tasks, with the names kept for evaluation, read in full context by the ordinary
reader, greedily: in this process by transformers, and over HTTP by real llama-servers. An answer counts as identical
when every reply that led to it has the same text and as many tokens, of prompt and reply.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from longread import Reader
from longread.errors import ModelError
from longread.grading import Gold, grade
from longread.models.base import PROMPTS, ChatModel, Message, OnDelta, Reply, Sampling
from longread.models.discover import NANO_FOLDER, open_model
from longread.models.export import export
from longread.models.local import LocalModel
from longread.types import Corpus
from longread.worlds.nano.questions import TASKS, Item, make
from tests.servers.llamacpp import EXACT, path, serve_gguf


class Said(NamedTuple):
    """How a question was answered."""

    right: bool
    replies: tuple[tuple[str, int | None, int | None], ...]
    """Text, tokens of the prompt, tokens of the reply."""


class Listening:
    """A model whose replies are heard."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.heard: list[tuple[str, int | None, int | None]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """As the model does."""
        reply = await self._model.chat(messages, sampling, on_delta)
        self.heard.append((reply.text, reply.usage.input_tokens, reply.usage.output_tokens))
        return reply


async def answers(model: ChatModel, prompts: Path, items: Sequence[Item]) -> list[Said]:
    """What a model says to each question; closes it."""
    said = []
    for item in items:
        listening = Listening(model)
        reader = Reader(listening, strategy="full", prompts=str(prompts), temperature=0.0, window=2_048)
        try:
            text = (await reader.aask(item.sample.question, Corpus(item.documents))).text
        except ModelError:
            text = ""  # no reply in the form asked for
        right = grade(item.sample.grader, text, Gold((item.sample.answer,))).contains == 1
        said.append(Said(right, tuple(listening.heard)))
    await model.close()
    return said


async def compare(folder: Path, items: Sequence[Item], scratch: Path) -> dict[str, list[Said]]:
    """Way of running -> what was said."""
    os.environ["PATH"] = path()
    plain = export(folder, scratch / "F32.gguf", "F32")
    small = export(folder, scratch / "Q8_0.gguf", quantised="Q8_0")
    found = {"transformers": await answers(LocalModel(folder), folder / PROMPTS, items)}
    for name, file, options in (
        ("F32, exact attention", plain, EXACT),
        ("F32", plain, ()),
        ("Q8_0", small, ()),
    ):
        with ExitStack() as stack:
            log = scratch / f"{name}.log"
            server = stack.enter_context(serve_gguf(file, log, "-np", "1", "-c", "2048", *options))
            model = await open_model(server.model, server.base_url, structured=False)
            found[name] = await answers(model, folder / PROMPTS, items)
    return found


def questions(samples: int, lines: Sequence[int], seed: int = 2_000) -> list[Item]:
    """So many of each task at each length."""
    return [
        make(task, length, seed, index, "evaluation")
        for length in lines
        for task in TASKS
        for index in range(samples)
    ]


def summary(found: dict[str, list[Said]]) -> dict[str, dict[str, float]]:
    """Percent right, and percent identical to transformers, of each way."""
    first = found["transformers"]
    return {
        name: {
            "questions": len(said),
            "right": 100 * sum(one.right for one in said) / len(said),
            "identical": 100
            * sum(a.replies == b.replies for a, b in zip(said, first, strict=True))
            / len(said),
        }
        for name, said in found.items()
    }


def main() -> None:
    """Measures and prints a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=NANO_FOLDER)
    parser.add_argument("--samples", type=int, default=25, help="Of each task at each length.")
    parser.add_argument("--lines", default="12,24", help="Of a text; a line is about eight tokens.")
    parser.add_argument("--seed", type=int, default=2_000, help="Of the questions; another gives others.")
    given = parser.parse_args()
    items = questions(given.samples, [int(part) for part in given.lines.split(",")], given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        found = asyncio.run(compare(given.model, items, Path(scratch)))
    print(json.dumps(summary(found)))


if __name__ == "__main__":
    main()
