"""The command that brings a set-up over from LeRobot: no logic; imports inside."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hilrt.cli.words import SET_UP, WIDE, examples, say

lerobot = typer.Typer()


@lerobot.command(
    name="import-config",
    rich_help_panel=SET_UP,
    epilog=examples("hilrt import-config env.json train.json --out cube.toml"),
)
def import_config(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE.json", help="Environment, training, reward classifier: of one set-up."),
    ],
    out: Annotated[Path, typer.Option(metavar="TASK.toml", help="The task file; it must not be there.")],
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Has robots/ and teleoperators/; default: where LeRobot keeps them."
        ),
    ] = None,
) -> None:
    """Make a task file of LeRobot's HIL-SERL configuration; says what became of each field.

    Where two files contradict each other the later one counts, unless it
    has LeRobot's default. Status 1: hilrt would not load the task file, or
    the start pose, a calibration or a URDF is refused.
    """
    from rich.console import Console  # noqa: PLC0415

    from hilrt.setup.lerobot import job  # noqa: PLC0415

    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE)
    if not job.import_config(say, console, files, out, calibration):
        raise typer.Exit(1)
