"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A model at --base-url, local:PATH for a checkpoint, nano, or extractive for none.",
    ),
]
BaseUrl = Annotated[
    list[str] | None,
    typer.Option(
        help="An OpenAI-compatible endpoint, such as http://localhost:8000/v1; given several times, they share the "
        "calls. Or a TOML file of endpoints."
    ),
]
Window = Annotated[int | None, typer.Option(help="Tokens the model can take.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting; may be repeated."),
]
MaxCalls = Annotated[int | None, typer.Option(help="Stop a run before a call beyond so many.")]
MaxTotalTokens = Annotated[
    int | None, typer.Option(help="Stop a run before a call that would use more, input and output together.")
]
MaxCost = Annotated[
    float | None, typer.Option(help="Stop a run when its calls have cost so much; needs `price`.")
]
