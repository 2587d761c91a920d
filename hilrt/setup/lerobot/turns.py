"""From LeRobot's values to hilrt's: names, units, and what to do about those that hilrt does not take."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from msgspec import UNSET

from hilrt.config import Robot, Teleop
from hilrt.setup.lerobot.rule import Instead, Value

ROBOTS: tuple[str, ...] = get_args(Robot.__annotations__["type"])
TELEOPS: dict[str, str] = {name: name for name in get_args(Teleop.__annotations__["type"])} | {
    "keyboard_ee": "keyboard"
}
END_EFFECTOR = "_end_effector"
"""Ending of the types that moved an end effector in earlier versions; here every arm can."""
AS_HERE = "it is so here"
WEIGHTS = "model.safetensors"
ENCODERS = {r"resnet-?10(?!\d)": "resnet10", r"resnet-?18(?!\d)": "resnet18"}


def robot_type(value: Value) -> Value | Instead:
    """SO-100 and SO-101 alone."""
    plain = str(value).removesuffix(END_EFFECTOR)
    if plain in ROBOTS:
        return plain
    return Instead(ROBOTS[0], f"hilrt drives SO-100 and SO-101 arms: {' or '.join(ROBOTS)}.")


def teleop_type(value: Value) -> Value | Instead:
    """A device that hilrt knows."""
    plain = str(value).removesuffix(END_EFFECTOR)
    if plain in TELEOPS:
        return TELEOPS[plain]
    return Instead("keyboard", "no such device here: gamepad, keyboard, so100_leader or so101_leader.")


def camera_type(value: Value) -> Value | Instead:
    """Cameras are V4L2 devices."""
    if value == "opencv":
        return "opencv"
    return Instead(
        "opencv",
        "cameras are V4L2 devices here: put its /dev/video... into index_or_path (hilrt find-cameras).",
    )


def rotation(value: Value) -> Value | Instead:
    """Clockwise [deg]; a quarter turn to the left is -90 there, 270 here."""
    return 270 if value == -90 else value


def plain_name(value: Value) -> Value | Instead:
    """What can begin a folder's name, and is no way out of it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", str(value))[:40].strip("-.") or "lerobot"


def crops(value: Value) -> Value | Instead:
    """By the camera's own name."""
    if not isinstance(value, dict):
        return Instead(UNSET, "are no regions by camera.")
    return {name.rpartition("observation.images.")[2]: crop for name, crop in value.items()}


def pose(value: Value) -> Value | Instead:
    """Five joints [deg], gripper [0 .. 100], as there; a gripper beyond its ends is brought to them."""
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 6 or not all(isinstance(number, int | float) for number in numbers):
        return Instead(UNSET, "no six numbers, which a start pose has.")
    if 0 <= numbers[-1] <= 100:
        return value
    shut = min(max(float(numbers[-1]), 0.0), 100.0)
    return Instead([*numbers[:-1], shut], f"the gripper's position is 0 .. 100: {shut:g} is written.")


def on_each_axis(value: Value) -> Value | Instead:
    """One step size for all three."""
    return dict.fromkeys("xyz", value)


def urdf(value: Value) -> Value | Instead:
    """A file that is here."""
    if Path(str(value)).expanduser().is_file():
        return value
    text = "no such file here; hilrt's own description is that of so101_new_calib.urdf"
    return Instead(UNSET, text, mend=False)


def device(value: Value) -> Value | Instead:
    """`cuda` fell back to the CPU there; so does `auto`."""
    if value == "cuda":
        return "auto"
    if str(value) == "cpu" or str(value).startswith("cuda:"):
        return value
    return Instead(UNSET, "hilrt runs on cpu or cuda; `auto` chooses.")


def encoder(value: Value) -> Value | Instead:
    """Options of `[policy]` for a vision encoder, by its name on the hub or its folder."""
    name = kind_of_encoder(value)
    if name is None:
        return Instead(
            UNSET,
            'no such encoder here: "pretrained", "resnet10", "resnet18", "conv" (docs/guide/encoders.md).',
        )
    text = str(value)
    if (file := Path(text).expanduser() / WEIGHTS).is_file():
        return {"encoder": name, "weights": str(file)}
    if text.startswith(("/", "~", ".")):
        return Instead(
            {"encoder": name}, f"has no {WEIGHTS} here: docs/guide/encoders.md says where to get it."
        )
    return {"encoder": name}


def frozen(value: Value) -> Value | Instead:
    """Whether an encoder is trained along."""
    if value:
        return Instead(UNSET, AS_HERE, mend=False)
    return Instead(UNSET, 'a resnet is frozen here. policy.encoder = "conv" is trained with the policy.')


def classifier_encoder(value: Value) -> Value | Instead:
    """By its name on the hub or its folder."""
    name = kind_of_encoder(value)
    if name is None:
        return Instead(UNSET, "no such encoder here; the classifier has the policy's.")
    return name


def kind_of_encoder(value: Value) -> str | None:
    """The one that a name on the hub, or a folder's, means."""
    return next((ours for there, ours in ENCODERS.items() if re.search(there, str(value).lower())), None)


def only(known: Value, trouble: str) -> Callable[[Value], Value | Instead]:
    """Nothing to carry over, and trouble with all values but one."""
    return lambda value: Instead(UNSET, AS_HERE, mend=False) if value == known else Instead(UNSET, trouble)
