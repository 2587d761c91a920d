"""What surrounds the arm: who puts it back, and who knows whether the task is done."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from hilrt.config import Area
from hilrt.run.simlink import SimLink
from hilrt.sim.layout import bases

Float64 = npt.NDArray[np.float64]


class SceneSource(Protocol):
    """The workspace as the control loop knows it."""

    reset_time_s: float
    """What a person is given to put it back, from the start of the reset [s]."""

    def place(self, seed: int, within: Area | None) -> None:
        """Ask for a fresh scene, with the object in some part of the table."""
        ...

    def ready(self, elapsed_s: float) -> bool:
        """Whether it is there, `elapsed_s` after the reset began."""
        ...

    def object_pose(self) -> Float64 | None:
        """Pose as `OBJECT` names it, seen from each arm, shape (arms, 5), or None where nothing measures it."""
        ...

    def other_object(self) -> Float64 | None:
        """Place of the object that is not meant, seen from each arm, shape (arms, 3), or None where there is none."""
        ...

    def success(self) -> bool:
        """Whether the task is done; False where only the operator knows."""
        ...


class RealScene:
    """A person puts the scene back and judges success."""

    def __init__(self, reset_time_s: float) -> None:
        self.reset_time_s = reset_time_s

    def place(self, seed: int, within: Area | None) -> None:
        """The person has been told by the screen."""

    def ready(self, elapsed_s: float) -> bool:
        """After the time set aside for it."""
        return elapsed_s >= self.reset_time_s

    def object_pose(self) -> Float64 | None:
        """Not measured."""
        return None

    def other_object(self) -> Float64 | None:
        """Not measured."""
        return None

    def success(self) -> bool:
        """Not known here."""
        return False


class SimScene:
    """The simulator places the object and knows all."""

    reset_time_s = 0.0

    def __init__(self, link: SimLink, arms: int, *, two: bool = False) -> None:
        """`two`: there is an object that is not meant."""
        self._link, self._two = link, two
        self._bases = np.hstack((bases(arms), np.zeros((arms, 2))))

    def place(self, seed: int, within: Area | None) -> None:
        """Ask for the object at a place drawn from `seed`."""
        self._link.request_place(seed, within)

    def ready(self, elapsed_s: float) -> bool:  # noqa: ARG002 - simulated hands need no time
        """Once the simulator has placed it."""
        return self._link.placed()

    def object_pose(self) -> Float64 | None:
        """The true pose."""
        return self._link.object_pose() - self._bases

    def other_object(self) -> Float64 | None:
        """Its true place."""
        return self._link.other_object() - self._bases[:, :3] if self._two else None

    def success(self) -> bool:
        """The simulated task's own verdict."""
        return self._link.success()
