"""A task file for a real arm: what is plugged in is looked for, what nobody can see is asked."""

import os
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from msgspec import Struct

from hilrt.config import taskfile
from hilrt.config.crosscheck import NAME
from hilrt.devices.feetech.port import ports
from hilrt.errors import ConfigError
from hilrt.setup.console import Console

if TYPE_CHECKING:
    from hilrt.setup.cameras import FoundCamera

TEMPLATE = Path(__file__).with_name("task.toml")
ARMS = ("so101", "so100")
DEVICES = {
    "keyboard": "driven from the keyboard",
    "gamepad": "driven by a gamepad",
    "leader": "led by a leader arm on another",
}
PORT, LEADER_PORT = "/dev/ttyACM0", "/dev/ttyACM1"
"""Where nothing is plugged in."""
SIZE = (640, 480)
"""Of a picture, where a camera has it."""


class Outfit(Struct, frozen=True, kw_only=True):
    """What is on the desk; what is empty or absent is not known yet."""

    arm: str = ""
    port: str = ""
    device: str = ""
    leader_port: str = ""
    cameras: Mapping[str, Mapping[str, Any]] | None = None
    """Tables of the task file, by name."""


USUAL = Outfit(arm=ARMS[0], port=PORT, device="keyboard", leader_port=LEADER_PORT, cameras={})

COMMANDS = ("setup-motors", "calibrate")
"""For each arm."""
THEN = ("doctor", "teleoperate", "record")


def filled(known: Outfit, usual: Outfit) -> Outfit:
    """What is known, and for the rest what is usual."""
    return Outfit(
        arm=known.arm or usual.arm,
        port=known.port or usual.port,
        device=known.device or usual.device,
        leader_port=known.leader_port or usual.leader_port,
        cameras=usual.cameras if known.cameras is None else known.cameras,
    )


def come_next(path: Path, outfit: Outfit) -> str:
    """What to do with the file that is written."""
    arms = ["", " --leader"] if outfit.device == "leader" else [""]
    lines = [f"  hilrt {command} {path}{arm}" for arm in arms for command in COMMANDS]
    lines += [f"  hilrt {command} {path}" for command in THEN]
    told = f"{path} is written. What comes next (docs/guide/first-day.md); setup-motors is for motors that are new:"
    return "\n".join([told, *lines])


async def asked(
    console: Console, known: Outfit, lenses: "Sequence[FoundCamera]", dev: Path = Path("/dev")
) -> Outfit:
    """All of it: what is known, found, or answered.

    Args:
        console: the operator.
        known: is not asked for.
        lenses: cameras that were found.
        dev: where ports and cameras are.
    """
    arm = known.arm or await console.ask("Which arm is it?", ARMS, ARMS[0])
    device = known.device or await console.ask("What do you drive it with?", tuple(DEVICES), "keyboard")
    plugged = _plugged(dev, known)
    port = known.port or await _port(console, "arm", plugged, PORT)
    leader = known.leader_port
    if device == "leader" and not leader:
        leader = await _port(console, "leader arm", [p for p in plugged if p != port], LEADER_PORT)
    cameras = await _cameras(console, lenses, dev) if known.cameras is None else known.cameras
    return Outfit(arm=arm, port=port, device=device, leader_port=leader, cameras=cameras)


def _plugged(dev: Path, known: Outfit) -> list[str]:
    """Adapters that are there, but for those that are known, by whatever name."""
    taken = {os.path.realpath(port) for port in (known.port, known.leader_port) if port}
    return [port for port in ports(dev) if os.path.realpath(port) not in taken]


async def _port(console: Console, whose: str, plugged: Sequence[str], usual: str) -> str:
    if not plugged:
        console.say(
            f"No adapter is plugged in for the {whose}: the file has {usual}. `hilrt find-port` tells yours."
        )
        return usual
    if len(plugged) == 1:
        console.say(f"The {whose}: {plugged[0]}, the only adapter there is.")
        return plugged[0]
    numbers = [str(number + 1) for number in range(len(plugged))]
    for number, path in zip(numbers, plugged, strict=True):
        console.say(f"  {number}  {path}")
    answer = await console.ask(
        f"Which is the {whose}'s? (`hilrt find-port` tells, by unplugging it.)", numbers
    )
    return plugged[int(answer) - 1]


async def _cameras(console: Console, lenses: "Sequence[FoundCamera]", dev: Path) -> dict[str, dict[str, Any]]:
    named: dict[str, dict[str, Any]] = {}
    for lens in lenses:
        name = await _name(console, lens.picture, named)
        if not name:
            continue
        mode = min(lens.modes, key=lambda mode: (mode.width, mode.height) != SIZE)
        size = {"width": mode.width, "height": mode.height, "fps": round(mode.fps)}
        named[name] = camera(_stable(lens.path, dev)) | size
    return named


async def _name(console: Console, picture: Path, taken: Container[str]) -> str:
    """One that a camera may have, and no other has; empty: the camera is not used."""
    while True:
        name = await console.ask(f"A name for the camera of {picture} (front, wrist)? Enter leaves it out.")
        if not name or (NAME.fullmatch(name) and name not in taken):
            return name
        console.say("That is another camera's." if name in taken else "Use letters, digits, _ and -.")


def camera(source: str) -> dict[str, Any]:
    """The table of one that is there, by its number, device or file."""
    return {
        "type": "opencv",
        "index_or_path": int(source) if source.isdecimal() else source,
        "width": SIZE[0],
        "height": SIZE[1],
        "fps": 30,
    }


def _stable(device: Path, dev: Path) -> str:
    """Its name that survives replugging, where it has one."""
    names = (path for path in sorted((dev / "v4l" / "by-id").glob("*")) if path.resolve() == device.resolve())
    return str(next(names, device))


def task_file(path: Path, task: str, outfit: Outfit) -> tomlkit.TOMLDocument:
    """The text, with its comments; the task is called as the file is.

    Raises:
        ConfigError: it would be no task file that hilrt takes.
    """
    text = TEMPLATE.read_text(encoding="utf-8").replace(DEVICES["keyboard"], DEVICES[outfit.device])
    written, name = tomlkit.parse(text), path.stem
    written["env"].update({"name": name, "task": task})
    written["dataset"]["root"] = f"datasets/{name}"
    robot, teleop = written["robot"], written["teleop"]
    robot.update({"type": f"{outfit.arm}_follower", "port": outfit.port})
    if outfit.device == "leader":
        teleop.update({"type": f"{outfit.arm}_leader", "port": outfit.leader_port, "id": "leader"})
    else:
        teleop["type"] = outfit.device
    if outfit.cameras:
        robot["cameras"] = outfit.cameras
        list(robot["cameras"].values())[-1].add(tomlkit.nl())
    else:
        del robot["cameras"], written["policy"]
    taskfile.from_tree(written.unwrap(), str(path), path.parent)
    return written


def require_free(path: Path) -> None:
    """Before anything is asked.

    Raises:
        ConfigError: something is there, or hilrt would not take a file of this name.
    """
    if os.path.lexists(path):
        raise _taken(path)
    task_file(path, path.stem, USUAL)


def _taken(path: Path) -> ConfigError:
    return ConfigError(str(path), "is there already.", "Give another name, or remove it.")


def create(path: Path, written: tomlkit.TOMLDocument) -> None:
    """Write it where nothing is.

    Raises:
        ConfigError: something is there, or nothing can be.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(tomlkit.dumps(written))
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror}.", "Check the path.") from error
