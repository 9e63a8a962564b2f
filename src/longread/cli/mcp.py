"""`longread mcp`: a server that lets coding assistants ask."""

from __future__ import annotations

from typing import Annotated

import typer

from longread.cli.extras import need
from longread.cli.options import Assignments, BaseUrl, MaxCalls, MaxCost, MaxTotalTokens, Model

EXAMPLES = """\b
Examples:
  longread mcp --root ~/contracts
  longread mcp --root docs --root src --max-total-tokens 2000000

\b
In Claude Code:
  claude mcp add longread -- uvx --from "longread[mcp]" longread mcp --root .
In VS Code (.vscode/mcp.json):
  {"servers": {"longread": {"command": "longread", "args": ["mcp", "--root", "${workspaceFolder}"]}}}
In other clients:
  {"mcpServers": {"longread": {"command": "longread", "args": ["mcp", "--root", "/path/to/folder"]}}}
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("mcp", epilog=EXAMPLES)(mcp)


def mcp(
    root: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR",
            help="A folder that clients may have read; may be repeated. The current one by default.",
        ),
    ] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    set_: Assignments = None,
    max_calls: MaxCalls = None,
    max_total_tokens: MaxTotalTokens = None,
    max_cost: MaxCost = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Let clients have much text read at a remote endpoint.")
    ] = False,
) -> None:
    """Serve coding assistants over standard input and output (Model Context Protocol).

    Clients can ask, list runs and show them, below --root only; they cannot choose the model. Reading much text at
    a remote endpoint needs --yes or a cap.
    """
    import asyncio
    import os
    import signal
    import sys

    from longread.cli.overrides import address, assignments, caps, given
    from longread.config import resolve_settings
    from longread.printable import printable

    need("mcp", "mcp")

    from longread.server.mcp import serve
    from longread.server.roots import Roots
    from longread.server.service import Service

    def say(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)

    overrides = given({"model": model, "base_url": address(base_url)}) | caps(
        max_calls, max_total_tokens, max_cost
    )
    resolved = resolve_settings(overrides | assignments(set_ or []))  # before the folder changes
    roots = Roots(root or ["."])
    for remark in resolved.remarks:
        say(remark)
    service = Service(resolved.settings, roots, say, yes=yes or resolved.capped)
    os.chdir(roots.folders[0])  # so that documents have short names
    say(f"serving what {', '.join(map(str, roots.folders))} holds, until standard input ends")
    # Python would wait for the thread that waits for input; the journal holds all that was done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(serve(service))
