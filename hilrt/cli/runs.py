"""The runs there are: `hilrt status`, and `hilrt runs ...`; one function each, no logic."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilrt.cli.words import LOOK_AFTER, Json, answer, examples, say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

alive = typer.Typer()
runs = typer.Typer(epilog=examples("hilrt runs", "hilrt runs compare runs/A runs/B"))

Folder = Annotated[Path, typer.Option("--in", metavar="FOLDER", help="Where the runs are: runs_dir.")]
Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
RUNS = Path("runs")


@alive.command(rich_help_panel=LOOK_AFTER, epilog=examples("hilrt status"))
def status(*, json: Json = False) -> None:
    """Show the runs that are alive on this computer."""
    from hilrt.report.live import live_lines, show_live_runs  # noqa: PLC0415

    if json:
        answer(live_lines())
    else:
        show_live_runs()


@runs.callback(invoke_without_command=True)
def list_runs(context: typer.Context, folder: Folder = RUNS, *, json: Json = False) -> None:
    """List runs: task, state, steps, success, newest checkpoint; compare them, keep some, delete others."""
    if name := context.invoked_subcommand:
        if json or folder != RUNS:
            raise typer.BadParameter(f"options go behind the name: hilrt runs {name} ...")
        return
    from hilrt.report.runs import alive_tags, described, runs_table  # noqa: PLC0415
    from hilrt.run.shelf import runs_in  # noqa: PLC0415

    tags = alive_tags()
    found = runs_in(folder) if folder.exists() or folder != RUNS else []  # nobody has run anything here
    lines = [described(run, tags) for run in found]
    if json:
        answer(lines)
        return
    show(runs_table(lines, folder))
    for line in lines:
        if line.problem:
            say(f"{line.folder}: {line.problem}")


@runs.command(epilog=examples("hilrt runs compare runs/A runs/B"))
def compare(paths: Runs, *, json: Json = False) -> None:
    """Show what differs in the task files of runs, and what each came to, side by side."""
    from hilrt.report.runs import alive_tags  # noqa: PLC0415
    from hilrt.report.sidebyside import side_by_side, side_by_side_parts  # noqa: PLC0415

    if not 2 <= len(paths) <= 26:
        raise typer.BadParameter("give two runs or more, 26 at most.")
    seen = side_by_side(paths, alive_tags())
    if json:
        answer(seen)
    else:
        show(*side_by_side_parts(seen))


@runs.command(epilog=examples("hilrt runs keep runs/RUN", "hilrt runs keep --not runs/RUN"))
def keep(
    paths: Runs,
    *,
    not_: Annotated[bool, typer.Option("--not", help="Take the protection away.")] = False,
) -> None:
    """Protect runs from `hilrt runs delete`."""
    from hilrt.run import shelf  # noqa: PLC0415

    for path in paths:
        shelf.keep(path, kept=not not_)


@runs.command(epilog=examples("hilrt runs delete runs/A runs/B"))
def delete(paths: Runs, *, yes: Yes = False) -> None:
    """Delete runs with all that is in them, but none that is going on or kept."""
    from hilrt.jobs import runs as job  # noqa: PLC0415

    paths = job.deletable(paths)
    _ask(paths, yes=yes)
    job.delete(paths)


@runs.command(epilog=examples("hilrt runs clear"))
def clear(folder: Folder = RUNS, *, yes: Yes = False) -> None:
    """Delete runs that never began: the arm has not moved, and nothing was recorded."""
    from hilrt.jobs import runs as job  # noqa: PLC0415

    if paths := job.failed_starts(folder):
        _ask(paths, yes=yes)
        gone = job.clear(paths)
        for path in paths:
            if path not in gone:
                say(f"{path} stays: it has begun meanwhile")
    else:
        say(f"no run in {folder} has failed to start")


def _ask(paths: "Sequence[Path]", *, yes: bool) -> None:
    from hilrt.jobs import runs as job  # noqa: PLC0415

    for path in paths:
        say(f"{path}  {job.size_of(path) / 1e6:.1f} MB")
    if not yes:
        typer.confirm("Delete them?" if len(paths) > 1 else "Delete it?", abort=True)
