"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

TaskFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Task file, e.g. configs/sim_so100.toml.")]
Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a training run, e.g. runs/so100-train-...")
]
Override = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value: learner.device=cpu.")
]

Checkpoint = Annotated[
    int | None,
    typer.Option(
        metavar="STEPS", help="Of so many online steps (`hilrt checkpoint list`); default: the newest."
    ),
]

WIDE = 120
"""Characters in a line that goes to no terminal."""


def say(text: str) -> None:
    """A line for the user."""
    typer.echo(text)
