"""`longread serve`: an API for OpenAI's clients, and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longread.cli.extras import need
from longread.cli.options import (
    Assignments,
    BaseUrl,
    MaxCalls,
    MaxCost,
    MaxTotalTokens,
    Model,
    Window,
)

EXAMPLES = """\b
Examples:
  longread serve --model qwen3 --base-url http://localhost:8000/v1
  longread serve --api-key-file keys --new-key anna
  longread serve --host 0.0.0.0 --api-key-file keys --allow-host reader.example.org
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("serve", epilog=EXAMPLES)(serve)


def serve(
    model: Model = None,
    base_url: BaseUrl = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; other machines can reach it only with --api-key-file.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8484,
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Names and hashes of the keys that clients must show.")
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Make a key for a name, add its hash to --api-key-file, print it, end."
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name under which the server is reached; may be repeated."),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=1_000, help="Runs that read at once; others wait.")] = 4,
    queue: Annotated[int, typer.Option(min=0, max=100_000, help="Runs that may wait.")] = 64,
    key_runs: Annotated[int, typer.Option(min=1, help="Runs that one key may have.")] = 32,
    key_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens that one key may use in 24 hours; no limit by default.")
    ] = None,
    max_file: Annotated[int, typer.Option(min=1, metavar="MIB", help="Largest upload.")] = 256,
    max_disk: Annotated[
        int, typer.Option(min=1, metavar="MIB", help="All files of a key; the least used give way.")
    ] = 4096,
    window: Window = None,
    set_: Assignments = None,
    max_calls: MaxCalls = None,
    max_total_tokens: MaxTotalTokens = None,
    max_cost: MaxCost = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Let clients have much text read at a remote endpoint unasked."),
    ] = False,
) -> None:
    """Serve OpenAI's clients with documents of any length, and a page to watch it read.

    The page is at /, the API at /v1. Requests that exceed the model's window are read with notes; short ones pass
    straight through. Without keys, only this machine can ask.
    """
    import asyncio
    import sys

    from longread.cli.overrides import address, assignments, caps, given
    from longread.config import resolve_settings
    from longread.errors import UsageError
    from longread.printable import printable

    need("serve", "aiohttp", "fastapi", "uvicorn", "prometheus_client", "python_multipart")

    from longread.server.api.keys import Keys, add_key, read_keys
    from longread.server.api.limits import Limits
    from longread.server.api.serve import loop_factory
    from longread.server.api.serve import serve as run

    if new_key is not None:
        if api_key_file is None:
            raise UsageError("--new-key needs --api-key-file, where the hash of the key goes")
        key = add_key(api_key_file, new_key)
        print(key)
        print(f"the key of {new_key}, shown this once; {api_key_file} holds its hash", file=sys.stderr)
        return

    def say(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)

    overrides = given({"model": model, "base_url": address(base_url), "window": window})
    overrides |= caps(max_calls, max_total_tokens, max_cost)
    resolved = resolve_settings(overrides | assignments(set_ or []))
    for remark in resolved.remarks:
        say(remark)
    keys = read_keys(api_key_file) if api_key_file else Keys({})
    limits = Limits(
        file=max_file << 20,
        disk=max_disk << 20,
        runs=runs,
        queue=queue,
        key_runs=key_runs,
        key_tokens=key_tokens,
    )
    serving = run(
        resolved.settings,
        host,
        port,
        keys,
        limits,
        say,
        hosts=allow_host or (),
        yes=yes or resolved.capped,
    )
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serving)
