"""The command line as a tree of commands."""

import typer

from hilrt.cli.app import app


def commands(of=None, path=()):
    """Every command that does something, with the words that call it."""
    of = of or typer.main.get_command(app)
    for name, command in of.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command
