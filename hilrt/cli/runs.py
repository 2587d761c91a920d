"""`hilrt status`: the runs there are."""

import typer

from hilrt.cli.words import LOOK_AFTER, examples

runs = typer.Typer()


@runs.command(rich_help_panel=LOOK_AFTER, epilog=examples("hilrt status"))
def status() -> None:
    """Show the runs that are alive on this computer."""
    from hilrt.report.live import show_live_runs  # noqa: PLC0415

    show_live_runs()
