"""All commands of `hilrt`, in the order of the work."""

from typing import Annotated

import typer

from hilrt.cli.checkpoint import checkpoint
from hilrt.cli.classifier import classifier
from hilrt.cli.dashboard import dashboard
from hilrt.cli.dataset import dataset
from hilrt.cli.fitting import fitting
from hilrt.cli.init import init
from hilrt.cli.lerobot import lerobot
from hilrt.cli.look import look
from hilrt.cli.policy import policy
from hilrt.cli.runs import alive, runs
from hilrt.cli.setup import setup
from hilrt.cli.words import DEMONSTRATE, LOOK_AFTER
from hilrt.cli.work import work

EXITS = """Exit status:
0    done
1    not well (doctor, unfault, dataset verify), yet to be mended
     (import-config), you said no, or a bug
2    wrong usage, or an error that is told in one message
130  Ctrl-C, where it does not mean to stop in order"""

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=EXITS,
)
app.add_typer(init)
app.add_typer(lerobot)
app.add_typer(setup)
app.add_typer(work)
app.add_typer(dataset, name="dataset", rich_help_panel=DEMONSTRATE)
app.add_typer(fitting)
app.add_typer(classifier)
app.add_typer(policy)
app.add_typer(look)
app.add_typer(dashboard)
app.add_typer(alive)
app.add_typer(runs, name="runs", rich_help_panel=LOOK_AFTER)
app.add_typer(checkpoint, name="checkpoint", rich_help_panel=LOOK_AFTER)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from hilrt.run.version import version  # noqa: PLC0415

        typer.echo(f"hilrt {version()}")
        raise typer.Exit


@app.callback()
def hilrt(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which hilrt this is."),
    ] = False,
) -> None:
    """Train a robot arm by reinforcement learning with a human in the loop, on one computer."""
