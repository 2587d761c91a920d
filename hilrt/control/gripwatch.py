"""What the grippers' servos are told beside their goals: less torque while they hold, and to forget an overload."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from hilrt.control.grip import Grip
from hilrt.control.lifeline import BUS_ERRORS, TOLD_S
from hilrt.control.stream import Stream
from hilrt.control.tick import Float64
from hilrt.devices.arm import Arm, ArmReading
from hilrt.errors import GripOverloadError
from hilrt.shm.status import ControlStatus

log = logging.getLogger(__name__)

EASED = 5e-3
"""A goal that would change by less is left alone [rad]."""


class GripWatch:
    """Keeps grippers from an overload, and sees to it that one is no end of a run."""

    def __init__(self, arms: Sequence[Arm], grip: Grip, stream: Stream, status: ControlStatus) -> None:
        self._arms, self._grip, self._stream, self._status = arms, grip, stream, status
        self._idle = True
        self._sent: Float64 | None = None
        """What `near` gave last, a tick ago; where the arms are told to be may be on the way there still."""
        self._remark, self._told_until = "", 0.0

    @property
    def text(self) -> str:
        """What the operator should know; empty when all is well."""
        return self._remark if time.monotonic() < self._told_until else ""

    async def see(self, readings: Sequence[ArmReading]) -> None:
        """Take in a reading of all arms.

        Where nobody commands, as while a scene is put back, a jaw that has stopped is not driven on either.
        """
        told = self._told()
        self._grip.see(readings, told)
        eased = self._grip.toward(told, told)
        await self._limit(eased)
        idle = self._idle and not any(arm.resting for arm in self._arms)
        if idle and np.abs(eased - told).max() > EASED:
            await self._stream.aim(eased)
        if self._idle:
            self._sent = None
        self._idle = True

    async def near(self, goal: Float64) -> Float64:
        """Goals as they may be sent now, shape (arms, 6) [rad]; the servos have the torque for them."""
        before = told = self._told()
        if self._sent is not None and np.abs(self._sent - told)[:, 5].max() < self._grip.max_step:
            before = self._sent
        self._sent, self._idle = self._grip.toward(goal, before), False
        await self._limit(self._sent)
        return self._sent

    async def regrip(self, arm: int, error: GripOverloadError) -> None:
        """Have a gripper that was overloaded hold on where it is; the episode goes on."""
        log.warning("%s", error)
        self._status.grip_overloads += 1
        self._remark, self._told_until = error.remark, time.monotonic() + TOLD_S
        self._stream.stop()
        self._sent = None
        with suppress(*BUS_ERRORS):  # its fault is found again
            await self._arms[arm].regrip()
        self._grip.yielded(arm)

    async def _limit(self, goal: Float64) -> None:
        for arm, limited in zip(self._arms, self._grip.limited(goal), strict=True):
            with suppress(*BUS_ERRORS):  # it is tried again with the next reading
                await arm.limit_grip(limited=limited)

    def _told(self) -> Float64:
        """Where the arms are told to be, shape (arms, 6) [rad]."""
        return np.array([arm.told for arm in self._arms])
