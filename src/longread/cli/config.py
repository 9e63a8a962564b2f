"""`longread config`: which settings are in force, and where each comes from."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from longread.config import Resolved

EXAMPLES = """\b
Examples:
  longread config show
  longread config show --json
  LONGREAD_WINDOW=8192 longread config show
"""
_PATH = """\b
Examples:
  longread config path
"""
_HIDDEN = "set (hidden)"
_WIDEST = 40
_URL_SECRETS = re.compile(r"^.*@|[?#].*", re.DOTALL)
"""What of an address may be a password or a key."""


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(
        help="Show the settings in force and where each comes from.",
        epilog=EXAMPLES,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("show", epilog=EXAMPLES)(show)
    group.command("path", epilog=_PATH)(path)
    app.add_typer(group, name="config")


def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show each setting, its value and where that comes from. An API key is never shown."""
    from longread.config import resolve_settings

    resolved = resolve_settings()
    if as_json:
        _print_json(resolved)
    else:
        _print_table(resolved)


def path() -> None:
    """Print where your configuration file is, or would be."""
    from longread.config import user_file
    from longread.printable import printable

    print(printable(str(user_file())))


def _print_table(resolved: Resolved) -> None:
    from longread.config import one_line

    rows = [(n, one_line(_toml(v)), one_line(resolved.origin[n])) for n, v in _values(resolved).items()]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, value, origin in rows:
        print(f"{name:<{first}}  {value:<{min(second, _WIDEST)}}  {origin}")
    print()
    for file in _files(resolved):
        state = "" if file["exists"] else " (there is none)"
        print(f"{file['kind']} file: {one_line(file['path'])}{state}")
    for remark in resolved.remarks:
        print(f"remark: {remark}")


def _print_json(resolved: Resolved) -> None:
    values = _values(resolved)
    shown = {
        "settings": {name: {"value": values[name], "from": resolved.origin[name]} for name in values},
        "files": _files(resolved),
        "remarks": resolved.remarks,
    }
    print(json.dumps(shown, indent=2))


def _values(resolved: Resolved) -> dict[str, Any]:
    """Each setting as plain data, without secrets."""
    values = resolved.settings.model_dump(mode="json")
    if values["api_key"] is not None:
        values["api_key"] = _HIDDEN
    match values["base_url"]:
        case str(url):
            values["base_url"] = _URL_SECRETS.sub("(hidden)", url)
        case list(urls):
            values["base_url"] = [_URL_SECRETS.sub("(hidden)", url) for url in urls]
    return values


def _files(resolved: Resolved) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = [
        {"kind": "user", "path": str(resolved.user_file), "exists": resolved.user_file.exists()}
    ]
    if project := resolved.project_file:
        files.append({"kind": "project", "path": str(project.path), "exists": project.exists})
    return files


def _toml(value: Any) -> str:
    """A value as `--set` takes it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case dict():
            entries = (f"{_key(name)} = {_toml(entry)}" for name, entry in value.items() if entry is not None)
            return f"{{{', '.join(entries)}}}"
        case list():
            return json.dumps(value)
    return str(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)
