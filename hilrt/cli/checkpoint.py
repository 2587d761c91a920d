"""`hilrt checkpoint ...`: what a run has saved of its learning."""

from typing import Annotated

import typer

from hilrt.cli.words import Json, Run, answer, examples, longer, say, show

checkpoint = typer.Typer(help="List and restore what a run has saved of its learning.", no_args_is_help=True)


@checkpoint.command(name="list", epilog=examples("hilrt checkpoint list runs/RUN"))
def list_checkpoints(run: Run, *, json: Json = False) -> None:
    """Show a run's checkpoints: steps, updates, evaluation, which is newest and best, whether the files are whole."""
    from hilrt.data.history import history  # noqa: PLC0415
    from hilrt.report.checkpoints import checkpoint_lines, checkpoint_table  # noqa: PLC0415
    from hilrt.run.folder import RunFolder  # noqa: PLC0415

    lines = checkpoint_lines(history(RunFolder.open(run).path))
    if json:
        answer(lines)
    else:
        show(checkpoint_table(lines))


@checkpoint.command(name="restore", epilog=examples("hilrt checkpoint restore runs/RUN 3000"))
def restore_checkpoint(
    run: Run, steps: Annotated[int, typer.Argument(metavar="STEPS", help="Its online steps, as in the list.")]
) -> None:
    """Have a run go on from an earlier checkpoint at the next `hilrt train --resume`.

    Later checkpoints are set aside, and nothing is deleted; what the robot has
    done since stays to be learned from.
    """
    from hilrt.jobs import restore as job  # noqa: PLC0415

    restored = job.go_back(run, steps)
    if restored.aside.is_dir():
        say(f"later ones: {restored.aside}")
    if restored.steps < restored.target:
        say(f"go on:      hilrt train --resume {run}")
    else:
        say(f"The run has taken all of its {restored.target} steps. It goes on only if it is to take more:")
        say(longer(run, restored.steps))
