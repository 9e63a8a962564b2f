"""A transformers checkpoint in this process.

Nothing is fetched, no code of the checkpoint runs, no pickle is read. One reply is generated at a time, by a
plain loop over the model's own cache: it can stop at any token, it draws from its own random state, and keeps
the log-probability of each token without keeping all logits; `generate` does none of these.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as transformers_logging

from longread.errors import ModelError
from longread.models.base import PROMPTS, Delta, Message, OnDelta, Reply, Sampling
from longread.models.thinking import ThinkSplitter
from longread.models.turns import Turns

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "tekken.json")
_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
_MOST_PENDING = 8
"""Tokens that may wait for the rest of a character; no character takes more."""


class LocalModel:
    """A causal language model from a folder with `config.json`, safetensors weights and a tokenizer.

    Args:
        path: The folder. A prompt set in it (`PROMPTS`) is the one to ask with.
        name: What the user calls it; `local:` and the path where not given.
        window: Tokens that prompt and reply may take together; the checkpoint's own where not given.
        device: A torch device; a GPU where there is one, else the CPU.

    Raises:
        ModelError: The folder is not such a checkpoint.
    """

    ratio: float | None = None
    """Counts are exact."""
    structured = False
    """No schema is enforced."""

    def __init__(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        window: int | None = None,
        device: str | None = None,
    ) -> None:
        folder = checked(Path(path))
        self.name = name or f"local:{path}"
        own = folder / PROMPTS
        self.prompts = str(own) if own.is_file() else None
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        tokenizer, self._model = load_checkpoint(folder)
        self._model.eval().to(self._device)
        config = self._model.config.get_text_config()
        self.window = window or getattr(config, "max_position_embeddings", None)
        self._turns = Turns(self.name, tokenizer, end_ids(tokenizer, self._model))
        self._last_only = _last_logits_only(self._model)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="longread-local")

    def count(self, text: str) -> int:
        """Tokens in `text`, exactly."""
        return len(self.encode(text))

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text."""
        return self._turns.encode(text)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        return self._turns.decode(ids)

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Counts are exact: there is nothing to correct."""
        return False

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """One reply. Temperature 0 or None is greedy; a seed makes sampling repeatable.

        `Reply.logprobs` are under the model's own distribution, before temperature and top-p.

        Raises:
            ModelError: The prompt leaves no room in the window.
        """
        prompt = self._turns.prompt(messages)
        room = self._turns.room(prompt, self.window, sampling.max_tokens)
        splitter = ThinkSplitter()
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def say(piece: str) -> None:
            hand_out(splitter.feed(piece))

        def hand_out(deltas: list[Delta]) -> None:
            if on_delta and not stop.is_set():
                for delta in deltas:
                    on_delta(delta)

        def generate() -> _Generated:
            return self._generate(prompt, room, sampling, stop, lambda p: loop.call_soon_threadsafe(say, p))

        try:
            made = await loop.run_in_executor(self._worker, generate)
        except asyncio.CancelledError:
            stop.set()
            raise
        hand_out(splitter.finish())
        return self._turns.reply(prompt, made.ids, made.logprobs, made.finish, splitter)

    async def close(self) -> None:
        """Stops the worker; the weights go with the object."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _generate(
        self,
        prompt: list[int],
        room: int,
        sampling: Sampling,
        stop: threading.Event,
        say: Callable[[str], object],
    ) -> _Generated:
        """Generates up to `room` tokens, handing out their text; ends early when `stop` is set."""
        ids: list[int] = []
        logprobs: list[float] = []
        text = _Detokenizer(self._turns.tokenizer)
        finish: Literal["stop", "length"] = "length"
        for token, logprob in self._tokens(prompt, sampling):
            ids.append(token)
            logprobs.append(logprob)
            if token in self._turns.ends:
                finish = "stop"
            elif piece := text.add(token):
                say(piece)
            if finish == "stop" or len(ids) == room or stop.is_set():
                break
        if piece := text.rest():
            say(piece)
        return _Generated(ids, logprobs, finish)

    @torch.inference_mode()
    def _tokens(self, prompt: list[int], sampling: Sampling) -> Iterator[tuple[int, float]]:
        """Tokens one by one, each with its log-probability in nats."""
        random = torch.Generator(self._device)
        if sampling.seed is None:
            random.seed()
        else:
            random.manual_seed(sampling.seed)
        cache: Any = None
        ids = torch.tensor([prompt], device=self._device)
        while True:
            out = self._model(input_ids=ids, past_key_values=cache, use_cache=True, **self._last_only)
            cache = out.past_key_values
            logits = out.logits[0, -1].float()
            token = _draw(logits, sampling, random)
            yield token, float(logits[token] - logits.logsumexp(-1))
            ids = torch.tensor([[token]], device=self._device)


class _Generated(NamedTuple):
    ids: list[int]
    logprobs: list[float]
    finish: Literal["stop", "length"]


class _Detokenizer:
    """Text of tokens as they come: a character's bytes may be spread over several."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._known = ""
        """Text of the tokens before `_new`, kept for what a tokenizer does between neighbours."""
        self._new = 0

    def add(self, token: int) -> str:
        """Takes a token; the text that is complete with it."""
        self._ids.append(token)
        text = self._decode(self._ids)
        if text.endswith("\ufffd") and len(self._ids) - self._new < _MOST_PENDING:
            return ""
        return self._advance(text)

    def rest(self) -> str:
        """What waits for a character that never was completed."""
        return self._advance(self._decode(self._ids))

    def _advance(self, text: str) -> str:
        piece = text[len(self._known) :]
        self._ids = self._ids[self._new :]
        self._known = self._decode(self._ids)
        self._new = len(self._ids)
        return piece

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _draw(logits: torch.Tensor, sampling: Sampling, random: torch.Generator) -> int:
    """A token from `logits: (V,)` by temperature and nucleus sampling."""
    if not sampling.temperature:
        return int(logits.argmax())
    probabilities = (logits / sampling.temperature).softmax(-1)
    if sampling.top_p is not None and sampling.top_p < 1:
        ranked, order = probabilities.sort(descending=True)
        ranked[ranked.cumsum(-1) - ranked >= sampling.top_p] = 0
        return int(order[torch.multinomial(ranked, 1, generator=random)])
    return int(torch.multinomial(probabilities, 1, generator=random))


def checked(folder: Path) -> Path:
    """The folder, when it holds a checkpoint of a kind that is read; ModelError says what it lacks."""
    if not folder.is_dir():
        raise ModelError(
            f"local:{folder}: there is no such folder; give the path of a transformers checkpoint"
        )
    if not (folder / "config.json").is_file():
        raise ModelError(f"local:{folder}: no config.json in it; give the path of a transformers checkpoint")
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"local:{folder}: no safetensors weights in it, and no others are loaded; convert the checkpoint"
        )
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        # transformers would make up an empty one
        raise ModelError(f"local:{folder}: no tokenizer in it; put it beside the weights")
    return folder


def load_checkpoint(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model of a folder that `checked` let pass; ModelError when they cannot be loaded."""
    bars: Any = transformers_logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        with _loading(folder):
            config = AutoConfig.from_pretrained(folder, **_LOCAL)
            tokenizer = AutoTokenizer.from_pretrained(folder, **_LOCAL)
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, config=config, use_safetensors=True, dtype="auto", **_LOCAL
            )
    finally:
        if shown:
            bars.enable_progress_bar()
    return _templated(folder, tokenizer), model


def load_turns(folder: Path) -> Turns:
    """The turns of a folder that `checked` let pass, without its weights; ModelError when it cannot be loaded."""
    with _loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, **_LOCAL)
        generation = (
            GenerationConfig.from_pretrained(folder, **_LOCAL)
            if (folder / "generation_config.json").is_file()
            else GenerationConfig.from_model_config(AutoConfig.from_pretrained(folder, **_LOCAL))
        )
    return Turns(f"local:{folder}", _templated(folder, tokenizer), _ends(tokenizer, generation))


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # transformers raises all kinds, each for some way a checkpoint can be wrong
        raise ModelError(f"local:{folder}: cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def _templated(folder: Path, tokenizer: Any) -> Any:
    if not tokenizer.chat_template:
        raise ModelError(
            f"local:{folder}: its tokenizer has no chat template; use an instruction-tuned checkpoint"
        )
    return tokenizer


def _last_logits_only(model: Any) -> dict[str, int]:
    """Spares the logits of the whole prompt (tokens x vocabulary), where the model knows how."""
    return {"logits_to_keep": 1} if "logits_to_keep" in signature(model.forward).parameters else {}


def end_ids(tokenizer: Any, model: Any) -> frozenset[int]:
    """The ids that end a reply."""
    return _ends(tokenizer, model.generation_config)


def _ends(tokenizer: Any, generation: Any) -> frozenset[int]:
    found: set[int] = set()
    for ids in (tokenizer.eos_token_id, getattr(generation, "eos_token_id", None)):
        found.update(ids if isinstance(ids, list) else [ids] if ids is not None else [])
    return frozenset(found)
