"""The commands of everyday work: one function each, no logic; heavy imports happen inside."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilrt.cli.words import Checkpoint, Override, Run, TaskFile, say

if TYPE_CHECKING:
    from hilrt.report.summary import Summary
    from hilrt.run.folder import RunFolder

work = typer.Typer()


@work.command()
def teleoperate(config: TaskFile, set_: Override = None) -> None:
    """Drive the arm with the operator's device; nothing is recorded. The screen shows how far it has been.

    Keys: arrows, shift + arrows and ctrl + arrows move, s or Esc goes back to the start pose, q stops. What a
    gamepad's buttons mean: docs/guide/operator.md.
    """
    from hilrt.jobs import teleoperate as job  # noqa: PLC0415

    folder = job.teleoperate(config, set_ or [])
    say(f"log: {folder.path / 'log.txt'}")


@work.command()
def record(config: TaskFile, set_: Override = None) -> None:
    """Record demonstrations into the config's dataset folder, behind those that are there.

    The screen shows which keys do what. On a keyboard: s success, Esc failure (kept, not counted), r throws the
    episode away and starts it again, q stops.
    """
    from hilrt.jobs import record as job  # noqa: PLC0415

    folder, summary = job.record(config, set_ or [])
    succeeded, kept = summary.successes["demo"], summary.episodes["demo"]
    say(f"recorded into {folder.config().dataset.root}: {succeeded} successful, {kept - succeeded} failed")


@work.command()
def label(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Its folder: dataset.root.")],
    *,
    episode: Annotated[int | None, typer.Option(min=0, metavar="NUMBER", help="Which episode.")] = None,
    success_from: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="OBSERVATION", help="It succeeded, and this observation is the first of it."
        ),
    ] = None,
    success: Annotated[bool, typer.Option("--success", help="It succeeded at its end.")] = False,
    failure: Annotated[bool, typer.Option("--failure", help="It failed.")] = False,
    span: Annotated[
        str | None,
        typer.Option(metavar="FROM:TO=CLASS", help="Observations from FROM to before TO are of CLASS."),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back the last correction, of the episode or of all.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Show each episode as recorded and as corrected.")
    ] = False,
    classes: Annotated[
        str,
        typer.Option(metavar="A,B,...", help="Of the keys 1 to 9; the first is of what nothing is said of."),
    ] = "failure,success",
    reward_class: Annotated[str, typer.Option(metavar="CLASS", help="Which one is rewarded.")] = "success",
) -> None:
    """Correct when episodes of a dataset succeeded, on their pictures; every correction is kept, and can be undone.

    Without an option that says what is right a window opens. Its keys: left and right, with shift by 10; up and down
    for episodes; space plays; s success from here on, f failure, 1 to 9 a class, at its first observation and at its
    last; u takes back; q quits. Each correction is saved at once.
    """
    from rich.console import Console  # noqa: PLC0415

    from hilrt.jobs import label as job  # noqa: PLC0415

    wish = job.Wish(
        success_from=success_from, success=success, failure=failure, span=_span(span), undo=undo, list=list_
    )
    if len(wish.given) > 1:
        raise typer.BadParameter(f"{' and '.join(wish.given)}: one at a time.")
    if episode is None and wish.needs_episode:
        raise typer.BadParameter(f"{wish.given[0]}: of which episode? Add --episode NUMBER.")
    for part in job.label(dataset, wish, episode, classes.split(","), reward_class):
        Console().print(part, markup=False, highlight=False, soft_wrap=True)


def _span(text: str | None) -> tuple[int, int, str] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+):(\d+)=(.+)", text)
    if not found:
        raise typer.BadParameter(f"{text!r} is no span of observations; write 60:80=failure.")
    return int(found[1]), int(found[2]), found[3]


@work.command()
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
        say(f"episodes held out: {judged.explained:z.0%} of where the arm goes next is seen in the pictures")
        if judged.grasp_mm is not None:
            say(f"  and where it is at the gripper's next command to {judged.grasp_mm:.1f} mm (median)")


@work.command()
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


@work.command(name="eval")
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
    set_: Override = None,
) -> None:
    """Judge a run's policy, by default its newest: deterministic, operator off.

    With --grid the screen says before each episode where to put the object (a simulated one goes there by itself), and
    the evaluation's folder has a map, map.png, and a film strip of each failure. With --compare two policies take turns
    on the same places, and a paired test says whether they differ.
    """
    if grid and episodes:
        raise typer.BadParameter("--grid: how many episodes there are follows from --each.")
    if each and not grid:
        raise typer.BadParameter("--each is for the cells of --grid ROWSxCOLUMNS.")
    cells = _cells(grid) if grid else None
    from hilrt.jobs import evaluate as job  # noqa: PLC0415

    question = job.Question(episodes, checkpoint, cells, compare=compare or "")
    folder, summary = job.evaluate(run, question._replace(each=each) if each else question, set_ or [])
    _report_evaluation(folder, summary, cells)


def _cells(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9])x([1-9])", text)
    if not found:
        raise typer.BadParameter(f"{text!r} is no grid; write ROWSxCOLUMNS, as 3x3, of 1 to 9 each.")
    return int(found[1]), int(found[2])


@work.command(name="run")
def at_work(
    run: Run,
    episodes: Annotated[int | None, typer.Option(min=1, help="How many; default: until q.")] = None,
    checkpoint: Checkpoint = None,
    set_: Override = None,
) -> None:
    """Have a run's policy do its task, episode after episode, until q; take over whenever you like.

    Nobody learns meanwhile. All of it is recorded, and `hilrt train --resume RUN --with SESSION` learns from it.
    The keys are those of `hilrt train`.
    """
    from hilrt.jobs import work as job  # noqa: PLC0415

    folder, summary = job.work(run, episodes, set_ or [], checkpoint)
    if done := summary.work:
        say(f"succeeded:   {done.success}")
        say(f"without you: {done.autonomous}")
    say(f"{summary.online_steps} steps, {summary.human_steps} of them yours: {folder.path}")
    say(f"learn from them: hilrt train --resume {run} --with {folder.path} [--steps N]")


@work.command()
def replay(
    config: TaskFile,
    dataset: Annotated[
        Path | None,
        typer.Argument(metavar="[DATASET]", help="Its folder; default: the config's dataset.root."),
    ] = None,
    *,
    episode: Annotated[int, typer.Option(min=0, help="Number of the episode.")],
    actions: Annotated[
        bool, typer.Option("--actions", help="Play its actions through the pipelines, not its joint targets.")
    ] = False,
    speed: Annotated[float, typer.Option(min=0.05, max=1.0, help="Of the recording's.")] = 1.0,
    set_: Override = None,
) -> None:
    """Play a recorded episode on the arm: slowly to its first pose, then as it was; nothing is recorded.

    Keys: q stops, and so do Ctrl-C and the gamepad's stop button; the arm then holds.
    """
    from hilrt.jobs import replay as job  # noqa: PLC0415
    from hilrt.run.job import Playback  # noqa: PLC0415

    playback = Playback(dataset=str(dataset or ""), episode=episode, actions=actions, speed=speed)
    folder, outcome = job.replay(config, playback, set_ or [])
    say(outcome)
    say(f"log: {folder.path / 'log.txt'}")


@work.command()
def pipeline(config: TaskFile, set_: Override = None) -> None:
    """Print the steps from measurements to the policy and from actions to the arm; no device is needed."""
    from rich.console import Console  # noqa: PLC0415

    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.report.pipelines import tables  # noqa: PLC0415

    for table in tables(taskfile.load(config, set_ or [])):
        Console().print(table)


@work.command()
def status() -> None:
    """Show the runs that are alive on this computer."""
    from hilrt.report.live import show_live_runs  # noqa: PLC0415

    show_live_runs()


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
    say(f"dashboards: tensorboard --logdir {folder.path.parent}")
