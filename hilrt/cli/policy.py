"""The commands that make, judge and use a policy: one function each, no logic; heavy imports happen inside."""

import re
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilrt.cli.words import (
    JUDGE,
    TRAIN,
    Checkpoint,
    Json,
    Override,
    Run,
    TaskFile,
    answer,
    examples,
    longer,
    say,
)

if TYPE_CHECKING:
    from hilrt.report.summary import Summary
    from hilrt.run.folder import RunFolder

policy = typer.Typer()


@policy.command(rich_help_panel=TRAIN, epilog=examples("hilrt pretrain configs/sim_so100_pixels.toml"))
def pretrain(
    config: TaskFile,
    dataset: Annotated[
        Path | None, typer.Argument(metavar="[DATASET]", help="A dataset's folder; default: dataset.root.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; default: policy.weights, or beside the demonstrations."),
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="Training steps; 0: random weights.")] = 700,
    set_: Override = None,
) -> None:
    """Train an encoder for each camera on recorded frames, so that a policy can learn from pictures."""
    from hilrt.jobs import pretrain as job  # noqa: PLC0415

    outcome = job.pretrain(config, dataset, out, steps, set_ or [])
    say(f"encoders: {outcome.path} (SHA-256 {outcome.digest[:12]}...)")
    if judged := outcome.judgement:
        say(f"on episodes held out, the pictures explain {judged.explained:z.0%} of the arm's next movements")
        if judged.grasp_mm is not None:
            say(f"  and tell where it is at the gripper's next command to {judged.grasp_mm:.1f} mm (median)")


@policy.command(
    rich_help_panel=TRAIN,
    epilog=examples(
        "hilrt train configs/sim_so100.toml --set learner.online_steps=6000",
        "hilrt train --resume runs/RUN --steps 9000",
    ),
)
def train(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="Task file; not with --resume.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with this run's folder.")] = None,
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="RUN", help="Begin a new run from this one's policy and steps."),
    ] = None,
    anew: Annotated[
        bool,
        typer.Option(help="With --resume: set the run's checkpoints aside, learn again from its journal."),
    ] = False,
    with_: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="SESSION", help="With --resume: learn from a `hilrt run`, too."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="With --resume: go on until so many online steps were taken in all."),
    ] = None,
    set_: Override = None,
) -> None:
    """Train a policy from demonstrations, the robot's own steps and your corrections."""
    if (config is None) == (resume is None):
        raise typer.BadParameter("give either CONFIG or --resume RUN.")
    if from_ and resume:
        raise typer.BadParameter("--from begins a new run, and --resume goes on with one: give one of them.")
    if (anew or with_ or steps) and not resume:
        raise typer.BadParameter("--anew, --with and --steps are for a run that is resumed.")
    if resume and set_:
        raise typer.BadParameter(
            "--set changes a new run; a resumed one keeps its config.toml, but for --steps N."
        )
    from hilrt.jobs import train as job  # noqa: PLC0415

    if resume:
        folder, summary = job.resume(resume, anew=anew, sessions=with_ or [], steps=steps)
    elif from_:
        folder, summary = job.train_from(config or Path(), from_, set_ or [])
    else:
        folder, summary = job.train(config or Path(), set_ or [])
    _report_training(folder, summary)


@policy.command(
    name="eval",
    rich_help_panel=JUDGE,
    epilog=examples("hilrt eval runs/RUN --episodes 50", "hilrt eval runs/RUN --compare runs/OTHER"),
)
def evaluate(
    run: Run,
    *,
    episodes: Annotated[
        int | None,
        typer.Option(min=1, help="How many, with --compare of each; default: eval.final_episodes."),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(metavar="ROWSxCOLUMNS", help="Put the object in each cell of its area: 3x3."),
    ] = None,
    each: Annotated[
        int | None, typer.Option(min=1, help="With --grid: episodes in each cell; default: 5.")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS|FOLDER", help="With another checkpoint, or another run, on the same places."
        ),
    ] = None,
    checkpoint: Checkpoint = None,
    json: Json = False,
    set_: Override = None,
) -> None:
    """Judge a run's policy, by default its newest: deterministic, operator off.

    With --grid the screen says before each episode where to put the object (a
    simulated one goes there by itself), and the evaluation's folder has a map,
    map.png, and a film strip of each failure. With --compare two policies take
    turns on the same places, and a paired test says whether they differ.
    """
    if grid and episodes:
        raise typer.BadParameter("--grid: how many episodes there are follows from --each.")
    if each and not grid:
        raise typer.BadParameter("--each is for the cells of --grid ROWSxCOLUMNS.")
    cells = _cells(grid) if grid else None
    from hilrt.jobs import evaluate as job  # noqa: PLC0415

    question = job.Question(episodes, checkpoint, cells, compare=compare or "")
    question = question._replace(each=each) if each else question
    with redirect_stdout(sys.stderr) if json else nullcontext():  # the screen
        folder, summary = job.evaluate(run, question, set_ or [])
    if json:
        answer({"folder": str(folder.path), "summary": summary})
    else:
        _report_evaluation(folder, summary, cells)


def _cells(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9])x([1-9])", text)
    if not found:
        raise typer.BadParameter(f"{text!r} is no grid; write ROWSxCOLUMNS, as 3x3, of 1 to 9 each.")
    return int(found[1]), int(found[2])


@policy.command(name="run", rich_help_panel=JUDGE, epilog=examples("hilrt run runs/RUN"))
def at_work(
    run: Run,
    episodes: Annotated[int | None, typer.Option(min=1, help="How many; default: until q.")] = None,
    checkpoint: Checkpoint = None,
    set_: Override = None,
) -> None:
    """Have a run's policy do its task, episode after episode, until q; take over whenever you like.

    Nobody learns meanwhile. All of it is recorded, and `hilrt train --resume RUN
    --with SESSION` learns from it. The keys are those of `hilrt train`.
    """
    from hilrt.jobs import work as job  # noqa: PLC0415

    folder, summary = job.work(run, episodes, set_ or [], checkpoint)
    if done := summary.work:
        say(f"succeeded:   {done.success}")
        say(f"without you: {done.autonomous}")
    say(f"{summary.online_steps} steps, {summary.human_steps} of them yours: {folder.path}")
    say(f"learn from them: hilrt train --resume {run} --with {folder.path} [--steps N]")


def _report_evaluation(folder: "RunFolder", summary: "Summary", cells: tuple[int, int] | None) -> None:
    from hilrt.report.comparison import told  # noqa: PLC0415

    for result in summary.evaluations:
        whose = f"{summary.comparison.first}: " if summary.comparison else ""
        say(f"{whose}autonomous success {result.success}, {result.mean_steps:.1f} steps an episode")
    for line in told(summary.comparison) if summary.comparison else ():
        say(line)
    if cells:
        from rich.console import Console  # noqa: PLC0415

        from hilrt.data.places import grid_of  # noqa: PLC0415
        from hilrt.report.cells import cells_table  # noqa: PLC0415

        of_both = [summary.cells, *([summary.comparison.cells] if summary.comparison else [])]
        for each in of_both:
            Console().print(cells_table(grid_of(folder.config(), *cells), each))
        say(f"map, and film strips of failures: {folder.path}")
    say(f"details: {folder.path / 'summary.json'}")


def _report_training(folder: "RunFolder", summary: "Summary") -> None:
    say(f"{summary.online_steps} online steps, {summary.human_steps} of them human, {summary.wall_s:.0f} s")
    for result in summary.evaluations:
        when = f"after {result.online_steps:6d} steps" if result.online_steps else "before the first step"
        say(f"  {when:>21}: autonomous success {result.success}")
    say(f"run folder: {folder.path}")
    say(f"evaluate:   hilrt eval {folder.path}")
    if summary.online_steps < folder.config().learner.online_steps:
        say(f"go on:      hilrt train --resume {folder.path}")
    else:
        say(longer(folder.path, summary.online_steps))
    say(f"dashboards: hilrt dashboard {folder.path.parent}")
