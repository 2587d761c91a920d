"""Whether arms stand where they were told to be: a soft one hangs below, and is there all the same."""

import logging
from collections import deque

import numpy as np

from hilrt.config import MOTORS
from hilrt.control.feedforward import Feedforward
from hilrt.control.sag import Sag
from hilrt.control.tick import Float64, Tick
from hilrt.devices.arm import ArmReading
from hilrt.devices.feetech.registers import Fault
from hilrt.devices.holding import PUSHING
from hilrt.errors import ArmBlockedError, ArmSagsError

log = logging.getLogger(__name__)

NEAR, FAR = np.deg2rad((3.0, 8.0))
"""Less is as told; up to the second an arm may hang; an episode that began further off would jump [rad]."""
STILL, STILL_S = np.deg2rad(0.25), 0.3
"""A joint that has gone no further [rad] in that time [s] has come to rest."""
SETTLE_TICKS = 2
BLOCKED_S = 5.0
"""How long arms may take to come to rest at a pose before they are taken for blocked."""
STALL_NM_PER_V = 0.25
"""Of an STS3215, that of 7.4 V as that of 12 V: what a load of 1 is."""
HEAVIER, FRICTION = 1.5, 0.3
"""A joint that only hangs carries no more than so many times its own weight, and this beside it [N m]."""


def hangs_at(pose: Float64, joints: Float64, sag: Sag) -> bool:
    """Whether arms that were seen at `joints` may have been told to be at `pose`, both of shape (arms, 6) [rad]."""
    off = (joints - pose)[:, :5]
    return bool(((np.abs(off) < NEAR) | ((np.abs(off) < FAR) & sag.along(off, joints))).all())


class Stand:
    """Judges arms that were told to be at a pose, each joint but the gripper, which may hold something."""

    def __init__(self, sag: Sag, fps: float, feedforward: Feedforward | None = None) -> None:
        self._sag, self._feedforward = sag, feedforward
        self.patience, self.window = round(BLOCKED_S * fps), max(SETTLE_TICKS, round(STILL_S * fps)) + 1
        """In ticks."""
        self._rest: Float64 = np.zeros((len(sag.compliance), 5))
        """How far off the arms were when they last arrived [rad]."""
        self._told: set[tuple[int, int]] = set()
        self.text = ""
        """For the screen: what was last taken for arrived though it is not as told."""

    def at(self, pose: Float64, joints: Float64) -> bool:
        """Whether arms are at a pose, or about where they came to rest when told to be there; shape (arms, 6) [rad]."""
        off = (joints - pose)[:, :5]
        return bool((np.minimum(np.abs(off), np.abs(off - self._rest)) < NEAR).all())

    def accepts(self, pose: Float64, tick: Tick, *, patient: bool) -> bool:
        """Whether arms that no longer move have arrived; said once of each joint that is more than 3 degrees off.

        Args:
            pose: where they are told to be, shape (arms, 6) [rad].
            tick: where they are.
            patient: whether what cannot be told apart from a joint that is held may still come free.

        Raises:
            ArmSagsError, ArmBlockedError: they have not, and patience is at an end: an episode that began here would
                jump.
        """
        off = (tick.joints - pose)[:, :5]
        doubtful = np.argwhere(np.abs(off) >= NEAR).tolist()
        known, pull = np.abs(off - self._rest) < NEAR, self._sag.pull(tick.joints)
        sinks = self._sag.along(off, tick.joints)
        for arm, joint in sorted(doubtful, key=lambda at: -abs(off[tuple(at)])):
            reading, at = tick.readings[arm], (arm, joint)
            strains, weight = _strains(reading, joint), HEAVIER * abs(pull[at]) + FRICTION
            hangs = bool(sinks[at]) and not strains and _carries(reading, joint) <= weight
            if abs(off[at]) > FAR or strains or (patient and not hangs and not known[at]):
                if not patient:
                    raise _refusal(reading, joint, float(off[at]), float(pull[at]), hangs=hangs)
                return False
            self._tell(arm, joint, float(np.rad2deg(abs(off[at]))), hangs=hangs)
        self._rest = off
        self._sag.rest(pose, tick.joints)
        if self._feedforward and not self._feedforward.learnt:
            self._feedforward.learn()
            return False  # it goes on to where it is meant to be
        return True

    def _tell(self, arm: int, joint: int, off_deg: float, *, hangs: bool) -> None:
        if (arm, joint) in self._told:
            return
        self._told.add((arm, joint))
        how = "below" if hangs else "away from"
        cause = "its own weight" if hangs else "something that holds it, friction or play"
        off = f"{off_deg:.0f} degrees {how} where it is told to be"
        self.text = f"{MOTORS[joint]} stands {off} ({cause}); that counts as there"
        log.warning("%s", self.text)


class Arrival:
    """Watches arms until they have come to rest at a pose."""

    def __init__(self, stand: Stand, pose: Float64) -> None:
        self._stand, self._pose = stand, pose
        self._seen: deque[Float64] = deque(maxlen=stand.window)

    def complete(self, tick: Tick, ticks_there: int) -> bool:
        """Take in a tick; `ticks_there`: how many times the arms have been told to be at the pose itself.

        Raises:
            ArmSagsError, ArmBlockedError: see `Stand.accepts`.
        """
        if tick.blind or not ticks_there:
            return False
        self._seen.append(tick.joints[:, :5])
        patient = ticks_there <= self._stand.patience
        if patient and not self._still():
            return False
        self._seen.clear()
        return self._stand.accepts(self._pose, tick, patient=patient)

    def _still(self) -> bool:
        return len(self._seen) == self._stand.window and bool(np.ptp(self._seen, axis=0).max() < STILL)


def _carries(reading: ArmReading, joint: int) -> float:
    """What a motor exerts [N m]."""
    return abs(float(reading.load[joint])) * STALL_NM_PER_V * float(reading.voltage[joint])


def _strains(reading: ArmReading, joint: int) -> bool:
    """Whether a motor pushes as hard as it can, or has given up."""
    return abs(float(reading.load[joint])) > PUSHING or bool(reading.status[joint] & Fault.OVERLOAD)


def _refusal(
    reading: ArmReading, joint: int, off: float, pull: float, *, hangs: bool
) -> ArmSagsError | ArmBlockedError:
    off_deg, load = float(np.rad2deg(abs(off))), abs(float(reading.load[joint]))
    if hangs:
        return ArmSagsError(MOTORS[joint], off_deg, abs(pull), float(reading.voltage[joint]))
    return ArmBlockedError(MOTORS[joint], off_deg, load)
