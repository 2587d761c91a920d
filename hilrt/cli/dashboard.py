"""The command that shows runs in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from hilrt.cli.words import LOOK_AFTER, examples, say

dashboard = typer.Typer()


@dashboard.command(
    "dashboard",
    rich_help_panel=LOOK_AFTER,
    epilog=examples("hilrt dashboard", "hilrt dashboard runs/RUN --port 6007"),
)
def show(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Folders of runs, or of many runs; default: runs."),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of this computer; the address has it.")] = 6006,
) -> None:
    """Show how trainings went, and go, in a browser: TensorBoard on one run, on several, or on all; Ctrl-C ends it."""
    from hilrt.report.dashboard import dashboard as serve  # noqa: PLC0415

    serve(say, runs or [Path("runs")], port)
