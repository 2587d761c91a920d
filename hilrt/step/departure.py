"""How conditions depart from others: what, by how much, and what that has cost people; or why it cannot be meant."""

from collections.abc import Iterator, Sequence

import msgspec

from hilrt.config import MOTORS, Bounds
from hilrt.step.conditions import ArmConditions, CameraConditions, Conditions

SEEN_M = 5e-4
SEEN_DEG = 0.05
"""Smaller ways are rounding."""

START = (
    "Days were lost in a public log to demonstrations that began at 7 cm and a training that began at 3 cm: what the "
    "policy meets first, nobody has shown it"
)
WIDER = (
    "Where nobody has been the policy guesses: a method that failed in a wide box picked within 40 minutes in a tight "
    "one"
)
NARROWER = "What lies outside is out of reach now, and the arm stops at the wall"
ZEROS = (
    "Equal angles are other places now (an elbow 12.5 degrees off put a gripper 4.8 cm beside the object), unless a "
    "motor was replaced or mounted anew"
)
ANOTHER_ARM = "No two arms bend and sag alike: look at the first episodes"
MIRRORED = "What was open is closed now, in every recorded position"
OPENING = "An open gripper is another width now, and may not go around the object"
GOALS = "Between two decisions the arm moves otherwise, later or in jerks"
GRIP = "A gripper holds with another force: what was carried may slip, or the servo let go of it"
SAG = "The arm hangs 7 to 16 mm lower without than with it, after the same actions"
SPEED = "A full action may be cut short now, or was then: the same action is another motion"
MODEL = "Equal angles are other places of the end effector now"
OWN_STEPS = "Steps of your own change what the policy's numbers mean"
ENVIRONMENT = "The same numbers may be other things in another environment"
SIMULATED = "A policy that won 18 of 20 on a stiff simulated arm won 7 of 20 on a soft one"
SCENE = "The policy meets, or sees, what it was not shown: success may fall, or it is what you want to know"
DEVICE = "See that it is still the same camera in the same place: success fell from 55 to 28 % by other light alone"
LENS = "Things may have another size, place or shape in the picture"
TURNED = "The picture stands otherwise, unless the camera was turned as well"
PICTURES = "Pictures may be older, darker or coarser: success fell from 55 to 28 % by other light alone"

WAYS = {
    "x": ("further back", "further forward"),
    "y": ("further right", "further left"),
    "z": ("lower", "higher"),
}


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that is another one now."""

    option: str
    """Where the task file has it."""
    what: str
    """Before and now, and by how much."""
    cost: str
    refused: bool = False
    """Whether the same numbers would mean something else, so that nobody should go on."""

    def __str__(self) -> str:
        return f"{self.option}: {self.what}. {self.cost}."


class _Field(msgspec.Struct, frozen=True):
    """A value that is told as it is."""

    name: str
    option: str
    unit: str
    cost: str
    refused: bool = False
    told: bool = True
    """A digest tells a person nothing."""


FIELDS = (
    _Field("open_position", "processor.gripper.open_position", "", MIRRORED, refused=True),
    _Field("max_gripper_pos", "processor.max_gripper_pos", " of 100", OPENING),
    _Field("start_range_mm", "processor.reset.start_range_m", " mm", START),
    _Field("area", "processor.reset.area", "", SCENE),
    _Field("goals_hz", "robot.command_hz", " Hz", GOALS),
    _Field("grip_lead_deg", "robot.grip_lead_deg", " degrees", GRIP),
    _Field("gravity_compensation", "robot.gravity_compensation", "", SAG),
    _Field("joint_velocity_deg_s", "safety.max_joint_velocity_deg_s", " degrees/s", SPEED),
    _Field("robot_type", "robot.type", "", ANOTHER_ARM),
    _Field("urdf", "processor.inverse_kinematics.urdf_path", "", MODEL, told=False),
    _Field("frame", "processor.inverse_kinematics.target_frame_name", "", MODEL),
    _Field("environment", "env.id, env.kwargs", "", ENVIRONMENT),
    _Field("own_steps", "processor.steps", "", OWN_STEPS),
)
CAMERA_FIELDS = (
    _Field("device", "index_or_path", "", DEVICE),
    _Field("width", "width", " pixels", LENS),
    _Field("height", "height", " pixels", LENS),
    _Field("rotation", "rotation", " degrees", TURNED),
    _Field("fps", "fps", " Hz", PICTURES),
    _Field("fourcc", "fourcc", "", PICTURES),
)


def departures(before: Conditions, now: Conditions) -> Iterator[Departure]:
    """What is otherwise now, of arms and cameras that are in both: features tell of the others."""
    for side, arm in now.arms.items():
        if side in before.arms:
            yield from _of_arm(before.arms[side], arm, side)
    for name, camera in now.cameras.items():
        if name in before.cameras:
            yield from _changed(before.cameras[name], camera, CAMERA_FIELDS, f"robot.cameras.{name}.")
            yield from _set_otherwise(before.cameras[name], camera, f"robot.cameras.{name}.controls.")
    yield from _changed(before, now, FIELDS)
    yield from _simulated(before, now)


def _changed(
    before: msgspec.Struct, now: msgspec.Struct, fields: Sequence[_Field], table: str = ""
) -> Iterator[Departure]:
    for field in fields:
        then, here = (getattr(each, field.name) for each in (before, now))
        if then is not None and then != here:
            what = f"{_text(then)}{field.unit} before, {_text(here)}{field.unit} now"
            what = what if field.told else "another file than before"
            yield Departure(option=table + field.option, what=what, cost=field.cost, refused=field.refused)


def _set_otherwise(before: CameraConditions, now: CameraConditions, table: str) -> Iterator[Departure]:
    """A camera's controls; of older recordings nobody knows them."""
    if before.controls is None or now.controls is None:
        return
    for key in sorted(before.controls.keys() | now.controls.keys()):
        then, here = (each.get(key, "the camera's own") for each in (before.controls, now.controls))
        if then != here:
            yield Departure(option=table + key, what=f"{then} before, {here} now", cost=PICTURES)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"


def _simulated(before: Conditions, now: Conditions) -> Iterator[Departure]:
    """The nature of simulated arms, and what lies before them; None is a real one."""
    if (before.sim is None) != (now.sim is None):
        then, here = ("a real arm" if each.sim is None else "a simulated one" for each in (before, now))
        yield Departure(option="sim", what=f"{then} before, {here} now", cost=SIMULATED)
        return
    for table, cost, its, others in (
        ("sim.arm", SIMULATED, before.sim or {}, now.sim or {}),
        ("sim", SCENE, before.scene or {}, now.scene or {}),
    ):
        for key in sorted(its.keys() & others.keys()):
            if its[key] != others[key]:
                what = f"{_text(its[key])} before, {_text(others[key])} now"
                yield Departure(option=f"{table}.{key}", what=what, cost=cost)


def _of_arm(before: ArmConditions, now: ArmConditions, side: str) -> Iterator[Departure]:
    of_arm = f" of the {side} arm" if side else ""
    if words := "; ".join(_moved(before, now)):
        table = "" if side else "processor.reset."
        yield Departure(option=f"{table}fixed_reset_joint_positions{of_arm}", what=words, cost=START)
    if before.box and now.box and (words := "; ".join(_faces(before.box, now.box))):
        table = "" if side else "processor.inverse_kinematics."
        cost = WIDER if _reaches_beyond(now.box, before.box) else NARROWER
        yield Departure(option=f"{table}end_effector_bounds{of_arm}", what=words, cost=cost)
    if before.id != now.id:
        option = f"robot.arms.{side}.id" if side else "robot.id"
        yield Departure(option=option, what=f"arm {before.id} before, {now.id} now", cost=ANOTHER_ARM)
        return
    if words := ", ".join(_turned(before, now)):
        yield Departure(option=f"calibration{of_arm}", what=words, cost=ZEROS)
    if words := ", ".join(_offset(before, now)):
        yield Departure(option=f"zero offsets{of_arm} (hilrt calibrate --touch)", what=words, cost=MODEL)


def _moved(before: ArmConditions, now: ArmConditions) -> Iterator[str]:
    """The start pose: where the end effector is, then which joints differ; nothing where none does."""
    if not any(abs(here - then) > SEEN_DEG for then, here in zip(before.start, now.start, strict=True)):
        return
    for axis, then, here in zip("xyz", before.start_m, now.start_m, strict=True):
        if abs(here - then) > SEEN_M:
            way = WAYS[axis][here > then]
            yield f"{axis} {_mm(then)} before, {_mm(here)} now, {_mm(abs(here - then))} {way}"
    units = [" degrees"] * 5 + [" of 100"]
    for motor, unit, then, here in zip(MOTORS, units, before.start, now.start, strict=True):
        if abs(here - then) > SEEN_DEG:
            yield f"{motor} {then:g} before, {here:g}{unit} now"


def _faces(before: Bounds, now: Bounds) -> Iterator[str]:
    for end in ("min", "max"):
        for axis, then, here in zip("xyz", getattr(before, end), getattr(now, end), strict=True):
            if abs(here - then) > SEEN_M:
                way = "further out" if (here > then) == (end == "max") else "further in"
                yield f"{end} {axis} {_mm(then)} before, {_mm(here)} now, {_mm(abs(here - then))} {way}"


def _reaches_beyond(now: Bounds, before: Bounds) -> bool:
    """Whether it holds places that the other does not."""
    lower = any(here < then - SEEN_M for here, then in zip(now.min, before.min, strict=True))
    return lower or any(here > then + SEEN_M for here, then in zip(now.max, before.max, strict=True))


def _turned(before: ArmConditions, now: ArmConditions) -> Iterator[str]:
    """The joints whose zero, and the ends of the gripper, that lie elsewhere on their encoders."""
    names = [*(f"zero of {motor}" for motor in MOTORS[:-1]), "closed gripper", "open gripper"]
    marks = ((*arm.zeros_deg, *arm.gripper_deg) for arm in (before, now))
    for name, then, here in zip(names, *marks, strict=True):
        turned = (here - then + 180.0) % 360.0 - 180.0
        if abs(turned) > SEEN_DEG:
            yield f"{name} turned by {turned:+.1f} degrees"


def _offset(before: ArmConditions, now: ArmConditions) -> Iterator[str]:
    """The joints that the arm's model has turned otherwise."""
    if before.offsets_deg is None or now.offsets_deg is None:
        return
    for motor, then, here in zip(MOTORS, before.offsets_deg, now.offsets_deg, strict=True):
        if abs(here - then) > SEEN_DEG:
            yield f"{motor} {then:g} before, {here:g} degrees now"


def _mm(metres: float) -> str:
    return f"{round(1e3 * metres)} mm"
