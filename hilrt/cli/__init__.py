"""The command line: `hilrt`, its commands, and what becomes of errors."""

import sys

import typer

from hilrt.cli.checkpoint import checkpoint
from hilrt.cli.classifier import classifier
from hilrt.cli.dataset import dataset
from hilrt.cli.lerobot import lerobot
from hilrt.cli.policy import policy
from hilrt.cli.setup import setup
from hilrt.cli.work import work

app = typer.Typer(
    help="Train a robot arm by reinforcement learning with a human in the loop, on one computer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(work)
app.add_typer(policy)
app.add_typer(classifier)
app.add_typer(setup)
app.add_typer(lerobot)
app.add_typer(dataset, name="dataset")
app.add_typer(checkpoint, name="checkpoint")


def main() -> None:
    """Console entry: a named error is one message and exit status 2."""
    from hilrt.cli.surroundings import prepare  # noqa: PLC0415
    from hilrt.errors import HilrtError  # noqa: PLC0415

    try:
        prepare()
        app()
    except HilrtError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
