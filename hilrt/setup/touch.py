"""Where a calibrated arm's zeros really are: its operator leads the limp gripper's tip to marks on the table."""

import asyncio
from typing import NamedTuple

import numpy as np

from hilrt.config import MOTORS, Config
from hilrt.devices.arm import Arm
from hilrt.devices.beside import today
from hilrt.devices.calibration import Calibration, Vector, radians_from_units
from hilrt.devices.zerofile import LARGEST_DEG, ZeroOffsets
from hilrt.errors import TouchError
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.robots.zeros import SHOWN, Touch, Zeros, solve
from hilrt.setup.console import Console
from hilrt.setup.place import Place

MOST_RMS_MM = 10.0
"""Touches that fit worse say that the marks or the arm are not what they should be."""
SLIP_MM = 8.0
"""A touch that fits worse may have slipped, or met another mark."""
READS, READ_S = 10, 0.02
STILL_RAD = np.deg2rad(0.5)
TOUCHING_DEG = 0.01
OTHER_RAD = np.deg2rad(15.0)
"""Between the two touches of a mark: in one posture alone, one joint's offset looks like another's."""


class Mark(NamedTuple):
    """A place on the table, from below the axis that shoulder_pan turns about [cm]."""

    ahead: float
    left: float

    def __str__(self) -> str:
        aside = f", {abs(self.left):g} cm to the {'left' if self.left > 0 else 'right'}" if self.left else ""
        return f"{self.ahead:g} cm ahead{aside}"


MARKS = (Mark(20, 0), Mark(28, 0), Mark(20, 12), Mark(12, 0), Mark(20, -12))
POSTURES = ("straight down", "leaning well over")


async def touch(console: Console, config: Config, side: str = "") -> ZeroOffsets:
    """Have the marks touched, solve for the zero offsets, and keep them beside the calibration file.

    Raises:
        TouchError: the touches do not fit the places; nothing was written.
        ConfigError, UnknownNameError, CalibrationFileError: see `Place.of` and `Calibration.read`.
        CalibrationMismatchError, and what else `Arm.connect` raises.
    """
    place = Place.of(config, side)
    calibration = Calibration.read(place.calibration_path)
    kinematics, height = _kinematics(config), config.safety.table_height_m or 0.0
    _explain(console, height)
    async with await Arm.connect(place.port, calibration) as arm:
        await console.ask("The motors let go now: hold the arm, then press Enter.")
        await arm.disable_torque()
        zeros = await Touching(console, arm, kinematics, height).all()
    _require(zeros)
    found = ZeroOffsets(
        calibration=calibration.digest,
        zero_offsets_deg={name: round(offset, 2) for name, offset in _named(zeros.offsets)},
        rms_mm=round(1e3 * zeros.rms, 1),
        found=today(),
    )
    path = found.save(place.calibration_path)
    start = radians_from_units(config.reset_pose(side))[:5]
    taken, true = (_cm(kinematics.forward(q)[:3, 3]) for q in (start, start + zeros.offsets))
    console.say(
        f"Saved in {path}. At the start pose the tip is at {true} cm, and was taken to be at {taken} cm."
    )
    console.say("A workspace box that was found before is off alike: hilrt find-limits CONFIG --write")
    return found


class Touching:
    """Touches of every mark, once in each posture."""

    def __init__(self, console: Console, arm: Arm, kinematics: Kinematics, height: float) -> None:
        self._console, self._arm, self._kinematics = console, arm, kinematics
        self._below = np.array([*kinematics.root[:2], height])
        self._wanted = [(mark, posture) for mark in range(len(MARKS)) for posture in range(len(POSTURES))]
        self._touches: dict[tuple[int, int], Touch] = {}

    async def all(self) -> Zeros:
        """What all touches show, those that do not fit made again until the operator takes them as they are."""
        for mark, posture in self._wanted:
            await self._touch(mark, posture)
        while True:
            zeros = self._solve()
            worst = int(np.argmax(zeros.misses))
            miss, (mark, posture) = 1e3 * zeros.misses[worst], self._wanted[worst]
            if miss < SLIP_MM:
                return zeros
            question = f"Mark {mark + 1}, {POSTURES[posture]}, fits worst, by {miss:.0f} mm. Touch it again?"
            if await self._console.ask(question, ("again", "take"), "again") == "take":
                return zeros
            await self._touch(mark, posture)

    async def _touch(self, mark: int, posture: int) -> None:
        """Have one mark touched, until it is the right posture, held still."""
        place = self._below + np.array([MARKS[mark].ahead, MARKS[mark].left, 0.0]) / 100.0
        other = self._touches.get((mark, 1 - posture))
        question = f"Mark {mark + 1}, {MARKS[mark]}: gripper {POSTURES[posture]}. Hold still, press Enter."
        while True:
            await self._console.ask(question)
            reads = [await self._read() for _ in range(READS)]
            joints = np.median(reads, axis=0)
            if np.ptp(reads, axis=0).max() > STILL_RAD:
                self._console.say("The arm moved while it was read. Once more.")
            elif other and np.abs(joints - other.joints).max() < OTHER_RAD:
                self._console.say(
                    "The arm stands as in the other touch of this mark. Lean the gripper further."
                )
            else:
                self._touches[mark, posture] = Touch(joints, place)
                return

    async def _read(self) -> Vector:
        await asyncio.sleep(READ_S)
        return (await self._arm.read()).position[: self._kinematics.joints]

    def _solve(self) -> Zeros:
        """What the touches show, and a look at it."""
        touches = [self._touches[key] for key in self._wanted]
        zeros = solve(lambda q: self._kinematics.forward(q)[:3, 3], touches, np.deg2rad(LARGEST_DEG))
        for (mark, posture), before, miss in zip(self._wanted, zeros.before, zeros.misses, strict=True):
            self._console.say(
                f"mark {mark + 1}, {POSTURES[posture]:18} {1e3 * before:5.1f} mm off, "
                f"{1e3 * miss:5.1f} mm with the offsets"
            )
        for (name, offset), (_, doubt) in zip(_named(zeros.offsets), _named(zeros.doubt), strict=True):
            self._console.say(f"{name:14} {offset:+5.1f} degrees (+-{doubt:.1f})")
        self._console.say(f"All touches: {1e3 * zeros.rms:.1f} mm (RMS).")
        return zeros


def _explain(console: Console, height: float) -> None:
    console.say(
        "Mark five places on the table, measured from the point below the axis that shoulder_pan turns about. Ahead is "
        "the way the base looks, left is the arm's left; a cross of tape does it."
    )
    for number, mark in enumerate(MARKS, 1):
        console.say(f"  {number}: {mark}")
    if height:
        console.say(f"The table is {100 * height:g} cm above the arm's foot, as safety.table_height_m says.")


def _require(zeros: Zeros) -> None:
    """See that the offsets can be believed.

    Raises:
        TouchError: they cannot.
    """
    for name, offset in _named(zeros.offsets):
        if abs(offset) > LARGEST_DEG - TOUCHING_DEG:
            raise TouchError(
                f"{name} would need an offset of {LARGEST_DEG:g} degrees or more",
                "Its middle pose was none, or its horn sits a tooth off: hilrt calibrate CONFIG, then touch again.",
            )
    if (rms_mm := 1e3 * zeros.rms) > MOST_RMS_MM:
        raise TouchError(
            f"the touches are {rms_mm:.0f} mm beside the marks with the best offsets there are",
            "See that the marks are where the list says, measured from the axis, on a flat table as high as the arm's "
            "foot, that it was always the tip of the fixed finger, and that no horn slips; then touch again.",
        )


def _named(angles: Vector) -> list[tuple[str, float]]:
    """Angles of the joints that touches show, by motor [deg]."""
    return list(zip(MOTORS[:SHOWN], np.degrees(angles[:SHOWN]).tolist(), strict=True))


def _cm(position: Vector) -> str:
    return ", ".join(f"{100 * x:.1f}" for x in position)


def _kinematics(config: Config) -> Kinematics:
    """Of the arm without zero offsets: to the tip of the fixed finger, or what an own URDF calls its end effector."""
    ik = config.processor.inverse_kinematics
    if ik and ik.urdf_path:
        return Kinematics(ik.urdf_path, ik.target_frame_name)
    return Kinematics(SO100_URDF, SO100_FRAME)
