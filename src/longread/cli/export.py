"""`longread export`: a checkpoint for other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from longread.cli.extras import need

EXAMPLES = """\b
Examples:
  longread export nano --gguf nano.gguf
  longread export nano --gguf nano-F16.gguf --type F16
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLES)(export)


def export(
    checkpoint: Annotated[
        str,
        typer.Argument(metavar="CHECKPOINT", help="Folder of a Qwen3 model, dense or with experts; or nano."),
    ],
    gguf: Annotated[
        str, typer.Option("--gguf", metavar="FILE", help="Where the model goes; must not exist.")
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="NAME",
            help="What weights are written as: F32, F16 or BF16; else as they are stored.",
        ),
    ] = None,
    quantise: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Have llama-quantize (on PATH) make it smaller, such as Q8_0 or Q4_K_M."
        ),
    ] = None,
) -> None:
    """Write a checkpoint as a GGUF file, for llama.cpp, Ollama and LM Studio.

    Weights, tokenizer, chat template and window go into the one file; the prompt set that the model was trained with
    goes beside it. A model larger than memory can be exported.
    Exit codes: 0 written, 1 the checkpoint is broken or the file cannot be written, 2 wrong usage, or a model of
    another kind.
    """
    need("export", "gguf")
    from longread.models.discover import NANO_FOLDER
    from longread.models.export import beside
    from longread.models.export import export as execute
    from longread.printable import printable
    from longread.project import NANO

    folder = NANO_FOLDER if checkpoint == NANO else Path(checkpoint)
    made = execute(folder, Path(gguf), kind, quantise)
    print(printable(str(made)))
    if (prompts := beside(made)).is_file():
        asks = f"--set prompts={prompts} --set structured=false"
        print(printable(f"ask it as it was trained: {asks}"), file=sys.stderr)
