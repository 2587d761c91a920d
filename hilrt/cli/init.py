"""The command that writes a first task file; imports inside."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from hilrt.cli.words import SET_UP, examples, finish, say

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
    pictures: Annotated[Path, typer.Option(help="Folder for a picture of each camera.")] = Path("cameras"),
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take what is usual.")] = False,
) -> None:
    """Write a task file for a real arm: looks for ports and cameras, and asks what it cannot see."""
    from hilrt.setup.init import NEXT, USUAL, Outfit, asked, camera, create, filled, task_file  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    pairs = [pair.partition("=") for pair in cameras or []]
    if bad := [name for name, _, source in pairs if not (name and source)]:
        raise typer.BadParameter(f"{bad[0]!r} is not NAME=SOURCE, as in front=0", param_hint="--camera")
    known = Outfit(
        arm=arm or "",
        port=port,
        device=device or "",
        leader_port=leader_port,
        cameras={name: camera(source) for name, _, source in pairs} if cameras else None,
    )
    outfit = filled(known, USUAL) if yes else finish(asked(TerminalConsole(), known, pictures))
    create(path, task_file(path, task or path.stem, outfit))
    say(NEXT.format(path=path))
