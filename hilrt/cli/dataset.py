"""`hilrt dataset ...`: one function per command, no logic; heavy imports happen inside."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from hilrt.cli.words import Json, answer, examples, show

dataset = typer.Typer(
    help="Look at datasets of demonstrations, mend them, and exchange them with others.", no_args_is_help=True
)

Root = Annotated[
    Path, typer.Argument(metavar="ROOT", help="A dataset's folder: dataset.root of a task file.")
]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="The new dataset's folder.")]


def _numbers(text: str) -> list[int]:
    """`0-4,7` as numbers."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise typer.BadParameter(f"{text!r} is no list of episodes; write 0-4,7.")
        if int(last or first) < int(first):
            raise typer.BadParameter(f"{part} is no range; write {last}-{first}.")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


Some = Annotated[
    str | None, typer.Option("--episodes", metavar="0-4,7", help="Only these episodes; default: all.")
]
Pairs = Annotated[
    list[str] | None,
    typer.Option(metavar="OURS=THEIRS", help="Where a name differs: dx=action.0, or a camera's column."),
]
Factors = Annotated[
    list[str] | None,
    typer.Option(metavar="OURS=FACTOR[,OFFSET]", help="To our units: '*.pos=0.0174533' from degrees."),
]
Constants = Annotated[
    list[str] | None,
    typer.Option(metavar="OURS=VALUE", help="A constant for what it lacks: 'setpoint_error.*=0'."),
]
Pairing = Annotated[
    Literal["before", "after"] | None,
    typer.Option(
        help="A row's observation is of before its action, or after it; default: after if the data tell, else before."
    ),
]


@dataset.command(epilog=examples("hilrt dataset info datasets/so100"))
def info(root: Root, *, json: Json = False) -> None:
    """Show what a dataset has: episodes, steps, columns, successes, sizes, and what its journal still holds."""
    from hilrt.report.dataset import described  # noqa: PLC0415
    from hilrt.report.inventory import inventory  # noqa: PLC0415

    found = inventory(root)
    if json:
        answer(found)
    else:
        show(*described(found))


@dataset.command(epilog=examples("hilrt dataset verify datasets/so100"))
def verify(root: Root) -> None:
    """Check every rule of the format on disk; names each that is broken, by file and row."""
    from hilrt.jobs import datasets  # noqa: PLC0415

    if not datasets.verify(typer.echo, root):
        raise typer.Exit(1)


@dataset.command(epilog=examples("hilrt dataset recover datasets/so100"))
def recover(
    root: Root,
    journal: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Episodes from here; default: ROOT/journal.")
    ] = None,
) -> None:
    """Bring in all that the journal still has after a crash: cut episodes too, up to their last complete step."""
    from hilrt.jobs import datasets  # noqa: PLC0415

    datasets.recover(typer.echo, root, journal)


@dataset.command(epilog=examples("hilrt dataset merge datasets/both datasets/monday datasets/tuesday"))
def merge(
    out: Out, roots: Annotated[list[Path], typer.Argument(metavar="ROOT...", help="Datasets to join.")]
) -> None:
    """Join datasets into a new one; they stay as they are."""
    from hilrt.jobs import datasets  # noqa: PLC0415

    datasets.merge(typer.echo, out, roots)


@dataset.command(name="delete-episodes", epilog=examples("hilrt dataset delete-episodes datasets/so100 3 7"))
def delete_episodes(
    root: Root, numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Episodes, from 0.")]
) -> None:
    """Delete episodes; those behind them get smaller numbers. An interrupted one changes nothing."""
    from hilrt.jobs import datasets  # noqa: PLC0415

    datasets.delete_episodes(typer.echo, root, numbers)


@dataset.command(
    epilog=examples(
        "hilrt dataset export runs/RUN datasets/online --episodes 20-39",
        "hilrt dataset export datasets/so100 datasets/small --video",
    )
)
def export(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A dataset, or the folder of a run.")],
    out: Out,
    episodes: Some = None,
    video: Annotated[
        bool, typer.Option("--video", help="Pictures as H.264 video: a fraction of the size, not exact.")
    ] = False,
) -> None:
    """Copy episodes of a dataset or of a training run into a new dataset."""
    from hilrt.jobs import datasets  # noqa: PLC0415

    datasets.export(typer.echo, source, out, None if episodes is None else _numbers(episodes), video=video)


@dataset.command(
    name="import",
    epilog=examples("hilrt dataset import theirs datasets/ours --config configs/so100.toml"),
)
def import_(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A LeRobotDataset v3.0 made by others.")],
    root: Root,
    *,
    config: Annotated[
        Path, typer.Option(metavar="CONFIG", help="Task file that the demonstrations are for.")
    ],
    state_names: Annotated[
        str, typer.Option(metavar="A,B,...", help="Names of its observation.state, where it tells none.")
    ] = "",
    rename: Pairs = None,
    convert: Factors = None,
    fill: Constants = None,
    success: Annotated[
        bool, typer.Option("--success", help="Every episode ended in success, whatever its rewards say.")
    ] = False,
    success_from: Annotated[
        float | None,
        typer.Option(metavar="VALUE", help="Rewards are graded: a last one of VALUE or more is success."),
    ] = None,
    observation: Pairing = None,
    task: Annotated[
        str | None, typer.Option(metavar="THEIRS", help="Which of its tasks, where it has several.")
    ] = None,
) -> None:
    """Make demonstrations for `hilrt train` of a dataset that others recorded.

    Its columns are found by name; what is missing is told, all at once. Reward 1
    in the last row means success; an episode that ends without it was truncated.
    The last row becomes the final observation.
    """
    from hilrt.data.lerobot.mapping import Wishes  # noqa: PLC0415
    from hilrt.jobs import datasets  # noqa: PLC0415

    wishes = Wishes(
        state_names=tuple(filter(None, state_names.split(","))),
        rename=dict(_pair(text) for text in rename or []),
        convert={ours: _line(value) for ours, value in map(_pair, convert or [])},
        fill={ours: _number(value) for ours, value in map(_pair, fill or [])},
        success=success,
        success_from=success_from,
        pairing=observation,
        task=task,
    )
    datasets.import_(typer.echo, source, root, config, wishes)


def _pair(text: str) -> tuple[str, str]:
    ours, equals, value = text.partition("=")
    if not (ours and equals and value):
        raise typer.BadParameter(f"{text!r}: write OURS=VALUE.")
    return ours, value


def _line(text: str) -> tuple[float, float]:
    factor, _, offset = text.partition(",")
    return _number(factor), _number(offset or "0")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no number.") from None


@dataset.command(epilog=examples("hilrt dataset view datasets/so100 --episodes 0-4"))
def view(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A dataset, or the folder of a run.")],
    episodes: Some = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For PNG files; default: episodes.")
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For TensorBoard, in place of PNG files or beside them."),
    ] = None,
) -> None:
    """Draw each episode: a film strip of each camera, and under it actions, gripper, reward and who decided."""
    from hilrt.report.episodes import view  # noqa: PLC0415

    folder = png if png or tensorboard else Path("episodes")
    view(typer.echo, source, None if episodes is None else _numbers(episodes), folder, tensorboard)
