"""The parts of docs/ that come from the code. `make docs` writes them; a test checks that they are up to date."""

from __future__ import annotations

import ast
import inspect
import io
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import typer
from typer.cli import get_docs_for_click
from typer.core import TyperCommand
from typer.main import get_command

from longread import config
from longread.cli import app
from tests.support import scale
from tests.support.memory import memory_table, window_table

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "docs" / "configuration.md"
COMMANDS = ROOT / "docs" / "commands.md"
DEPLOYING = ROOT / "docs" / "deploy.md"
TABLES = {"memory": memory_table, "windows": window_table}
"""Of that page, each between two marks."""
PICTURE = ROOT / "docs" / "run.svg"
MARK = "<!-- settings: generated from longread.config by `make docs` -->"


def settings_table() -> str:
    """One row a setting: name, default, and the docstring under the field."""
    body = next(
        node
        for node in ast.parse(inspect.getsource(config)).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    ).body
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for field, doc in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(doc, ast.Expr):
            assert isinstance(field.target, ast.Name)
            name = field.target.id
            default = config.Settings.model_fields[name].default
            shown = (
                "the user's state folder"
                if name == "state_dir"
                else ""
                if default in (None, {})
                else f"`{default}`".lower()  # as TOML has it
            )
            assert isinstance(doc.value, ast.Constant)
            rows.append(f"| `{name}` | {shown} | {' '.join(str(doc.value.value).split())} |")
    return "\n".join(rows)


def configuration_page() -> str:
    """docs/configuration.md with its table of settings up to date."""
    head = CONFIGURATION.read_text(encoding="utf-8").split(MARK)[0]
    return f"{head}{MARK}\n\n{settings_table()}\n"


def deploying_page() -> str:
    """docs/deploy.md with its tables up to date."""
    page = DEPLOYING.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        mark = f"<!-- {name}: generated from tests/support/memory.py by `make docs` -->"
        head, _, tail = page.split(mark)
        page = f"{head}{mark}\n\n{table()}\n\n{mark}{tail}"
    return page


def commands(root: TyperCommand | None = None) -> Iterator[tuple[str, TyperCommand]]:
    """Every command with its full name, parents first."""

    def below(name: str, command: TyperCommand) -> Iterator[tuple[str, TyperCommand]]:
        yield name, command
        for child in getattr(command, "commands", {}).values():
            yield from below(f"{name} {child.name}", child)

    yield from below("longread", root or get_command(app))


def examples(command: TyperCommand) -> list[str]:
    """The commands that a help text shows."""
    lines = [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  ")]
    return [line for line in lines if not line.startswith("{")]


def commands_page() -> str:
    """docs/commands.md: the help of every command, by typer's own generator."""
    root = get_command(app)
    for _, command in commands(root):
        command.epilog = _as_blocks(command.epilog or "")
        command.short_help = (command.help or "").split("\n")[0]  # else it is cut
    context = typer.Context(root, info_name="longread", help_option_names=["-h", "--help"])
    page = get_docs_for_click(obj=root, ctx=context, name="longread", title="Commands")
    note = "Generated from the help texts by `make docs`; `longread COMMAND --help` says the same."
    return re.sub(r"\n{3,}", "\n\n", page.replace("\n\n", f"\n\n{note}\n\n", 1)).strip() + "\n"


def _as_blocks(epilog: str) -> str:
    """An epilog in Markdown: each heading, and what is indented below it as it is."""
    text = re.sub(r"^(\S.*):$", r"**\1**:", epilog.replace("\b\n", ""), flags=re.MULTILINE)
    return re.sub(
        r"(?:^  .*\n?)+",
        lambda block: "\n```\n" + re.sub(r"^  ", "", block[0], flags=re.MULTILINE).rstrip() + "\n```\n\n",
        text,
        flags=re.MULTILINE,
    )


def source_tree() -> list[str]:
    """The modules of src/longread, as paths below it."""
    base = ROOT / "src" / "longread"
    return sorted(str(p.relative_to(base)) for p in base.rglob("*.py") if not re.search(r"__\w+__", p.name))


def picture() -> str:
    """`longread demo` as it looks in a terminal, as SVG."""
    from rich.console import Console

    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"LONGREAD_STATE_DIR": folder, "LONGREAD_CONFIG": f"{folder}/none.toml"}
        command = [sys.executable, "-m", "longread", "demo"]
        done = subprocess.run(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
    shown = done.stdout.replace(
        sysconfig.get_path("stdlib"), f"/usr/lib/python{sysconfig.get_python_version()}"
    )
    console = Console(record=True, width=118, file=io.StringIO(), highlight=False)
    console.print(re.sub(r"\b[0-9a-f]{12}\b", "3f2a90c1d7e4", shown).strip(), markup=False)
    svg = console.export_svg(title="longread demo")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # nothing is loaded from elsewhere


if __name__ == "__main__":
    CONFIGURATION.write_text(configuration_page(), encoding="utf-8")
    COMMANDS.write_text(commands_page(), encoding="utf-8")
    DEPLOYING.write_text(deploying_page(), encoding="utf-8")
    scale.PAGE.write_text(scale.scale_page(), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
