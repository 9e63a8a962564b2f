"""The Model Context Protocol over standard input and output: tools for clients, and nothing else on the wire.

The SDK keeps the protocol's own copies of both streams; what anything else prints goes to standard error.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from importlib.metadata import version
from typing import Annotated, Literal

from anyio import CancelScope, to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from longread.errors import LongreadError
from longread.server.results import DATA, Reading, Runs, RunShown, as_text, clean
from longread.server.service import Service

_INSTRUCTIONS = f"""\
Longread reads files and folders far larger than your context, and answers with quotes it has checked against the \
text. Use `ask` where you would have to read more than you can hold; name as little as the question needs. {DATA}"""

_ASK = f"""\
Answers questions from files and folders of any size, with citations: file, line or page, and the quote. It reads \
all that is named, chunk by chunk, which takes from seconds to hours; progress is reported. Put related questions \
into one call: they are answered in one reading. A call that was cancelled or failed goes on when the same is asked \
again, and an answer that is known comes at once. `answered: false` means that the documents do not say it. {DATA}"""

_LIST = "Lists earlier runs of `ask` over these folders, newest first: id, time, status, progress, question."

_SHOW = f"""\
Shows a run: questions, progress, answers with citations; or how the notes grew, chunk by chunk, also while it runs. \
Long ones come in pages. {DATA}"""

_LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# It keeps a run, and the text may go to a model elsewhere: a client should not call it unasked.
_READS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)


def build(service: Service) -> MCPServer:
    """The server with its tools."""
    server: MCPServer = MCPServer(
        "longread", instructions=_INSTRUCTIONS, version=version("longread"), log_level="WARNING"
    )

    @server.tool(title="Ask documents", description=_ASK, annotations=_READS)
    async def ask(
        context: Context,
        questions: Annotated[
            list[str],
            Field(
                min_length=1,
                max_length=20,
                description="One question or several, each understandable by itself. Wishes about the form of the "
                "answer belong here too.",
            ),
        ],
        paths: Annotated[
            list[str],
            Field(
                description="Files and folders, below the folders this server may read; relative ones count from "
                "the first of these, and . is that folder. Zip and tar archives are read like folders. May be left "
                "out with follow_up."
            ),
        ] = [],  # noqa: B006 -- the schema's default; never changed
        include: Annotated[
            list[str],
            Field(description='Read only files that match these .gitignore patterns, such as "*.py".'),
        ] = [],  # noqa: B006
        exclude: Annotated[
            list[str],
            Field(description='Leave out what matches these .gitignore patterns, such as "tests/".'),
        ] = [],  # noqa: B006
        follow_up: Annotated[
            str | None,
            Field(
                description='The run_id of an earlier run, or "last": its questions, answers and notes are known, '
                "and its documents are read again only where they do not suffice."
            ),
        ] = None,
    ) -> Annotated[CallToolResult, Reading]:
        return await _result(
            service.ask(questions, paths, include, exclude, follow_up, context.report_progress)
        )

    @server.tool(title="List runs", description=_LIST, annotations=_LOOKS)
    async def list_runs(
        limit: Annotated[int, Field(ge=1, le=100, description="How many.")] = 20,
    ) -> Annotated[CallToolResult, Runs]:
        return await _result(to_thread.run_sync(service.list_runs, limit))

    @server.tool(title="Show a run", description=_SHOW, annotations=_LOOKS)
    async def show_run(
        run_id: Annotated[str, Field(description='Id of a run or its beginning, or "last".')],
        part: Annotated[Literal["answers", "notes"], Field(description="What to show of it.")] = "answers",
        offset: Annotated[int, Field(ge=0, description="Answers or notes to pass over.")] = 0,
        limit: Annotated[int, Field(ge=1, le=100, description="Answers or notes to show.")] = 20,
    ) -> Annotated[CallToolResult, RunShown]:
        return await _result(to_thread.run_sync(partial(service.show_run, run_id, part, offset, limit)))

    return server


async def serve(service: Service) -> None:
    """Serves until standard input ends."""
    try:
        await build(service).run_stdio_async()
    finally:
        with CancelScope(shield=True):
            await service.close()


async def _result(work: Awaitable[Reading | Runs | RunShown]) -> CallToolResult:
    """What a tool gives: its record and the same as text, or the one line of an error."""
    try:
        result = await work
    except LongreadError as error:
        line = TextContent(type="text", text=clean(" ".join(str(error).split()), 2_000))
        return CallToolResult(content=[line], is_error=True)
    text = TextContent(type="text", text=as_text(result))
    return CallToolResult(content=[text], structured_content=result.model_dump(mode="json"))
