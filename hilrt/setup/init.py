"""A task file for a real arm: what is plugged in is looked for, what nobody can see is asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from msgspec import Struct

from hilrt.config import taskfile
from hilrt.devices.feetech.port import ports
from hilrt.errors import ConfigError
from hilrt.setup.console import Console

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

NEXT = """{path} is written. What comes next (docs/guide/first-day.md):
  hilrt setup-motors {path}    # motors that are new
  hilrt calibrate {path}
  hilrt doctor {path}
  hilrt teleoperate {path}
  hilrt record {path}"""


def filled(known: Outfit, usual: Outfit) -> Outfit:
    """What is known, and for the rest what is usual."""
    return Outfit(
        arm=known.arm or usual.arm,
        port=known.port or usual.port,
        device=known.device or usual.device,
        leader_port=known.leader_port or usual.leader_port,
        cameras=usual.cameras if known.cameras is None else known.cameras,
    )


async def asked(console: Console, known: Outfit, pictures: Path, dev: Path = Path("/dev")) -> Outfit:
    """All of it: what is known, found, or answered.

    Args:
        console: the operator.
        known: is not asked for.
        pictures: folder for one of each camera.
        dev: where ports and cameras are.
    """
    arm = known.arm or await console.ask("Which arm is it?", ARMS, ARMS[0])
    device = known.device or await console.ask("What do you drive it with?", tuple(DEVICES), "keyboard")
    plugged = [port for port in ports(dev) if port not in {known.port, known.leader_port}]
    port = known.port or await _port(console, "arm", plugged, PORT)
    leader = known.leader_port
    if device == "leader" and not leader:
        leader = await _port(console, "leader arm", [p for p in plugged if p != port], LEADER_PORT)
    cameras = await _cameras(console, pictures, dev) if known.cameras is None else known.cameras
    return Outfit(arm=arm, port=port, device=device, leader_port=leader, cameras=cameras)


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


async def _cameras(console: Console, pictures: Path, dev: Path) -> dict[str, dict[str, Any]]:
    from hilrt.setup.cameras import find_cameras  # noqa: PLC0415 - cv2 is slow to import, and not always needed

    named: dict[str, dict[str, Any]] = {}
    for found in find_cameras(console.say, pictures, _devices(dev)):
        name = await console.ask(
            f"A name for the camera of {found.picture} (front, wrist)? Enter leaves it out."
        )
        if not name:
            continue
        mode = min(found.modes, key=lambda mode: (mode.width, mode.height) != SIZE)
        size = {"width": mode.width, "height": mode.height, "fps": round(mode.fps)}
        named[name] = camera(_stable(found.path, dev)) | size
    return named


def _devices(dev: Path) -> list[Path]:
    return sorted(dev.glob("video*"))


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


def create(path: Path, written: tomlkit.TOMLDocument) -> None:
    """Write it where nothing is.

    Raises:
        ConfigError: something is there, or nothing can be.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(tomlkit.dumps(written))
    except FileExistsError:
        raise ConfigError(str(path), "is there already.", "Give another name, or remove it.") from None
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror}.", "Check the path.") from error
