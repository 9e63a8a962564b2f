"""What a client gets of a run: the answer whole, or how it is read and the answer piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from starlette.responses import JSONResponse, Response

from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest
from longread.server.api.frame import DONE, Frame, usage_object
from longread.server.api.live import PULSE, Live
from longread.server.api.told import Told

_STATUS = {"stopped": 402, "interrupted": 503}


class Reading:
    """One client's view of a run that may answer others too."""

    def __init__(self, live: Live, question: str, request: ChatRequest, unread: list[str]) -> None:
        self._live = live
        self._question = question
        self._request = request
        self._unread = unread
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
        more = {"ignored": self._unread, "shared_by": len(self._live.wish.questions)}
        return {name: answer[name] for name in names} | more


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
        file = {"filename": cited["source"], **position, **fields}
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
        case "chunk" if not data["skipped"]:
            notes = [note for note in data["notes"] if note["question"] == question]
            said = "; ".join(_noted(note) for note in notes) or "nothing noted"
            return f"{data['read']:,}/{data['total']:,}: {said}"
    return None


def _noted(note: dict[str, Any]) -> str:
    claim, quote = note["claim"], note["quote"]
    where = f" ({note['source']})" if note["source"] else " (unverified)"
    return (f"{claim} “{quote}”" if claim and quote and claim != quote else claim or f"“{quote}”") + where


def _used(answer: dict[str, Any]) -> dict[str, Any]:
    """What the run took, over all of its attempts; nothing where the answer was known."""
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
