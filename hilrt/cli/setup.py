"""Commands that set up an arm, its cameras and its workspace: one function each, no logic; imports inside."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hilrt.cli.words import SET_UP, Json, Override, Side, answer, examples, finish, say

setup = typer.Typer()

IsLeader = Annotated[
    bool, typer.Option("--leader", help="The leader arm that teleop names, not the follower.")
]
RealArm = Annotated[Path, typer.Argument(metavar="[CONFIG]", help="Task file of a real arm.")]
SO100 = Path("configs/so100.toml")


@setup.command(name="find-port", rich_help_panel=SET_UP, epilog=examples("hilrt find-port"))
def find_port() -> None:
    """Find an arm's serial port: you unplug its USB cable and plug it in again."""
    from hilrt.setup.ports import find_port  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    finish(find_port(TerminalConsole()))


@setup.command(
    name="find-cameras",
    rich_help_panel=SET_UP,
    epilog=examples("hilrt find-cameras", "hilrt find-cameras --pictures /tmp/cameras"),
)
def find_cameras(
    pictures: Annotated[Path, typer.Option(help="Folder for a picture of each.")] = Path("cameras"),
) -> None:
    """Try every camera: the resolutions and rates that work, and a picture of what it sees."""
    from hilrt.setup.cameras import find_cameras  # noqa: PLC0415

    find_cameras(say, pictures)


@setup.command(
    name="setup-motors",
    rich_help_panel=SET_UP,
    epilog=examples(
        "hilrt setup-motors configs/so100.toml", "hilrt setup-motors configs/so100_leader.toml --leader"
    ),
)
def setup_motors(config: RealArm = SO100, side: Side = "", leader: IsLeader = False) -> None:
    """Give new motors their ids and baud rate; you connect them one at a time, in any order.

    Can be stopped and started again: motors that are set already are recognised.
    """
    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.setup.motors import setup_motors  # noqa: PLC0415
    from hilrt.setup.place import Place  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    place = Place.of(taskfile.load(config), side, leader=leader)
    finish(setup_motors(TerminalConsole(), place))


@setup.command(
    rich_help_panel=SET_UP,
    epilog=examples("hilrt calibrate configs/so100.toml", "hilrt calibrate configs/so100.toml --touch"),
)
def calibrate(
    config: RealArm = SO100,
    side: Side = "",
    leader: IsLeader = False,
    check: Annotated[bool, typer.Option("--check", help="Compare file and motors; write nothing.")] = False,
    touch: Annotated[
        bool,
        typer.Option("--touch", help="Of a calibrated arm: find zero offsets, at five marks on the table."),
    ] = False,
    shut: Annotated[
        bool, typer.Option("--shut", help="Of a calibrated arm: how far its empty gripper shuts.")
    ] = False,
) -> None:
    """Find each joint's middle and range: you move the arm by hand.

    Writes the motors and the calibration file, at the end and in one go; before
    that Ctrl-C changes nothing.
    """
    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.setup.calibrate import calibrate, check_calibration  # noqa: PLC0415
    from hilrt.setup.place import Place  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    if (touch or shut) and (leader or check or touch is shut):
        raise typer.BadParameter("--touch and --shut are for a follower arm, and stand alone.")
    if touch or shut:
        from hilrt.setup.shut import learn_shut  # noqa: PLC0415
        from hilrt.setup.touch import touch as learn_zeros  # noqa: PLC0415

        finish((learn_zeros if touch else learn_shut)(TerminalConsole(), taskfile.load(config), side))
        return
    place = Place.of(taskfile.load(config), side, leader=leader)
    finish(check_calibration(say, place) if check else calibrate(TerminalConsole(), place))


@setup.command(rich_help_panel=SET_UP, epilog=examples("hilrt release configs/so100.toml"))
def release(config: RealArm = SO100, side: Side = "", leader: IsLeader = False) -> None:
    """Let an arm down that is under torque; you hold it. Two arms go one after the other."""
    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.setup.place import Place  # noqa: PLC0415
    from hilrt.setup.release import release  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    for place in Place.each(taskfile.load(config), side, leader=leader):
        finish(release(TerminalConsole(), place))


@setup.command(rich_help_panel=SET_UP, epilog=examples("hilrt unfault configs/so100.toml"))
def unfault(config: RealArm = SO100, side: Side = "", leader: IsLeader = False) -> None:
    """Say which motors have switched themselves off, and why; clear what can be cleared. You hold the arm."""
    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.setup.place import Place  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415
    from hilrt.setup.unfault import unfault  # noqa: PLC0415

    places = Place.each(taskfile.load(config), side, leader=leader)
    well = [finish(unfault(TerminalConsole(), place)) for place in places]
    if not all(well):
        raise typer.Exit(1)


@setup.command(
    name="find-limits",
    rich_help_panel=SET_UP,
    epilog=examples(
        "hilrt find-limits configs/so100.toml --write",
        "hilrt find-limits configs/so100.toml --teleoperate --write",
    ),
)
def find_limits(
    config: RealArm = SO100,
    side: Side = "",
    teleoperate: Annotated[
        bool, typer.Option("--teleoperate", help="Drive with the config's operator device, not by hand.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put the box into CONFIG; comments are kept.")
    ] = False,
    set_: Override = None,
) -> None:
    """Find the workspace: you move the arm through all it will have to reach, by hand or with --teleoperate.

    With --teleoperate the keys are those of `hilrt teleoperate`, q ends; two arms
    are followed both at once.
    """
    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.jobs import teleoperate as job  # noqa: PLC0415
    from hilrt.setup import limits  # noqa: PLC0415
    from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

    if write:
        limits.require_box(config)
    if teleoperate:
        say("Drive the gripper through the whole space that the task needs; q ends it.")
        extents = job.find_limits(config, set_ or [], side)
    else:
        by_hand = limits.find_limits(TerminalConsole(), taskfile.load(config, set_ or []), side)
        extents = {side: finish(by_hand)}
    found = limits.moved(extents)
    for name, extent in found.items():
        say(extent.toml(name))
    if write:
        limits.write_limits(config, found)
        say(f"written into {config}")


@setup.command(
    rich_help_panel=SET_UP,
    epilog=examples("hilrt doctor configs/so100.toml", "hilrt doctor configs/so100.toml --motion"),
)
def doctor(
    config: RealArm = SO100,
    show: Annotated[
        bool,
        typer.Option(
            "--show",
            help="Ask for each control of the config's gamepad, then print live what it, or the keyboard, sends.",
        ),
    ] = False,
    motion: Annotated[
        bool,
        typer.Option(
            "--motion",
            help="Move each joint a few degrees: play, dead zone, lag, load, now and the first time.",
        ),
    ] = False,
    side: Side = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="With --motion: do not ask before the arm moves.")
    ] = False,
    json: Json = False,
) -> None:
    """Look at motors, calibration, leader arms, cameras and this computer; one line each, ok or what to do.

    Nothing moves without --motion, which says before what will move.
    """
    from hilrt.config import taskfile  # noqa: PLC0415
    from hilrt.setup.doctor import doctor, examine  # noqa: PLC0415

    if (side or yes) and not motion:
        raise typer.BadParameter("--arm and --yes belong to --motion.")
    if motion + show + json > 1:
        raise typer.BadParameter("give one of --motion, --show and --json.")
    if motion:
        from hilrt.setup.motion import examine_motion  # noqa: PLC0415
        from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

        if not finish(examine_motion(TerminalConsole(), taskfile.load(config), side, yes=yes)):
            raise typer.Exit(1)
    elif show:
        from hilrt.devices.show import show as lines  # noqa: PLC0415
        from hilrt.setup.pads import check_pad  # noqa: PLC0415
        from hilrt.setup.terminal import TerminalConsole  # noqa: PLC0415

        teleop = taskfile.load(config).teleop
        if teleop.type == "gamepad" and sys.stdin.isatty():
            finish(check_pad(TerminalConsole(), teleop.device))
        for line in lines(teleop.device, teleop.dead_zone):
            say(line)
    elif json:
        findings = finish(examine(taskfile.load(config), str(config)))
        answer(findings)
        if not all(finding.ok for finding in findings):
            raise typer.Exit(1)
    elif not finish(doctor(say, taskfile.load(config), str(config))):
        raise typer.Exit(1)
