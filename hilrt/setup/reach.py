"""Where the arms have been in demonstrations."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from hilrt.config import MOTORS
from hilrt.config.state import name_of
from hilrt.control.underside import Underside
from hilrt.data.journal import Episode
from hilrt.devices.calibration import units_from_radians
from hilrt.robots.kinematics import Kinematics
from hilrt.step.extent import STILL_M
from hilrt.step.features import Features
from hilrt.step.record import vector

ALONE = 0.02
"""An episode that reaches further than all others by this much is named [m]."""

Float64 = npt.NDArray[np.float64]


class Way(Struct, frozen=True):
    """One arm in one episode."""

    episode: int
    measured: Float64
    """Its joints, shape (steps + 1, 6) [rad]."""
    told: Float64
    """Where they were told to be, shape (steps, 6) [rad]; (0, 6) where that is not known."""

    @classmethod
    def of(cls, episode: Episode, features: Features, side: str) -> "Way":
        """As recorded."""
        columns = [features.state.index(name_of(side, f"{motor}.pos")) for motor in MOTORS]
        states = np.array([vector(record.state) for record in episode.records], np.float64)
        goals = [vector(record.joint_goal) for record in episode.records if record.joint_goal]
        arms, at = len(features.sides), features.sides.index(side)
        told = np.array(goals, np.float64).reshape(len(goals), arms, len(MOTORS))
        return cls(episode.number, states[:, columns], told[:, at])

    @property
    def first(self) -> Float64:
        """Where it began, shape (6,) [deg; gripper 0 .. 100]."""
        return units_from_radians(self.measured[0])


class Reach(Struct, frozen=True):
    """Lowest and highest place of one arm's end effector in each episode, shape (episodes, 3), base frame [m].

    What it was told counts beside what was measured, for a soft arm hangs lower and is told to be higher. But it goes
    no lower than it was measured: what it was told below that is pressure on a table. Low is where a floor allows it,
    which holds for the corners of a tilted gripper.
    """

    episodes: list[int]
    low: Float64
    high: Float64

    @classmethod
    def of(cls, kinematics: Kinematics, underside: Underside, ways: Sequence[Way]) -> "Reach":
        """By forward kinematics; there must be an episode."""
        low, high = [], []
        for way in ways:
            measured, told = (_places(kinematics, joints) for joints in (way.measured, way.told))
            both = np.concatenate([measured, told])
            floors = measured[:, 2] - [underside.below(joints) for joints in way.measured]
            low.append([*both[:, :2].min(axis=0), floors.min()])
            high.append(both.max(axis=0))
        return cls([way.episode for way in ways], np.array(low), np.array(high))

    @property
    def moved(self) -> bool:
        """Whether the end effector has been anywhere else than where it began."""
        return bool((self.high - self.low).max() > STILL_M)

    def alone(self) -> dict[int, str]:
        """Episodes that reach much further than all others, each with how far."""
        found: dict[int, list[str]] = {}
        ends = [(f"-{a}", -low) for a, low in zip("xyz", self.low.T, strict=True)]
        ends += [(f"+{a}", high) for a, high in zip("xyz", self.high.T, strict=True)]
        for way, values in ends if len(self.episodes) > 2 else ():
            *_, second, first = np.argsort(values)
            if (by := values[first] - values[second]) > ALONE:
                found.setdefault(self.episodes[first], []).append(f"{1e3 * by:.0f} mm along {way}")
        return {episode: ", ".join(words) for episode, words in found.items()}


def _places(kinematics: Kinematics, joints: Float64) -> Float64:
    """Of the end effector, shape (n, 3) [m], of joints (n, 6) [rad]."""
    return np.array([kinematics.forward(q)[:3, 3] for q in joints]).reshape(-1, 3)
