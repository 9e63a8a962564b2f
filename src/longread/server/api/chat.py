"""Chat completions: short requests go to the model, long ones and documents are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from longread.reading.language import LanguagePolicy
from longread.server.api.desk import CONSENT, Desk
from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest, Wishes
from longread.server.api.frame import DONE, Frame, usage_object
from longread.server.api.live import PULSE, Live, Wish
from longread.server.api.owners import Owner
from longread.server.api.relay import Relay
from longread.server.api.sorting import LONGEST, Inline, Sorted, conversation, sort, sort_long
from longread.server.api.told import Told

ALIAS = "longread"
"""A name under which clients may ask for whatever model there is."""
_MOST_DOCUMENTS = 5_000
_BYTES_A_TOKEN = 4
_NOT_READ = (
    "temperature", "top_p", "seed", "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice", "logprobs",
    "frequency_penalty", "presence_penalty", "reasoning_effort", "response_format",
)  # fmt: skip
"""What has no effect on a reading; named in the reply, so that nobody relies on it."""
_STATUS = {"stopped": 402, "interrupted": 503}


class Chat:
    """Answers chat requests.

    Args:
        desk: Takes on what is to be read.
        relay: Takes the rest; None where there is no language model.
    """

    def __init__(self, desk: Desk, relay: Relay | None) -> None:
        self._desk = desk
        self._relay = relay

    @property
    def models(self) -> tuple[str, ...]:
        """The names that a request may give."""
        return (self._desk.opened.policy.name, ALIAS)

    async def answer(self, owner: Owner, request: ChatRequest, body: bytes, http: Request) -> Response:
        """The response. Refusal where the request makes no sense or there is too much to do."""
        if request.model not in self.models:
            raise Refusal(
                404,
                f"there is no model '{request.model}'; this server has {self.models[0]}",
                "model_not_found",
            )
        sorted_ = sort(request)
        if not sorted_.documents and self._fits(request, body):
            owner.check_quota()
            assert self._relay is not None, "only a language model has a window"
            owner.relayed(
                len(body) // _BYTES_A_TOKEN + (request.max_completion_tokens or request.max_tokens or 0)
            )
            return await self._relay.send(request, body)
        if not sorted_.documents:
            sorted_ = sort_long(request)  # a Refusal where it holds a question alone
        return await self._read(owner, request, sorted_, http)

    def _fits(self, request: ChatRequest, body: bytes) -> bool:
        """Whether the model's window holds the request and a reply."""
        policy = self._desk.opened.policy
        if not isinstance(policy, LanguagePolicy):
            return False
        window = policy.budgets.window
        reply = min(request.max_completion_tokens or request.max_tokens or policy.budgets.answer, window // 2)
        return policy.count(body.decode("utf-8", "replace")) + reply <= window

    async def _read(self, owner: Owner, request: ChatRequest, sorted_: Sorted, http: Request) -> Response:
        if (request.n or 1) != 1:
            raise Refusal(400, "n: a reading gives one answer; leave n out", "invalid_request")
        wishes = request.longread or Wishes()
        wish = await self._wish(owner, sorted_, wishes)
        try:
            live = await self._desk.ask(owner, wish, agreed=wishes.agreed, kept=False)
        except Refusal as refusal:
            if refusal.code == CONSENT:
                refusal.message += '; send `"longread": {"agreed": true}` to agree, or ask about less'
            raise
        reading = _Reading(live, wish.questions[0], request)
        if request.stream:
            return StreamingResponse(reading.stream(), media_type="text/event-stream")
        return await _unless_left(http, reading.whole())

    async def _wish(self, owner: Owner, sorted_: Sorted, wishes: Wishes) -> Wish:
        """Keeps the documents, and finds what the question follows up on."""
        question = sorted_.question
        if not question:
            raise Refusal(
                400, "nothing is asked: the last user turn holds no text beside documents", "no_question"
            )
        if len(question) > LONGEST:
            raise Refusal(
                400, f"a question of {len(question):,} characters; {LONGEST:,} at most", "no_question"
            )
        if (
            sorted_.system
            and len(sorted_.system) <= LONGEST
            and isinstance(self._desk.opened.policy, LanguagePolicy)
        ):
            question = f"{question}\n\n({sorted_.system})"
        if len(sorted_.documents) > _MOST_DOCUMENTS:
            raise Refusal(
                400, f"{len(sorted_.documents):,} documents; {_MOST_DOCUMENTS:,} at most", "invalid_request"
            )
        files = [await self._kept(owner, one) for one in sorted_.documents]
        follow = wishes.follow and owner.run(wishes.follow).id
        if sorted_.history and follow is None:
            follow = await to_thread.run_sync(self._before, owner, sorted_, tuple(dict.fromkeys(files)))
            if follow is None:
                turns = [
                    turn for e in sorted_.history for turn in (("user", e.user), ("assistant", e.assistant))
                ]
                files.append(await self._kept(owner, conversation(turns)))
        return Wish((question,), tuple(dict.fromkeys(files)), follow, wishes.fresh)

    async def _kept(self, owner: Owner, given: Inline | str) -> str:
        if isinstance(given, str):
            return owner.library.row(given).id
        in_use = self._desk.in_use(owner)
        if given.data:
            return (await owner.library.add(given.name, given.data, in_use)).id
        if not given.text.strip():
            raise Refusal(400, f"the {given.name} is empty", "invalid_request")
        return (await owner.library.add_text(given.name, given.text, in_use, given.kind, given.parts)).id

    def _before(self, owner: Owner, sorted_: Sorted, files: tuple[str, ...]) -> str | None:
        """The run that answered the turn before, if it was one."""
        asked = sorted_.history[-1].user
        for row in owner.journal.list():
            same = row.answers and row.command.get("files") == list(files)
            if same and any(question.split("\n\n(")[0] == asked for question in row.questions):
                return row.id
        return None


class _Reading:
    """One client's view of a run that may answer others too."""

    def __init__(self, live: Live, question: str, request: ChatRequest) -> None:
        self._live = live
        self._question = question
        self._request = request
        self._frame = Frame(request.model)

    async def whole(self) -> Response:
        """The answer in one piece, when it is there."""
        async with aclosing(self._live.watch()) as events:
            async for event in events:
                if event is None:
                    continue
                told = event[1]
                if told.name == "failed":
                    raise _refused(told)
                if told.name == "finished":
                    answer = self._own(told)
                    message = {
                        "role": "assistant",
                        "content": answer["answer"],
                        "annotations": citations(answer),
                    }
                    extra = self._extra(answer)
                    return JSONResponse(self._frame.whole(message, "stop", _used(answer), longread=extra))
        raise AssertionError("a run ends with finished or failed")

    async def stream(self) -> AsyncIterator[bytes]:
        """How it is read, then the answer, piece by piece."""
        said = False
        yield self._frame.piece({"role": "assistant", "content": ""})
        async with aclosing(self._live.watch()) as events:
            async for event in events:
                if event is None:
                    yield PULSE
                    continue
                told = event[1]
                if told.name == "failed":
                    refused = _refused(told)
                    yield self._frame.error(refused.message, refused.code)
                elif told.name == "finished":
                    answer = self._own(told)
                    for piece in self._last(answer, said=said):
                        yield piece
                elif told.name == "text":
                    if told.data["question"] != self._number:
                        continue
                    if told.data["restart"] and said:
                        yield self._frame.piece({"content": "\n\n[the reply broke off; here it is anew]\n\n"})
                    if told.data["text"]:
                        said = True
                        yield self._frame.piece({"content": told.data["text"]})
                    if told.data["thinking"]:
                        yield self._frame.piece({"reasoning_content": told.data["thinking"]})
                elif line := progress(told, self._number):
                    yield self._frame.piece({"reasoning_content": f"{line}\n"})

    @property
    def _number(self) -> int:
        return self._live.wish.questions.index(self._question)

    def _own(self, told: Told) -> dict[str, Any]:
        answer: dict[str, Any] = told.data["answers"][self._number]
        return answer

    def _last(self, answer: dict[str, Any], *, said: bool) -> list[bytes]:
        pieces = [] if said else [self._frame.piece({"content": answer["answer"]})]
        last = {"annotations": citations(answer)}
        pieces.append(self._frame.piece(last, finish="stop", longread=self._extra(answer)))
        options = self._request.stream_options
        if options and options.include_usage:
            pieces.append(self._frame.usage(_used(answer)))
        return [*pieces, DONE]

    def _extra(self, answer: dict[str, Any]) -> dict[str, Any]:
        given = self._request.model_extra or {}
        fields = {**given, **self._request.model_dump(include=set(_NOT_READ), exclude_none=True)}
        names = (
            "run_id",
            "answered",
            "citations",
            "strategy",
            "chunks",
            "usage",
            "stopped",
            "seconds",
            "stored",
        )
        return {name: answer[name] for name in names} | {
            "ignored": [name for name in _NOT_READ if fields.get(name) is not None],
            "shared_by": len(self._live.wish.questions),
        }


def citations(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The citations of an answer, each where its marker stands in the text, in OpenAI's form for files."""
    made = []
    for number, cited in enumerate(answer["citations"], 1):
        marker = f"[{number}]"
        at = answer["answer"].find(marker)
        fields = {
            name: cited[name] for name in ("source", "place", "start", "end", "line", "page", "part", "text")
        }
        position = {"start_index": at, "end_index": at + len(marker)} if at >= 0 else {}
        file = {"file_id": cited["document"], "filename": cited["source"], **position, **fields}
        made.append({"type": "file_citation", "file_citation": file})
    return made


def progress(told: Told, question: int) -> str | None:
    """A line about what is being done, for `reasoning_content`."""
    data = told.data
    match told.name:
        case "queued":
            return f"Runs waiting before this one: {data['ahead']:,}." if data["ahead"] else None
        case "started":
            again = "Going on with" if data["resumed"] else "Reading"
            return (
                f"{again} {data['tokens']:,} tokens in {len(data['chunks']):,} chunks ({data['strategy']})."
            )
        case "understood":
            return f"Understood as: {data['text']}" if data["question"] == question else None
        case "chunk":
            notes = [note for note in data["notes"] if note["question"] == question]
            said = "; ".join(_noted(note) for note in notes) or "nothing noted"
            return f"{data['read']:,}/{data['total']:,}: {said}"
    return None


def _noted(note: dict[str, Any]) -> str:
    claim, quote = note["claim"], note["quote"]
    where = f" ({note['source']})" if note["source"] else " (unverified)"
    return (f"{claim} “{quote}”" if claim and quote and claim != quote else claim or f"“{quote}”") + where


def _used(answer: dict[str, Any]) -> dict[str, Any]:
    """What this answer took now: nothing where it was known."""
    usage = answer["usage"]
    if answer["stored"]:
        return usage_object(0, 0, 0)
    return usage_object(usage["input_tokens"], usage["output_tokens"], usage["cached_tokens"])


def _refused(told: Told) -> Refusal:
    data = told.data
    kept = (
        f"; what was read is kept as run {data['run_id']}: ask the same again to go on"
        if data["run_id"]
        else ""
    )
    return Refusal(_STATUS.get(data["status"], 502), f"{data['message']}{kept}", f"run_{data['status']}")


async def _unless_left(http: Request, work: Any) -> Response:
    """What comes of `work`, which is given up when the client leaves."""

    async def left() -> None:
        while (await http.receive())["type"] != "http.disconnect":
            pass

    answering, leaving = asyncio.ensure_future(work), asyncio.create_task(left())
    try:
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            response: Response = answering.result()
            return response
        raise Refusal(499, "the client left", "client_left")
    finally:
        answering.cancel()
        leaving.cancel()
