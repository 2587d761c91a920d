"""The commands that look at what runs have left; heavy imports happen inside."""

from pathlib import Path
from typing import Annotated

import typer

from hilrt.cli.words import JUDGE, examples, say

look = typer.Typer()


@look.command(
    rich_help_panel=JUDGE,
    epilog=examples("hilrt report runs/RUN", "hilrt report runs/ONE runs/OTHER --out both.html"),
)
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN..", help="Folders of runs of any kind, evaluations too; several are compared."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="File to write; default: report.html in RUN, of several runs here."
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Also write the curves of trainings as SVG and PNG, for a paper."
        ),
    ] = None,
) -> None:
    """Write a page about a run: what it came to, its curves, failures, faults; or compare several.

    It is one file for a browser, for paper, or to send, and needs no network. A
    run that goes on, or was killed, has one, too.
    """
    from hilrt.jobs import report as job  # noqa: PLC0415

    job.report(say, runs, out, figures)
