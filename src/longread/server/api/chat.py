"""Chat completions: short requests go to the model, long ones and documents are read."""

from __future__ import annotations

import asyncio
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from longread.config import one_line
from longread.reading.language import LanguagePolicy
from longread.server.api.desk import CONSENT, Desk
from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest, Wishes
from longread.server.api.live import Wish
from longread.server.api.owners import Owner
from longread.server.api.relay import Relay
from longread.server.api.reply import Reading
from longread.server.api.sorting import LONGEST, READ, Inline, Sorted, conversation, sort, sort_long

ALIAS = "longread"
"""A name under which clients may ask for whatever model there is."""
_MOST_DOCUMENTS = 5_000
_BYTES_A_TOKEN = 4
_NOT_READ = (
    "temperature", "top_p", "seed", "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice", "logprobs",
    "frequency_penalty", "presence_penalty", "reasoning_effort", "response_format",
)  # fmt: skip
"""What has no effect on a reading; named in the reply, so that nobody relies on it."""


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

    def sort(self, request: ChatRequest, body: bytes) -> Sorted | None:
        """What of a request is to be read; None where it is passed on."""
        if request.model not in self.models:
            what = f"there is no model '{one_line(request.model, 80)}'; this server has {self.models[0]}"
            raise Refusal(404, what, "model_not_found")
        sorted_ = sort(request)
        if sorted_.documents:
            return sorted_
        return None if self._fits(request, body) else sort_long(request)

    async def answer(
        self, owner: Owner, request: ChatRequest, sorted_: Sorted | None, body: bytes, http: Request
    ) -> Response:
        """The response. Refusal where the request makes no sense or there is too much to do."""
        if sorted_ is not None:
            return await self._read(owner, request, sorted_, http)
        owner.check_quota()
        assert self._relay is not None, "only a language model has a window"
        owner.spend((len(body) // _BYTES_A_TOKEN + self._longest(request)) * (request.n or 1))
        sent = self._relay.send(request, body)
        return await sent if request.stream else await _unless_left(http, sent)

    def _longest(self, request: ChatRequest) -> int:
        """Tokens that a reply may take."""
        policy = self._desk.opened.policy
        own = policy.budgets.answer if isinstance(policy, LanguagePolicy) else 0
        return request.max_completion_tokens or request.max_tokens or own

    def _fits(self, request: ChatRequest, body: bytes) -> bool:
        """Whether the model's window holds the request and a reply."""
        policy = self._desk.opened.policy
        if not isinstance(policy, LanguagePolicy):
            return False
        window = policy.budgets.window
        reply = min(self._longest(request), window // 2)
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
        reading = Reading(live, wish.questions[0], request, self._unread(request, sorted_))
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
        if len(sorted_.system) > LONGEST:
            what = f"a system message of {len(sorted_.system):,} characters; {LONGEST:,} at most in a reading"
            raise Refusal(400, what, "invalid_request")
        if len(sorted_.documents) > _MOST_DOCUMENTS:
            raise Refusal(
                400, f"{len(sorted_.documents):,} documents; {_MOST_DOCUMENTS:,} at most", "invalid_request"
            )
        files: list[str] = []
        for one in sorted_.documents:
            files.append(await self._kept(owner, one, files))
        follow = wishes.follow and owner.run(wishes.follow).id
        if sorted_.history and follow is None:
            follow = await to_thread.run_sync(self._before, owner, sorted_, tuple(dict.fromkeys(files)))
            if follow is None:
                turns = [
                    turn for e in sorted_.history for turn in (("user", e.user), ("assistant", e.assistant))
                ]
                files.append(await self._kept(owner, conversation(turns), files))
        return Wish(
            (self._worded(question, sorted_.system),), tuple(dict.fromkeys(files)), follow, wishes.fresh
        )

    def _worded(self, question: str, system: str) -> str:
        """The question with what the system message wishes; who only quotes can heed no wish."""
        if not system or not isinstance(self._desk.opened.policy, LanguagePolicy):
            return question
        return f"{question}\n\n({system})"

    def _unread(self, request: ChatRequest, sorted_: Sorted) -> list[str]:
        """What of a request has no effect on its reading."""
        given = {
            **(request.model_extra or {}),
            **request.model_dump(include=set(_NOT_READ), exclude_none=True),
        }
        parts = {p.type for m in request.messages if isinstance(m.content, list) for p in m.content} - set(
            READ
        )
        heeds = isinstance(self._desk.opened.policy, LanguagePolicy) or not sorted_.system
        names = [name for name in _NOT_READ if given.get(name) is not None]
        return names + sorted(parts) + ([] if heeds else ["system"])

    async def _kept(self, owner: Owner, given: Inline | str, beside: list[str]) -> str:
        """The id of a document, which may not push out those beside it."""
        if isinstance(given, str):
            return owner.library.row(given).id

        def in_use() -> set[str]:
            return self._desk.in_use(owner).union(beside)

        if given.data:
            return (await owner.library.add(given.name, given.data, in_use)).id
        if not given.text.strip():
            raise Refusal(400, f"the {given.name} is empty", "invalid_request")
        return (await owner.library.add_text(given.name, given.text, in_use, given.kind, given.parts)).id

    def _before(self, owner: Owner, sorted_: Sorted, files: tuple[str, ...]) -> str | None:
        """The run that answered the turn before, if it was one."""
        asked = self._worded(sorted_.history[-1].user, sorted_.system)
        for row in owner.journal.list():
            same = row.answers and row.command.get("files") == list(files)
            if same and asked in row.questions:
                return row.id
        return None


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
