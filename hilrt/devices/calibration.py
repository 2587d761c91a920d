"""An arm's calibration file, and the way from encoder counts to joint angles and back.

Three kinds of unit: counts (the servo's own, its homing offset included), radians (the URDF's, zero in the
middle of a joint's range; the gripper's linear over its opening), and user units (degrees; gripper 0
closed .. 100 open), which is what people and task files write.
Zero offsets change none of them: an angle is what it is in other tools and in recordings. It is the arm's model that
has them (`hilrt.robots.model`).
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from hilrt.config import MOTORS
from hilrt.devices.feetech.registers import Register
from hilrt.devices.wholefile import write_whole
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.errors import (
    CalibrationFileError,
    CalibrationMismatchError,
    PortsSwappedError,
)
from hilrt.errors.plain import plain
from hilrt.errors.setup import CalibrationAbsentError

Vector = NDArray[np.float64]

MAX_COUNT = 4095
MAX_OFFSET = 2047
RAD_PER_COUNT = 2.0 * np.pi / MAX_COUNT
"""The reference workflow divides a turn by 4095, so the meaning of users' degrees does too."""
GRIPPER_CLOSED_RAD, GRIPPER_OPEN_RAD = -0.174533, 1.74533

_CLOSED = np.array([0.0] * 5 + [GRIPPER_CLOSED_RAD])
_SCALE = np.array([np.pi / 180.0] * 5 + [(GRIPPER_OPEN_RAD - GRIPPER_CLOSED_RAD) / 100.0])


def radians_from_units(units: Sequence[float] | Vector) -> Vector:
    """Joint angles (6,) [rad] of five degrees and a gripper opening 0..100."""
    radians: Vector = np.asarray(units, np.float64) * _SCALE + _CLOSED
    return radians


def units_from_radians(radians: Sequence[float] | Vector) -> Vector:
    """Five degrees and a gripper opening 0..100, of joint angles (6,) [rad]."""
    units: Vector = (np.asarray(radians, np.float64) - _CLOSED) / _SCALE
    return units


class MotorCalibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One motor's entry, as in the file: all in counts."""

    id: int
    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int


class Calibration:
    """Six motors' entries and the conversions that follow from them.

    Attributes:
        motors: entries by name, in the order of `MOTORS`.
        ids: bus ids in that order.
        path: the file it came from, for messages.
        zeros: what is added to the joints' angles to make them the URDF's, shape (6,) [rad].
    """

    def __init__(self, motors: dict[str, MotorCalibration], path: str = "calibration") -> None:
        _check(motors, path)
        self.motors = {name: motors[name] for name in MOTORS}
        self.path = path
        entries = list(self.motors.values())
        self.ids = tuple(entry.id for entry in entries)
        self._low = np.array([entry.range_min for entry in entries], np.float64)
        self._high = np.array([entry.range_max for entry in entries], np.float64)
        self._scale = np.full(6, RAD_PER_COUNT)
        self._zero = (self._low + self._high) / 2.0
        self._fit_gripper(entries[-1])
        self.zeros: Vector = np.zeros(6)

    @property
    def digest(self) -> str:
        """Of what the motors hold: of the same calibration always the same."""
        return xxhash.xxh3_64_hexdigest(msgspec.json.encode(self.motors))

    @classmethod
    def nominal(cls, path: str = "nominal") -> Self:
        """That of an arm whose joints all turn freely; for what needs an arm's shape but no arm."""
        whole = {"drive_mode": 0, "homing_offset": 0, "range_min": 0, "range_max": MAX_COUNT}
        return cls({name: MotorCalibration(id=i, **whole) for i, name in enumerate(MOTORS, 1)}, path)

    @classmethod
    def load_or_nominal(cls, path: str | os.PathLike[str]) -> Self:
        """A file's; on a computer that does not have it, the nominal one.

        Raises:
            CalibrationFileError, FindingFileError, FindingStaleError: see `load`.
        """
        return cls.load(path) if Path(path).exists() else cls.nominal()

    def _fit_gripper(self, gripper: MotorCalibration) -> None:
        scale = (GRIPPER_OPEN_RAD - GRIPPER_CLOSED_RAD) / (gripper.range_max - gripper.range_min)
        closed = gripper.range_min
        if gripper.drive_mode:  # mounted the other way round: closed at the high end
            scale, closed = -scale, gripper.range_max
        self._scale[-1] = scale
        self._zero[-1] = closed - GRIPPER_CLOSED_RAD / scale

    def radians(self, counts: Sequence[int] | Vector) -> Vector:
        """Joint angles (6,) [rad] of positions (6,) [counts]."""
        radians: Vector = (np.asarray(counts, np.float64) - self._zero) * self._scale
        return radians

    def velocities(self, counts_per_s: Sequence[int] | Vector) -> Vector:
        """Joint velocities (6,) [rad/s] of velocities (6,) [counts/s]."""
        velocities: Vector = np.asarray(counts_per_s, np.float64) * self._scale
        return velocities

    def speeds(self, radians_per_s: Vector) -> NDArray[np.int64]:
        """Speed limits (6,) [counts/s] of joint velocities (6,) [rad/s]; never 0, which a servo takes for none."""
        exact = np.rint(np.abs(radians_per_s / self._scale))
        speeds: NDArray[np.int64] = np.clip(exact, 1, Register.GOAL_VELOCITY.maximum).astype(np.int64)
        return speeds

    def counts(self, radians: Vector) -> NDArray[np.int64]:
        """Nearest positions (6,) [counts] within the calibrated ranges, of finite angles (6,) [rad]."""
        return np.clip(self.encoded(radians), self._low, self._high).astype(np.int64)

    def encoded(self, radians: Vector) -> NDArray[np.int64]:
        """The same, beyond the ranges too: what encoders show of joints that are there."""
        counts: NDArray[np.int64] = np.rint(radians / self._scale + self._zero).astype(np.int64)
        return counts

    @property
    def limits(self) -> tuple[Vector, Vector]:
        """Lowest and highest joint angles (6,) of the calibrated ranges [rad]."""
        ends = self.radians(self._low), self.radians(self._high)
        return np.minimum(*ends), np.maximum(*ends)

    @property
    def landmarks_deg(self) -> tuple[float, ...]:
        """Where zero of the five joints, then the gripper closed and open, lie on the motors' encoders [deg]."""
        gripper = list(self.motors.values())[-1]
        ends = sorted((gripper.range_min, gripper.range_max), reverse=bool(gripper.drive_mode))
        offsets = [entry.homing_offset for entry in self.motors.values()]
        counts = np.add([*self._zero[:-1], *ends], [*offsets, offsets[-1]])
        return tuple((counts * 360.0 / MAX_COUNT).round(2).tolist())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a calibration file, and the zero offsets that were found for it, if any.

        Raises:
            CalibrationFileError: see `read`.
            FindingFileError, FindingStaleError: see `Beside.of`.
        """
        calibration = cls.read(path)
        if offsets := ZeroOffsets.of(Path(path), calibration.digest):
            calibration.zeros = offsets.radians
        return calibration

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a calibration file alone: for what sets an arm up.

        Raises:
            CalibrationFileError: absent, not of this format, or a value that cannot be.
        """
        try:
            entries = msgspec.json.decode(Path(path).read_bytes(), type=dict[str, msgspec.Raw])
        except FileNotFoundError as error:
            raise CalibrationAbsentError(str(path)) from error
        except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise CalibrationFileError(str(path), plain(error)) from error
        return cls({n: _entry(str(path), n, entry) for n, entry in entries.items()}, str(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a calibration file, whole or not at all; another one that was there stays as `.bak`."""
        write_whole(Path(path), msgspec.json.format(msgspec.json.encode(self.motors), indent=4))

    def differences(self, held: Mapping[str, MotorCalibration]) -> list[str]:
        """Where motors hold something else than this, in words: `gripper range_max is 3400, not 3500`."""
        return [
            f"{name} {field} is {getattr(held[name], field)}, not {getattr(entry, field)}"
            for field in ("homing_offset", "range_min", "range_max")
            for name, entry in self.motors.items()
            if getattr(held[name], field) != getattr(entry, field)
        ]

    def require(self, held: Mapping[str, MotorCalibration], port: str) -> None:
        """See that the motors on a port hold this.

        Raises:
            CalibrationMismatchError: they hold something else.
            PortsSwappedError: they hold what another arm's file says.
        """
        if differences := self.differences(held):
            if owners := self.owners(held):
                raise PortsSwappedError(port, self.path, owners)
            raise CalibrationMismatchError(port, self.path, differences)

    def owners(self, held: Mapping[str, MotorCalibration]) -> list[str]:
        """Files of other arms, in the same `calibration_dir`, that say just what motors hold."""
        found = []
        folder = Path(self.path).absolute().parent.parent.parent
        for path in sorted((*folder.glob("robots/*/*.json"), *folder.glob("teleoperators/*/*.json"))):
            with suppress(CalibrationFileError):
                if not Calibration.read(path).differences(held):
                    found.append(str(path))
        return found


def _entry(path: str, name: str, data: msgspec.Raw) -> MotorCalibration:
    try:
        return msgspec.json.decode(data, type=MotorCalibration)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise CalibrationFileError(path, f"{name}: {plain(error)}") from error


def _check(motors: dict[str, MotorCalibration], path: str) -> None:
    if problem := _names_problem(motors):
        raise CalibrationFileError(path, problem)
    for name, entry in motors.items():
        if problem := _entry_problem(name, entry):
            raise CalibrationFileError(path, f"{name}: {problem}")


def _names_problem(motors: dict[str, MotorCalibration]) -> str:
    if missing := [name for name in MOTORS if name not in motors]:
        return f"no entry for {', '.join(missing)}"
    if unknown := [name for name in motors if name not in MOTORS]:
        return f"unknown motor {', '.join(unknown)}; there are: {', '.join(MOTORS)}"
    ids = [entry.id for entry in motors.values()]
    if len(set(ids)) < len(ids):
        return f"two motors share an id: {ids}"
    return ""


def _entry_problem(name: str, entry: MotorCalibration) -> str:
    if not 0 <= entry.id <= 253:
        return f"id {entry.id} is not in 0..253"
    if entry.drive_mode not in ((0, 1) if name == "gripper" else (0,)):
        return f"drive_mode {entry.drive_mode} is not supported"
    if abs(entry.homing_offset) > MAX_OFFSET:
        return f"homing_offset {entry.homing_offset} is not in -{MAX_OFFSET}..{MAX_OFFSET}"
    if not 0 <= entry.range_min < entry.range_max <= MAX_COUNT:
        return (
            f"range_min {entry.range_min} and range_max {entry.range_max} must satisfy "
            f"0 <= range_min < range_max <= {MAX_COUNT}"
        )
    return ""
