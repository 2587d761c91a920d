"""What passes between control and the simulator beside the wires: requests and the truth.

Each region has one writer. The pose is guarded by a sequence word, odd while it changes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hilrt.config import MOTORS, Area
from hilrt.shm.region import Float, Int, Region
from hilrt.shm.segment import Segment
from hilrt.step.features import Features

POSE = ("x", "y", "z", "sin_4yaw", "cos_4yaw")
OTHER = ("other_x", "other_y", "other_z")

RETRIES = 1000
"""A writer is done in microseconds; one that died in mid-write never is."""


_WHOLE = 1 << 32


def go_on(parts: int, *, whole: bool) -> int:
    """In simulated time: what control signals for so many parts of a period to pass; `whole`: the period ends there."""
    return parts + _WHOLE * whole


def parts_of(signal: int) -> tuple[int, bool]:
    """The two as they were given to `go_on`."""
    return signal % _WHOLE, signal >= _WHOLE


class Requests(Region):
    """Written by control."""

    places = Int()  # scenes asked for so far
    seed = Int()
    within = Int()  # whether the object goes into this part of the table, base frame [m]
    min_x = Float()
    min_y = Float()
    max_x = Float()
    max_y = Float()


class Truth(Region):
    """Written by the simulator."""

    placed = Int()  # scenes placed so far
    sequence = Int()  # odd while what is below is being written
    success = Int()
    x = Float()
    y = Float()
    z = Float()
    sin_4yaw = Float()
    cos_4yaw = Float()
    other_x = Float()
    other_y = Float()
    other_z = Float()


class Hand(Region):
    """Written by control: the scripted person's hand at a leader arm, whose joints it brings to these angles [rad]."""

    holds = Int()
    shoulder_pan = Float()
    shoulder_lift = Float()
    elbow_flex = Float()
    wrist_flex = Float()
    wrist_roll = Float()
    gripper = Float()


ARMS = 2
"""Leader arms at most."""


class SimLink:
    """Both ends of the link; each calls only its own half."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        buf = segment.buf
        self._requests = Requests(buf)
        self._truth = Truth(buf[Requests.size :])
        buf = buf[Requests.size + Truth.size :]
        self._hands = [Hand(buf[arm * Hand.size :], arm) for arm in range(ARMS)]

    @classmethod
    def create(cls, run: str, features: Features) -> "SimLink":
        """Made by the supervisor."""
        blank = b"".join((Requests.blank(), Truth.blank(), *map(Hand.blank, range(ARMS))))
        return cls(Segment.create(run, "sim", len(blank), features.schema(), blank))

    @classmethod
    def attach(cls, run: str, features: Features) -> "SimLink":
        """Opened by control and by the simulator."""
        return cls(Segment.attach(run, "sim", features.schema()))

    # --- control's half

    def request_place(self, seed: int, within: Area | None = None) -> None:
        """Ask for the object at a place drawn from `seed`, within some part of the table."""
        requests = self._requests
        requests.seed, requests.within = seed, int(within is not None)
        if within:
            (requests.min_x, requests.min_y), (requests.max_x, requests.max_y) = within.min, within.max
        requests.places += 1

    def placed(self) -> bool:
        """Whether the last request has been carried out."""
        return self._truth.placed == self._requests.places

    def success(self) -> bool:
        """The task's verdict."""
        return bool(self._truth.success)

    def object_pose(self) -> npt.NDArray[np.float64]:
        """A consistent pose, shape (5,), as in `hilrt.step.features.OBJECT`; what there is of one that died writing."""
        return self._consistent(POSE)

    def other_object(self) -> npt.NDArray[np.float64]:
        """Place of the object that is not meant, shape (3,), world frame [m]; zeros where there is none."""
        return self._consistent(OTHER)

    def _consistent(self, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """Figures of the truth, of one time."""
        truth = self._truth
        for _ in range(RETRIES):
            before = truth.sequence
            figures = np.array([getattr(truth, name) for name in names])
            if before % 2 == 0 and truth.sequence == before:
                break
        return figures

    def put_hand(self, arm: int, joints: npt.NDArray[np.float64] | None) -> None:
        """Bring a leader's joints there, shape (6,) [rad]; None: let go of it."""
        hand = self._hands[arm]
        if joints is not None:
            for name, angle in zip(MOTORS, joints.tolist(), strict=True):
                setattr(hand, name, angle)
        hand.holds = int(joints is not None)

    # --- the simulator's half

    def hand(self, arm: int) -> npt.NDArray[np.float64] | None:
        """Where the hand at a leader brings its joints, shape (6,) [rad]; None where there is none.

        Some joints may be a tick ahead of the others, as a hand's are.
        """
        hand = self._hands[arm]
        return np.array([getattr(hand, name) for name in MOTORS]) if hand.holds else None

    def wanted_place(self) -> tuple[int, Area | None] | None:
        """Seed of a request not yet carried out, and the part of the table if there is one."""
        if self.placed():
            return None
        r = self._requests
        return r.seed, Area(min=(r.min_x, r.min_y), max=(r.max_x, r.max_y)) if r.within else None

    def report(
        self, pose: npt.NDArray[np.float64], success: bool, other: npt.NDArray[np.float64] | None = None
    ) -> None:
        """Publish the truth; `other`: place of the object that is not meant."""
        truth = self._truth
        truth.sequence += 1
        for name, value in zip(POSE, pose, strict=True):
            setattr(truth, name, float(value))
        if other is not None:
            for name, value in zip(OTHER, other, strict=True):
                setattr(truth, name, float(value))
        truth.success = int(success)
        truth.sequence += 1

    def report_placed(self) -> None:
        """Acknowledge the last request."""
        self._truth.placed = self._requests.places

    def close(self) -> None:
        """Let go of the memory."""
        for hand in self._hands:
            hand.close()
        self._requests.close()
        self._truth.close()
        self._segment.close()

    def unlink(self) -> None:
        """Take the name away."""
        self._segment.unlink()
