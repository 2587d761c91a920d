"""What every operator device gives the control loop, be it a gamepad, a terminal or a script."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from hilrt.step.record import GripperCommand, Mode

Float64 = npt.NDArray[np.float64]


STILL = 0.05
"""Of a full step: a leader arm's encoder counts to and fro by less."""


class Command(NamedTuple):
    """Where the arms have last been told to be."""

    joints: Float64
    """Shape (arms, 6) [rad]."""
    opening: Float64
    """Of the grippers, shape (arms,), 0 closed .. 1 open."""


class Scene(NamedTuple):
    """What a person at the arms can see; a script looks at the same. Arms come in the order of their sides."""

    ee: Float64
    """End-effector positions, shape (arms, 3), each in its arm's base frame [m]."""
    opening: Float64
    """Of the grippers, shape (arms,), 0 closed .. 1 open."""
    object: Float64 | None
    """Object pose as in `hilrt.step.features.OBJECT`, shape (arms, 5), or None where only eyes know it."""
    done: bool
    """Whether the task is done, as far as it shows."""
    step: int
    autonomous_rate: float
    """How often the policy has lately succeeded alone."""
    command: Command = Command(np.zeros((0, 6)), np.zeros(0))
    """What the next action starts from."""


class OperatorInput(NamedTuple):
    """One tick of the operator's wishes."""

    intervening: bool = False
    action: tuple[float, ...] = ()
    """In the order of `Features.action`, in units of full steps; empty: no motion."""
    gripper: tuple[GripperCommand, ...] = ()
    """One for each arm; empty: all stay."""
    success: bool = False
    failure: bool = False
    rerecord: bool = False
    stop: bool = False
    arm: int | None = 0
    """Which arm the device moves, for the screen; None: all of them."""

    @property
    def active(self) -> bool:
        """Whether a person does anything."""
        moves = any(abs(value) > STILL for value in self.action)
        grips = any(command is not GripperCommand.STAY for command in self.gripper)
        return moves or grips or self.success or self.failure or self.rerecord or self.stop

    def after(self, earlier: "OperatorInput") -> "OperatorInput":
        """This, with the presses of a tick before on which nothing could be decided."""
        return self._replace(
            success=self.success or earlier.success,
            failure=self.failure or earlier.failure,
            rerecord=self.rerecord or earlier.rerecord,
            stop=self.stop or earlier.stop,
        )


class Operator(Protocol):
    """An operator's device; `sense` never waits."""

    @property
    def message(self) -> str:
        """What the operator should know of the device; empty while all is well."""
        ...

    def close(self) -> None:
        """Let the device go; idempotent."""
        ...

    def begin(self, mode: Mode, seed: int) -> None:
        """A new episode starts."""
        ...

    def rest(self, command: Command) -> None:
        """Between episodes: where the arms are brought, tick by tick."""
        ...

    def ready(self) -> bool:
        """Between episodes: whether "ready, go" was pressed on the device since last asked."""
        ...

    def active(self) -> bool:
        """Between episodes: whether anything was pressed or moved on the device since last asked."""
        ...

    def refuses(self) -> bool:
        """Between episodes: whether failure was pressed on the device since last asked."""
        ...

    def sense(self, scene: Scene) -> OperatorInput:
        """What is wanted now; events that happened between two ticks are all in it."""
        ...


class Silent:
    """A device that says nothing between episodes: the run's terminal does, whatever the device."""

    def ready(self) -> bool:
        """Nobody says it here."""
        return False

    def active(self) -> bool:
        """Nobody does anything here."""
        return False

    def refuses(self) -> bool:
        """Nobody says it here."""
        return False


class Motionless(Silent):
    """A device that does not move by itself."""

    def rest(self, command: Command) -> None:
        """Nothing has to come along."""
