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
from itertools import pairwise
from pathlib import Path

from longread import config

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "docs" / "models.md"
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
    MODELS.write_text(models_page(), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
