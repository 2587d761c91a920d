"""What every operator device gives the control loop, be it a gamepad, a terminal or a script."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from hilrt.record import GripperCommand, Mode

Float64 = npt.NDArray[np.float64]


class Scene(NamedTuple):
    """What a person at the arm can see; a script looks at the same."""

    ee: Float64
    """End-effector position, shape (3,), base frame [m]."""
    opening: float
    """Of the gripper, 0 closed .. 1 open."""
    object: Float64 | None
    """Object pose as in `hilrt.features.OBJECT`, or None where only eyes know it."""
    step: int
    autonomous_rate: float
    """How often the policy has lately succeeded alone."""


class OperatorInput(NamedTuple):
    """One tick of the operator's wishes."""

    intervening: bool = False
    action: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """End-effector motion, in [-1, 1]."""
    gripper: GripperCommand = GripperCommand.STAY
    success: bool = False
    failure: bool = False
    rerecord: bool = False
    stop: bool = False


class Operator(Protocol):
    """An operator's device; `sense` never waits."""

    def begin(self, mode: Mode, seed: int) -> None:
        """A new episode starts."""
        ...

    def sense(self, scene: Scene) -> OperatorInput:
        """What is wanted now; events that happened between two ticks are all in it."""
        ...
