"""What one field alone does not tell: units that depend on another, and options that the files leave open."""

from msgspec import structs

from hilrt.errors import ForeignConfigError
from hilrt.setup.lerobot.reading import Reading, Row
from hilrt.setup.lerobot.turns import plain_name

POSE = "processor.reset.fixed_reset_joint_positions"
BOX = "processor.inverse_kinematics.end_effector_bounds"
MOST_HZ = 200
"""A higher rate is refused."""
SLOWER_HZ = 10
"""Of an environment that does not say, in earlier versions of LeRobot; in later ones it is 30."""
SHIPPED_POSE = [2.5, -7.5, 9.0, 88.5, -84.7, 50.0]
SHIPPED_BOX = {"min": [0.13, -0.12, 0.01], "max": [0.31, 0.12, 0.12]}
"""Those of configs/so100.toml."""


def adjust(reading: Reading) -> None:
    """Bring what was carried over to hilrt's units, and fill in what it must have.

    Raises:
        ForeignConfigError: no file says which arm.
    """
    if not any(path[0] == "robot" for path in reading.claims):
        cure = "Add it: hilrt import-config ENV.json TRAIN.json --out TASK.toml."
        raise ForeignConfigError(
            "these files", "have no arm: the environment's configuration is missing", cure
        )
    _rate(reading)
    _cameras(reading)
    _operator(reading)
    _gripper(reading)
    _pose(reading)
    _gaps(reading)
    _dataset(reading)


def _rate(reading: Reading) -> None:
    """A discount is of a step there, and of 0.1 s here."""
    if reading.value("env.fps") is None:
        text = "none there: LeRobot's default was 10, and is 30 in later versions. A step is of a tick: 10 is slower."
        reading.put("env.fps", SLOWER_HZ, "none there", text)
    fps, discount = reading.value("env.fps"), reading.value("learner.discount")
    if not isinstance(fps, int | float) or not isinstance(discount, int | float):
        return
    if 0 < fps <= MOST_HZ and fps != 10 and 0 < discount <= 1:
        reading.put(
            "learner.discount", round(discount ** (fps / 10), 6), f"{discount:g} a step; here for 0.1 s"
        )


def _cameras(reading: Reading) -> None:
    """Width and height are of the turned picture there, of what the camera gives here."""
    for path, claim in list(reading.claims.items()):
        if path[:2] == ("robot", "cameras") and path[3:] == ("rotation",) and claim.value in (90, 270):
            width, height = (("robot", "cameras", path[2], side) for side in ("width", "height"))
            if width in reading.claims and height in reading.claims:
                sides = reading.claims[width], reading.claims[height]
                for here, there in zip((height, width), sides, strict=True):
                    turned = "before rotation; LeRobot's are those of the turned picture"
                    reading.claims[here] = structs.replace(there, comment=turned)


def _operator(reading: Reading) -> None:
    mode = str(reading.notes.get("control_mode") or "")
    if reading.value("teleop.type") is None:
        kind = mode if mode in {"gamepad", "keyboard"} else "keyboard"
        reading.put("teleop.type", kind, "gamepad, keyboard, so100_leader or so101_leader")
    leads = reading.value("teleop.type").endswith("_leader")
    if mode and leads is not mode.startswith("leader"):
        reading.put(
            "teleop.type",
            reading.value("teleop.type"),
            f'there control_mode = "{mode}"',
            f'control_mode is "{mode}", which is another device. Here the type alone decides.',
        )
    if leads and mode == "leader_automatic":
        reading.put("teleop.auto_takeover", True, 'control_mode = "leader_automatic"')
    for key in ("port", "id"):
        if leads and not reading.value(f"teleop.{key}"):
            _fill(reading, f"teleop.{key}", {"port": "/dev/ttyACM1", "id": "leader"}[key])
        elif not leads and ("teleop", key) in reading.claims:
            reading.drop(("teleop", key), "is for leader arms; left out: nothing to do.")


def _gripper(reading: Reading) -> None:
    """Three outputs and no gripper commands: the policy there never moved it, whatever `use_gripper` said."""
    outputs = reading.notes.get("outputs")
    action = outputs.get("action") if isinstance(outputs, dict) else None
    moves = reading.value("processor.gripper.use_gripper") is not False
    if (
        isinstance(action, dict)
        and action.get("shape") == [3]
        and moves
        and "gripper commands" not in reading.notes
    ):
        option = "processor.gripper.use_gripper"
        text = "the policy there had three outputs, none for the gripper; here it has. For the same set it to false."
        reading.troubles.append(Row("", option, True, text))


def _pose(reading: Reading) -> None:
    """The start pose in degrees, and its gripper no wider than the widest opening."""
    pose, widest = reading.value(POSE), reading.value("processor.max_gripper_pos")
    if pose is None:
        reading.put(
            POSE, SHIPPED_POSE, "no start pose there", "no start pose: hilrt fit CONFIG --start-here --write."
        )
    elif reading.notes.get("use_degrees") is False:
        trouble = "joints were no degrees (use_degrees = false): an arm's own is written. "
        reading.put(
            POSE, SHIPPED_POSE, f"{pose}, no degrees", f"{trouble}hilrt fit CONFIG --start-here --write."
        )
    elif isinstance(widest, int | float) and 0 < widest < pose[-1]:
        reading.put(
            POSE,
            [*pose[:-1], widest],
            f"gripper {pose[-1]:g}",
            "the gripper was wider open than max_gripper_pos.",
        )


def _gaps(reading: Reading) -> None:
    """What hilrt must have, and LeRobot leaves open."""
    for option, value in (
        ("robot.type", "so100_follower"),
        ("robot.port", "/dev/ttyACM0"),
        ("robot.id", "follower"),
    ):
        if not reading.value(option):
            _fill(reading, option, value)
    if not reading.value("env.task"):
        _fill(reading, "env.task", "task")
    moves_tool = any(path[:2] == ("processor", "inverse_kinematics") for path in reading.claims)
    for end, corner in SHIPPED_BOX.items() if moves_tool else ():
        if reading.value(f"{BOX}.{end}") is None:
            reading.put(f"{BOX}.{end}", corner, "no box there", "no box: hilrt find-limits CONFIG --write.")


CURES = {
    "robot.port": "hilrt find-port finds it.",
    "teleop.port": "hilrt find-port finds it.",
    "robot.id": "it names the calibration file.",
    "teleop.id": "it names the calibration file.",
    "robot.type": "so100_follower or so101_follower.",
    "env.task": "give the task a name.",
}


def _fill(reading: Reading, option: str, value: str) -> None:
    reading.put(option, value, f"none there; {CURES[option].rstrip('.')}", f"none there. {CURES[option]}")


def _dataset(reading: Reading) -> None:
    """A folder of hilrt's own for demonstrations: those of LeRobot are brought into it."""
    name = str(reading.notes.get("repo_id") or reading.value("env.task")).rpartition("/")[2]
    reading.put("dataset.root", f"datasets/{plain_name(name)}", "hilrt's own: LeRobot's are imported into it")
