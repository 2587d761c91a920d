"""Arguments and options that several commands have, and what all of them say and do alike."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")

SET_UP = "Set up an arm"
DEMONSTRATE = "Demonstrate"
REWARD = "Reward"
TRAIN = "Train"
JUDGE = "Judge and use a policy"
LOOK_AFTER = "Look after runs"

TaskFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Task file, e.g. configs/sim_so100.toml.")]
Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a training run, e.g. runs/so100-train-...")
]
Override = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value: learner.device=cpu.")
]
Side = Annotated[
    str, typer.Option("--arm", metavar="SIDE", help="Which of two arms, by its name in the config.")
]
Checkpoint = Annotated[
    int | None,
    typer.Option(
        metavar="STEPS", help="Of so many online steps (`hilrt checkpoint list`); default: the newest."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="For a script: one JSON document, and nothing else.")]

WIDE = 120
"""Characters in a line that goes to no terminal."""


def longer(run: Path, steps: int) -> str:
    """How a run that has taken all of its steps is trained for longer."""
    return f"for longer: hilrt train --resume {run} --steps N     (N: in all, more than {steps})"


def say(text: str) -> None:
    """A line for the user."""
    typer.echo(text)


def show(*parts: "RenderableType") -> None:
    """Tables and lines for the user; what goes to no terminal has room for wide ones."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    for part in parts:
        console.print(part, markup=False, soft_wrap=isinstance(part, str))


def answer(found: object) -> None:
    """One JSON document for a script, and nothing else on standard output."""
    from msgspec.json import encode, format  # noqa: A004, PLC0415

    typer.echo(format(encode(found), indent=2))


def examples(*commands: str) -> str:
    """The end of a command's help."""
    return "\n".join(["Example:" if len(commands) == 1 else "Examples:", *commands])


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run what waits for devices to its end; asyncio is imported here, since `hilrt --help` has no use for it."""
    from asyncio import run  # noqa: PLC0415

    return run(work)
