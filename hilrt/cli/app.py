"""All commands of `hilrt`."""

import typer

from hilrt.cli.checkpoint import checkpoint
from hilrt.cli.classifier import classifier
from hilrt.cli.dataset import dataset
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
app.add_typer(dataset, name="dataset")
app.add_typer(checkpoint, name="checkpoint")
