"""What `longread doctor` looks at: each check is one record, and no fault of the surroundings is a traceback."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

from longread.config import Resolved, Settings
from longread.errors import LongreadError, ModelError
from longread.models.base import Message, Sampling
from longread.models.discover import inspect_servers
from longread.models.endpoint import KINDS, Endpoint
from longread.models.openai import OpenAIModel
from longread.models.pool import PoolModel
from longread.models.probe import Speed, probe
from longread.project import EXTRACTIVE
from longread.reading.budgets import FRAME
from longread.reading.exam import filler
from longread.reading.journal import Journal
from longread.reading.language import LanguagePolicy
from longread.reading.opening import Opened, open_policy
from longread.servers import Server

_SAMPLE = 1_500
"""Tokens that speed and counting are measured on."""
_NOTE = 80
"""Tokens of a usual note, for the time that a long text takes."""
_SMALL_WINDOW = 8_192
_RETRIES = 2
_PATIENCE = 120.0
"""Seconds without a byte, where the user sets no timeout: loading a model takes long, but not for ever."""
_SCHEMA = {
    "type": "object",
    "properties": {"metal": {"type": "string", "enum": ["copper"]}},
    "required": ["metal"],
    "additionalProperties": False,
}
_FORCED = {"metal": "copper"}
"""The only reply that the schema allows, and none that the prompt asks for."""
_LEAST_SPACE = 1 << 30
_LARGE_JOURNAL = 2 << 30
_LARGER = {
    "ollama": "start Ollama with OLLAMA_CONTEXT_LENGTH=32768 (or more, if memory allows)",
    "llama.cpp": "start llama-server with a larger -c, which is shared by its -np slots",
    "vllm": "start vLLM with a larger --max-model-len",
    "sglang": "start SGLang with a larger --context-length, or more memory for it (--mem-fraction-static)",
}


class Check(NamedTuple):
    """What was looked at, and how it is."""

    status: Literal["ok", "warn", "fail"]
    what: str
    detail: str
    todo: str | None = None


def bounded(resolved: Resolved) -> Settings:
    """Settings with which a dead server is told in minutes, not in hours."""
    settings = resolved.settings
    timeout = settings.timeout if resolved.origin["timeout"] != "default" else _PATIENCE
    return settings.model_copy(update={"timeout": timeout, "retries": min(settings.retries, _RETRIES)})


def check_python() -> Check:
    """Versions."""
    python = ".".join(map(str, sys.version_info[:3]))
    return Check("ok", "versions", f"longread {metadata.version('longread')}, Python {python}")


def check_configuration(resolved: Resolved) -> Iterator[Check]:
    """Which files count, and what there is to say of them."""
    project = resolved.project_file
    files = [(str(resolved.user_file), resolved.user_file.exists())]
    files += [(project.shown, True)] if project and project.exists else []
    shown = ", ".join(f"{path}{'' if exists else ' (there is none)'}" for path, exists in files)
    yield Check("ok", "settings", shown)
    for remark in resolved.remarks:
        yield Check("warn", "settings", remark)
    if resolved.origin["api_key"] == str(resolved.user_file) and (
        mode := _open_to_others(resolved.user_file)
    ):
        detail = f"others can read the API key in {resolved.user_file} (mode {mode})"
        yield Check("warn", "settings", detail, "chmod 600 it")


async def open_checked(settings: Settings) -> tuple[Opened | None, Check]:
    """The model that `ask` would take, opened."""
    try:
        opened = await open_policy(settings)
    except LongreadError as error:
        return None, Check("fail", "model", str(error))
    detail = opened.choice.removeprefix("model: ")
    if opened.resolved["model"] == EXTRACTIVE and settings.model != EXTRACTIVE:
        todo = "start a model server here (Ollama, llama.cpp, vLLM, …), or give --model and --base-url"
        return opened, Check("warn", "model", detail, todo)
    return opened, Check("ok", "model", detail)


class ModelChecks:
    """What can be found out about a language model by a few small calls."""

    def __init__(self, policy: LanguagePolicy, settings: Settings) -> None:
        self._policy = policy
        self._model = policy.model
        self._settings = settings
        self.speed: Speed | None = None
        """Measured by `checks`."""

    async def checks(self) -> AsyncIterator[Check]:
        """One after another, to the first that fails."""
        async for check in self._servers():
            yield check
        yield (answers := await self._answers())
        if answers.status == "fail":
            return
        endpoint = await self._endpoint()
        yield self._window(endpoint)
        sample = filler(min(_SAMPLE, self._policy.budgets.window // 4))
        exact = self._model.ratio is None
        counted_there = await self._model.calibrate([sample])
        try:
            self.speed = await probe(self._model, sample)
        except ModelError as error:
            yield Check("fail", "speed", str(error))
            return
        yield self._pace(self.speed)
        yield await self._structured(endpoint)
        yield _counting(self.speed, "its own" if exact else "the server's" if counted_there else None)

    async def _answers(self) -> Check:
        start = time.monotonic()
        prompt = Message.of("user", "Reply with one word: ready")
        try:
            async with asyncio.timeout(self._settings.timeout):
                reply = await self._model.chat((prompt,), Sampling(16, temperature=None, top_p=None))
        except ModelError as error:
            return Check("fail", "answers", str(error))
        except TimeoutError:
            detail = f"no reply within {self._settings.timeout:g} seconds"
            return Check("fail", "answers", detail, "see what the server does, or set a larger timeout")
        if reply.finish == "stop" and not (reply.text + reply.thinking).strip():
            return Check("warn", "answers", "the reply is empty", "see whether this is a chat model")
        return Check("ok", "answers", f"first reply after {time.monotonic() - start:.1f} s")

    async def _endpoint(self) -> Endpoint | None:
        """What the server says once the model is loaded."""
        if isinstance(self._model, PoolModel):
            _, endpoints = await inspect_servers(self._settings.servers, self._model.name)
            return min(endpoints, key=lambda one: one.window or math.inf)
        if isinstance(self._model, OpenAIModel):
            servers = self._settings.servers or (Server(base_url=self._model.base_url),)
            _, [endpoint] = await inspect_servers(servers, self._model.name)
            return endpoint
        return None

    async def _servers(self) -> AsyncIterator[Check]:
        """Each of several servers."""
        if not isinstance(self._model, PoolModel):
            return
        servers = self._settings.servers
        _, endpoints = await inspect_servers(servers, self._model.name)
        for server, one in zip(servers, endpoints, strict=True):
            if one.trouble:
                todo = "start it, or leave it out; its calls go to the others"
                yield Check("warn", "server", f"{one.base_url} {one.trouble}", todo)
                continue
            window = f"window {one.window:,}" if one.window else "window unknown"
            facts = [
                one.server,
                one.model,
                window,
                f"{one.slots} calls at once" if one.slots else "",
                f"weight {server.weight:g}",
            ]
            yield Check("ok", "server", f"{one.base_url}: {', '.join(filter(None, facts))}")

    def _window(self, endpoint: Endpoint | None) -> Check:
        own, stated, note = self._settings.window, self._model.window, None
        if endpoint:
            stated, note = endpoint.window, endpoint.note
        if own and stated and own > stated and not note:
            detail = f"{own:,} as set, but the server has {stated:,}: what does not fit may be cut unseen"
            return Check("warn", "window", detail, f"set window to {stated:,}")
        if own:
            return Check("ok", "window", f"{own:,} as set")
        if stated is None:
            detail = f"the server does not say; {self._policy.budgets.window:,} assumed"
            return Check("warn", "window", detail, "set window to the true one")
        if note:
            return Check("warn", "window", note)
        server, slots = (endpoint.server, endpoint.slots) if endpoint else ("", None)
        who = KINDS.get(server, "the server" if endpoint else "the checkpoint")
        detail = f"{stated:,} as {who} says" + (f", for each of {slots} requests at once" if slots else "")
        if stated <= _SMALL_WINDOW:
            todo = _LARGER.get(server, "load the model with a larger one")
            return Check("warn", "window", f"{detail}, which is small", todo)
        return Check("ok", "window", detail)

    def _pace(self, speed: Speed) -> Check:
        chunk = self._policy.chunk_tokens
        million = 1_000_000 / chunk * speed.seconds_for(chunk + FRAME, _NOTE)
        long = f"a million tokens of text take about {duration(million)}, more if the model thinks"
        if speed.prefill_rate and speed.decode_rate:
            rates = f"reads {speed.prefill_rate:,.0f} and writes {speed.decode_rate:,.0f} tokens a second"
        else:
            tokens = speed.prompt_tokens + speed.output_tokens
            rates = f"{tokens:,} tokens in {speed.seconds:.1f} s, in one piece"
        return Check("ok", "speed", f"{rates}; {long}")

    async def _structured(self, endpoint: Endpoint | None) -> Check:
        what = "JSON schema"
        if not self._model.structured:
            set_so = self._settings.structured is False
            why = (
                "turned off"
                if set_so
                else "not known of this kind of server"
                if endpoint
                else "not enforced here"
            )
            return Check("ok", what, f"{why}; notes are asked for as lines")
        limit = 64 + min(self._policy.budgets.thinking, 1_024)
        sampling = Sampling(limit, temperature=None, top_p=None, schema=_SCHEMA)
        prompt = Message.of("user", "Write one short sentence about the sea.")
        off = "set structured=false"
        try:
            reply = await self._model.chat((prompt,), sampling)
        except ModelError as error:
            return Check("fail", what, str(error), off)
        if not self._model.structured:
            return Check(
                "warn", what, "the server refuses it; notes are asked for as lines", f"{off} to save a call"
            )
        try:
            enforced = json.loads(reply.text) == _FORCED
        except (ValueError, RecursionError):
            enforced = False
        if enforced:
            return Check("ok", what, "enforced")
        if reply.finish == "length" and not reply.text.strip():
            return Check("warn", what, "cannot be told: the model thought until it was cut off")
        return Check("warn", what, "taken, but not enforced", off)


def _counting(speed: Speed, tokenizer: str | None) -> Check:
    how = f"by {tokenizer} tokenizer" if tokenizer else "estimated, and corrected by what the server reports"
    if not speed.reported:
        detail = f"{how if tokenizer else 'estimated'}; the server does not report usage"
        return Check(
            "warn", "counting", detail, "counts and costs stay estimates; choose a smaller window to be safe"
        )
    detail = f"{how}; {speed.counted_tokens:,} counted, {speed.prompt_tokens:,} reported"
    if speed.prompt_tokens < speed.counted_tokens / 2:
        return Check("warn", "counting", detail, "the server may have cut the prompt: check its window")
    return Check("ok", "counting", detail)


def check_state(settings: Settings) -> Iterator[Check]:
    """Whether runs can be kept, and kept private."""
    folder = settings.state_dir
    try:
        journal = Journal(folder)
        journal.close()
        free = shutil.disk_usage(folder).free
    except (LongreadError, OSError) as error:
        yield Check("fail", "journal", str(error))
        return
    if mode := _open_to_others(folder / "journal.db"):
        detail = f"others can read {folder / 'journal.db'} (mode {mode})"
        yield Check("warn", "journal", detail, "set state_dir to a folder where modes hold")
    elif (mode := _open_to_others(folder, stat.S_IWGRP | stat.S_IWOTH)) is not None:
        yield Check("warn", "journal", f"others can write to {folder} (mode {mode})", "chmod 700 it")
    else:
        size = sum(path.stat().st_size for path in folder.glob("journal.db*"))
        todo = "set keep_days or keep_runs" if size > _LARGE_JOURNAL else None
        yield Check(
            "warn" if todo else "ok", "journal", f"{folder}: {_bytes(size)}, only you can read it", todo
        )
    small = free < _LEAST_SPACE
    yield Check("warn" if small else "ok", "disk", f"{_bytes(free)} free", "make room" if small else None)


def check_extras() -> Check:
    """Which optional parts are installed."""
    extras: dict[str, bool] = {}
    for requirement in metadata.requires("longread") or ():
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        if name and extra and extra[1] != "dev" and name[0] != "longread":
            extras[extra[1]] = extras.get(extra[1], True) and _installed(name[0])
    has = ", ".join(name for name, there in extras.items() if there) or "none"
    lacks = ", ".join(name for name, there in extras.items() if not there)
    todo = "pip install 'longread[NAME]' where you need one" if lacks else None
    return Check("ok", "extras", f"installed: {has}" + (f"; not: {lacks}" if lacks else ""), todo)


def duration(seconds: float) -> str:
    """For people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.0f} h"


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _open_to_others(path: Path, bits: int = 0o077) -> str | None:
    """The mode of a file that others may use in this way."""
    mode = path.stat().st_mode
    return f"{stat.S_IMODE(mode):o}" if os.name == "posix" and mode & bits else None


def _bytes(size: int) -> str:
    return f"{size / (1 << 30):,.1f} GB" if size >= 1 << 30 else f"{size / (1 << 20):,.1f} MB"
