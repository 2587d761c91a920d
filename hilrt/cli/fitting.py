"""Commands that fit the task file to its demonstrations: one function each, no logic; heavy imports happen inside."""

from pathlib import Path
from typing import Annotated

import typer

from hilrt.cli.words import DEMONSTRATE, Override, Side, TaskFile, examples, finish, say, show

fitting = typer.Typer()


@fitting.command(
    rich_help_panel=DEMONSTRATE,
    epilog=examples(
        "hilrt fit configs/so100.toml --write", "hilrt fit configs/so100.toml --start-here --write"
    ),
)
def fit(
    config: TaskFile,
    write: Annotated[
        bool, typer.Option("--write", help="Put what is new into CONFIG; comments are kept.")
    ] = False,
    new_steps: Annotated[
        bool,
        typer.Option(
            "--new-steps", help="Propose step sizes by use too; demonstrations must be recorded anew then."
        ),
    ] = False,
    start_here: Annotated[
        bool, typer.Option("--start-here", help="The start pose alone, from where the arm stands now.")
    ] = False,
    side: Side = "",
    set_: Override = None,
) -> None:
    """Fit the task file to its demonstrations: workspace box, time limit, start pose, beside today's values."""
    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.setup import fit as job  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    loaded = taskfile.load(config, set_ or [])
    if start_here:
        found = finish(job.fit_here(TerminalConsole(), loaded, side))
    else:
        found = job.fit(loaded, side, new_steps=new_steps)
    show(found.table)
    for note in found.notes:
        say(note)
    if write:
        say(f"written into {config}" if found.write(config) else f"{config} has these values already")


@fitting.command(
    rich_help_panel=DEMONSTRATE,
    epilog=examples(
        "hilrt crop configs/so100.toml --suggest --write",
        "hilrt crop configs/so100.toml --roi front=40,80,300,400 --write",
    ),
)
def crop(
    config: TaskFile,
    write: Annotated[
        bool, typer.Option("--write", help="Put the regions into CONFIG; comments are kept.")
    ] = False,
    roi: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CAMERA=TOP,LEFT,HEIGHT,WIDTH", help="A region, in pixels; no window is opened then."
        ),
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Compute regions from what moves in successful episodes.")
    ] = False,
    pictures: Annotated[Path, typer.Option(help="Folder for pictures before and after.")] = Path("crop"),
    dataset: Annotated[
        Path | None, typer.Option(metavar="NEW", help="Also make a cropped and resized copy of the dataset.")
    ] = None,
    set_: Override = None,
) -> None:
    """Choose what the policy sees of each camera, on recorded pictures.

    In the window: drag a region, c confirms, r starts anew, n shows another
    picture, q stops.
    """
    from hilrt.setup.crop import crop  # noqa: PLC0415

    crop(
        say,
        config,
        set_ or [],
        rois=roi or [],
        suggest=suggest,
        write=write,
        pictures=pictures,
        copy=dataset,
    )
