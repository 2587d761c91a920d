"""An arm, follower or leader: six servos and their calibration, in radians."""

from time import monotonic_ns
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from hilrt.config import MOTORS
from hilrt.devices.calibration import Calibration, Vector
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import Register
from hilrt.devices.feetech.replytimes import READ_SHARE
from hilrt.devices.holding import GRIP_TORQUE, HOLDS, hold, let_go, rearm, require_inside, sink
from hilrt.devices.startup import FOLLOWER, Settings, prepare
from hilrt.errors import AdapterTooSlowError, GoalError

SETUP_DEADLINE_S = 0.2  # before the first tick there is time, and a late answer is no fault
MOSTLY = 0.8
"""Share of an adapter's replies that must keep pace: of few, some are late by this computer's fault."""


class ArmReading(msgspec.Struct, frozen=True):
    """What the six motors say in one transaction; all arrays (6,), in the order of `MOTORS`."""

    monotonic_ns: int
    """When the last answer was in."""
    position: Vector
    """[rad]; the gripper's like any joint's."""
    velocity: Vector
    """[rad/s]."""
    current: Vector
    """Signed [A]."""
    load: Vector
    """Share of full torque, -1..1."""
    temperature: Vector
    """[degC]."""
    voltage: Vector
    """[V]."""
    status: NDArray[np.int64]
    """`Fault` bits, of the status register and of the reply."""
    limp: tuple[int, ...] = ()
    """Ids of motors without torque, where that was looked at: one that was without power for an instant answers as
    ever."""


class Arm:
    """One arm on its port.

    Calls raise `BusTimeoutError` when a motor does not answer and `BusLostError` when the port vanished;
    after the latter `reconnect` brings the arm back. `close` leaves torque as it is.
    """

    def __init__(self, bus: Bus, calibration: Calibration, settings: Settings) -> None:
        self.bus = bus
        self.calibration = calibration
        self._settings = settings
        self._ids = calibration.ids
        self._told: NDArray[np.int64] = np.zeros(6, np.int64)
        self._beyond: NDArray[np.int64] = np.zeros(6, np.int64)
        """What the motors' goals are beyond that [counts]."""
        self.feedforward: Vector = np.zeros(6)
        """What goals are changed by on their way out, against what the arm would give in to [rad]: they stay what they
        are for all others."""
        self._grip_limited: bool | None = None
        self.resting = False
        """Whether it was let go to rest: then nothing but `enable_torque` stiffens it."""

    @classmethod
    async def connect(
        cls,
        port: str,
        calibration: Calibration,
        settings: Settings = FOLLOWER,
        *,
        deadline_s: float = SETUP_DEADLINE_S,
    ) -> Self:
        """Open the port, check that it is this arm, and apply its start-up settings; torque stays as it is.

        `deadline_s` holds until `keep_pace`.

        Raises:
            PortNotFoundError, PortBusyError, PortUnusableError: see `Bus.open`.
            MotorMissingError, WrongModelError, ServoFaultError, CalibrationMismatchError, SettingRefusedError: see
                `prepare`.
        """
        names = dict(zip(calibration.ids, MOTORS, strict=True))
        arm = cls(await Bus.open(port, deadline_s=deadline_s, names=names), calibration, settings)
        try:
            await prepare(arm.bus, calibration, settings)
        except BaseException:
            await arm.close()
            raise
        return arm

    async def reconnect(self) -> None:
        """Open the port again after it vanished; checks and settings as in `connect`, pace as before."""
        pace_s = self.bus.deadline_s
        self.bus.deadline_s = max(pace_s, SETUP_DEADLINE_S)
        try:
            await self.bus.reopen()
            await prepare(self.bus, self.calibration, self._settings)
        finally:
            self.bus.deadline_s = pace_s
        self.keep_pace(pace_s)

    def keep_pace(self, deadline_s: float) -> None:
        """Give each transaction so long from here on.

        Raises:
            AdapterTooSlowError: of its replies so far, more than one in five took longer.
        """
        self.bus.deadline_s, times = deadline_s, self.bus.times
        if times.within(MOSTLY) > deadline_s:
            rates = READ_SHARE / deadline_s, times.carries_hz
            raise AdapterTooSlowError(self.bus.port, (times.within(0.5), times.slowest_s), deadline_s, rates)

    async def read(self, *, torque: bool = False) -> ArmReading:
        """All present values, and with `torque` which motors have none, in one transaction."""
        telemetry = await self.bus.read_telemetry(self._ids, drive=torque)
        now = monotonic_ns()
        rows = np.array([telemetry[motor] for motor in self._ids], np.float64).T
        position, velocity, load, voltage, temperature, status, _, current, error = rows
        return ArmReading(
            monotonic_ns=now,
            position=self.calibration.radians(position),
            velocity=self.calibration.velocities(velocity),
            current=current,
            load=load / 1000.0,
            temperature=temperature,
            voltage=voltage,
            status=status.astype(np.int64) | error.astype(np.int64),
            limp=tuple(filter(self._lost_power, self._ids)) if torque and not self.resting else (),
        )

    def _lost_power(self, motor: int) -> bool:
        """Torque is off, or was and came on again with the next goal, as in some servos: its limit then tells."""
        drive, gripper = self.bus.drives[motor], motor == self._ids[-1]
        limits = {self._settings.torque_limit(gripper), *([GRIP_TORQUE] if gripper else [])}
        return not drive.torque or drive.torque_limit not in limits

    async def write(self, goal: Vector, speed: Vector) -> None:
        """Send joint angles (6,) [rad], kept within the calibrated ranges, to be reached at `speed` (6,) [rad/s].

        In one transaction, and not acknowledged.

        Raises:
            GoalError: not six finite numbers each.
        """
        if goal.shape != (6,) or not np.isfinite(goal).all() or not np.isfinite(speed).all():
            raise GoalError(self.bus.port, f"{goal} at {speed}")
        told, counts = self.calibration.counts(goal), self.calibration.counts(goal + self.feedforward)
        rows = zip(counts.tolist(), self.calibration.speeds(speed).tolist(), strict=True)
        await self.bus.write_goals(dict(zip(self._ids, rows, strict=True)))
        self._told, self._beyond = told, counts - told

    @property
    def told(self) -> Vector:
        """Where it was told to be by the last `write` or `hold`, of which there was one, shape (6,) [rad]."""
        return self.calibration.radians(self._told.astype(np.float64))

    async def enable_torque(self) -> None:
        """Torque on where the arm is: nothing moves, but for a joint just outside its range, which comes back slowly.

        Raises:
            JointOutsideError: one is far outside; the arm is as it was.
        """
        await require_inside(self.bus, self._ids)
        await self._hold()
        self.resting = False

    async def disable_torque(self) -> None:
        """Torque off; the arm falls."""
        await let_go(self.bus, self._ids)

    async def sink(self) -> None:
        """Torque down in steps of a second in all, then off: it rests."""
        self.resting = True
        await sink(self.bus, self._ids)

    async def hold(self) -> None:
        """Stay where the arm is told to be, torque on, unless it rests; see `hilrt.devices.holding.hold`."""
        self._grip_limited = None
        if not self.resting:
            await self._hold()

    async def _hold(self) -> None:
        held = await hold(self.bus, self._ids)
        self._told = np.array([held[motor] for motor in self._ids]) - self._beyond

    async def regrip(self) -> None:
        """Have the gripper keep hold where it is, its overload forgotten."""
        motor = self._ids[-1]
        present = (await self.bus.read_telemetry([motor], drive=True))[motor]
        self._grip_limited = None
        self._told[-1] = await rearm(self.bus, motor, present, gripper=True) - self._beyond[-1]

    async def limit_grip(self, *, limited: bool) -> None:
        """Have the gripper use no more torque than it can for hours, or all that it may; nothing where it does."""
        if limited is not self._grip_limited:
            limit = GRIP_TORQUE if limited else self._settings.torque_limit(gripper=True)
            await self.bus.write(self._ids[-1], Register.TORQUE_LIMIT, limit)
            self._grip_limited = limited

    async def leave(self) -> None:
        """Hold, and leave no speed behind: another program's goals would be slow, and it would not know why.

        The gripper gets its torque back for the same reason, unless it holds something: then it would be overloaded.
        """
        await self.hold()
        if not self.resting:
            gripper = self._ids[-1]
            present = (await self.bus.read_telemetry([gripper]))[gripper]
            await self.limit_grip(limited=abs(present.load) > HOLDS)
        await self.bus.sync_write(Register.GOAL_VELOCITY, dict.fromkeys(self._ids, 0))

    async def close(self) -> None:
        """Close the port; idempotent."""
        await self.bus.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
