"""The command that writes a first task file; imports inside."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hilrt.cli.words import SET_UP, examples, finish, say

if TYPE_CHECKING:
    from hilrt.setup.cameras import FoundCamera

init = typer.Typer()


@init.command(
    name="init",
    rich_help_panel=SET_UP,
    epilog=examples(
        "hilrt init cube.toml", "hilrt init cube.toml --yes --arm so101 --port /dev/ttyACM0 --camera front=0"
    ),
)
def begin(
    path: Annotated[Path, typer.Argument(metavar="TASK.toml", help="The new file; the task is called so.")],
    task: Annotated[str, typer.Option(help="What is to be done, in a word or two.")] = "",
    arm: Annotated[Literal["so101", "so100"] | None, typer.Option(help="Which arm it is.")] = None,
    port: Annotated[str, typer.Option(metavar="PATH", help="Serial device of the arm.")] = "",
    device: Annotated[
        Literal["keyboard", "gamepad", "leader"] | None, typer.Option(help="What you drive it with.")
    ] = None,
    leader_port: Annotated[str, typer.Option(metavar="PATH", help="Serial device of the leader arm.")] = "",
    cameras: Annotated[
        list[str] | None, typer.Option("--camera", metavar="NAME=SOURCE", help="Camera: number or device.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for a picture of each camera; default: cameras.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take what is usual.")] = False,
) -> None:
    """Write a task file for a real arm: looks for ports and cameras, and asks what it cannot see."""
    from hilrt.setup import init as job  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    if leader_port and device not in {None, "leader"}:
        raise typer.BadParameter(f"is of a leader, and the device is {device}", param_hint="--leader-port")
    if pictures and (yes or cameras):
        raise typer.BadParameter("no camera is looked for with --yes or --camera", param_hint="--pictures")
    known = job.Outfit(
        arm=arm or "",
        port=port,
        device=device or ("leader" if leader_port else ""),
        leader_port=leader_port,
        cameras={name: job.camera(source) for name, source in _sources(cameras).items()} if cameras else None,
    )
    job.require_free(path)
    if yes:
        outfit = job.filled(known, job.USUAL)
    else:
        console, lenses = TerminalConsole(), [] if cameras else _lenses(pictures or Path("cameras"))
        outfit = finish(job.asked(console, known, lenses))
    job.create(path, job.task_file(path, task or path.stem, outfit))
    say(job.come_next(path, outfit))


def _sources(cameras: list[str]) -> dict[str, str]:
    """Of each camera its number or device, by its name."""
    named: dict[str, str] = {}
    for name, _, source in (pair.partition("=") for pair in cameras):
        if not (name and source):
            raise typer.BadParameter(f"{name!r} is not NAME=SOURCE, as in front=0", param_hint="--camera")
        if name in named:
            raise typer.BadParameter(f"two cameras have the same name, {name}", param_hint="--camera")
        named[name] = source
    return named


def _lenses(pictures: Path) -> "list[FoundCamera]":
    """Cameras that give pictures; looked for before the questions, so that Ctrl-C ends the search at once."""
    from hilrt.setup.cameras import find_cameras  # noqa: PLC0415

    return find_cameras(say, pictures)
