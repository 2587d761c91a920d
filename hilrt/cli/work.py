"""The commands of everyday work: one function each, no logic; heavy imports happen inside."""

import re
from pathlib import Path
from typing import Annotated

import typer

from hilrt.cli.words import DEMONSTRATE, SET_UP, Override, TaskFile, examples, say

work = typer.Typer()


@work.command(
    rich_help_panel=DEMONSTRATE,
    epilog=examples("hilrt teleoperate configs/sim_so100.toml --set teleop.type=keyboard"),
)
def teleoperate(config: TaskFile, set_: Override = None) -> None:
    """Drive the arm with the operator's device; nothing is recorded. The screen shows how far it has been.

    Keys: arrows, shift + arrows and ctrl + arrows move, s or Esc goes back to the
    start pose, q stops. What a gamepad's buttons mean: docs/guide/operator.md.
    """
    from hilrt.jobs import teleoperate as job  # noqa: PLC0415

    folder = job.teleoperate(config, set_ or [])
    say(f"log: {folder.path / 'log.txt'}")


@work.command(
    rich_help_panel=DEMONSTRATE,
    epilog=examples(
        "hilrt record configs/sim_so100.toml",
        "hilrt record configs/so100.toml --set dataset.num_episodes_to_record=10",
    ),
)
def record(config: TaskFile, set_: Override = None) -> None:
    """Record demonstrations into the config's dataset folder, behind those that are there.

    The screen shows which keys do what. On a keyboard: s success, Esc failure
    (kept, not counted), r throws the episode away and starts it again, q stops.
    """
    from hilrt.jobs import record as job  # noqa: PLC0415

    folder, summary = job.record(config, set_ or [])
    succeeded, kept = summary.successes["demo"], summary.episodes["demo"]
    dataset = folder.config().dataset
    say(f"recorded into {dataset.root}: {succeeded} successful, {kept - succeeded} failed")
    if (rest := dataset.num_episodes_to_record - succeeded) > 0:
        say(f"for the rest, the same again with: --set dataset.num_episodes_to_record={rest}")


@work.command(
    rich_help_panel=DEMONSTRATE,
    epilog=examples("hilrt label datasets/so100", "hilrt label datasets/so100 --episode 3 --success-from 85"),
)
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

    Without an option that says what is right a window opens. Its keys: left and
    right, with shift by 10; up and down for episodes; space plays; s success from
    here on, f failure, 1 to 9 a class, at its first observation and at its last;
    u takes back; q quits. Each correction is saved at once.
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


@work.command(
    rich_help_panel=DEMONSTRATE, epilog=examples("hilrt replay configs/so100.toml --episode 3 --speed 0.3")
)
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

    Keys: q stops, and so do Ctrl-C and the gamepad's stop button; the arm then
    holds.
    """
    from hilrt.jobs import replay as job  # noqa: PLC0415
    from hilrt.run.job import Playback  # noqa: PLC0415

    playback = Playback(dataset=str(dataset or ""), episode=episode, actions=actions, speed=speed)
    folder, outcome = job.replay(config, playback, set_ or [])
    say(outcome)
    say(f"log: {folder.path / 'log.txt'}")


@work.command(
    rich_help_panel=SET_UP, epilog=examples("hilrt schema", "hilrt schema --out configs/hilrt.schema.json")
)
def schema(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there, not to the terminal.")
    ] = None,
) -> None:
    """Print a JSON Schema of the task file, by which editors complete, explain and check it."""
    from hilrt.config.schema import encoded, write  # noqa: PLC0415

    if out:
        write(out)
        say(f"written: {out}; the first line of a task file names it: #:schema ./{out.name}")
    else:
        say(encoded().rstrip())


@work.command(rich_help_panel=SET_UP, epilog=examples("hilrt pipeline configs/sim_so100.toml"))
def pipeline(config: TaskFile, set_: Override = None) -> None:
    """Print the steps from measurements to the policy and from actions to the arm; no device is needed."""
    from rich.console import Console  # noqa: PLC0415

    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.report.pipelines import tables  # noqa: PLC0415

    for table in tables(taskfile.load(config, set_ or [])):
        Console().print(table)
