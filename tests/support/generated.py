"""The parts of docs/ that come from the code. `make docs` writes them; a test checks that they are up to date."""

from __future__ import annotations

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

from longread import config

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "docs" / "models.md"
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
                if default is None
                else f"`{default}`"
            )
            assert isinstance(doc.value, ast.Constant)
            rows.append(f"| `{name}` | {shown} | {' '.join(str(doc.value.value).split())} |")
    return "\n".join(rows)


def models_page() -> str:
    """docs/models.md with its table of settings up to date."""
    head = MODELS.read_text(encoding="utf-8").split(MARK)[0]
    return f"{head}{MARK}\n\n{settings_table()}\n"


def source_tree() -> list[str]:
    """The modules of src/longread, as paths below it."""
    base = ROOT / "src" / "longread"
    return sorted(str(p.relative_to(base)) for p in base.rglob("*.py") if not re.search(r"__\w+__", p.name))


if __name__ == "__main__":
    MODELS.write_text(models_page(), encoding="utf-8")
