"""A gamepad as the operator's device: its sticks drive, its right bumper takes over while it is held."""

from collections.abc import Callable, Sequence

import numpy as np

from hilrt.devices.hotplug import Plugged
from hilrt.devices.keyboard import AXES, Key
from hilrt.devices.operator import Motionless, OperatorInput, Scene
from hilrt.devices.pad import BUTTONS, Pad
from hilrt.devices.padlayout import layout_of
from hilrt.step.record import GripperCommand, Mode

DIRECTIONS = {
    Key.FORWARD: ("left_y", -1.0),
    Key.BACK: ("left_y", 1.0),
    Key.LEFT: ("left_x", -1.0),
    Key.RIGHT: ("left_x", 1.0),
    Key.UP: ("right_y", -1.0),
    Key.DOWN: ("right_y", 1.0),
}
"""Where each stick points; the kernel's axes grow to the right and downwards."""


class Gamepad(Motionless):
    """`teleop.type = "gamepad"`; in a running event loop.

    Demonstrations are the operator's from beginning to end, evaluations the policy's.
    """

    def __init__(
        self,
        device: str,
        axes: Sequence[str],
        arms: int,
        *,
        intervene: bool,
        dead_zone: float,
        on_stop: Callable[[], None],
    ) -> None:
        """Find it and open it.

        Args:
            device: part of its name, or its path; empty: the first there is.
            axes: of one arm's action. With two arms the pad moves one at a time.
            arms: how many.
            intervene: whether training may be interrupted.
            dead_zone: share of a stick's way around its middle that means nothing.
            on_stop: called at the stop button's press, at once, also while an arm is reset.

        Raises:
            InputDeviceAbsentError, InputDeviceRefusedError: there is none, or it may not be opened.
        """
        self._pad = Pad(on_stop, dead_zone)
        self._plugged = Plugged("gamepad", device, lambda entry: layout_of(entry) is not None, self._pad)
        self._axes, self._arms = [AXES[name][0] for name in axes], arms
        self._may_intervene = intervene
        self._mode = Mode.DEMO
        self._arm = self._moves = 0

    @property
    def message(self) -> str:
        """What the operator should know; empty while all is well."""
        return self._plugged.message

    def begin(self, mode: Mode, seed: int) -> None:  # noqa: ARG002 - a person needs no seed
        """A new episode; what was pressed before it does not count in it."""
        self._mode = mode
        self._pad.begin()

    def ready(self) -> bool:
        """Whether the start button was pressed since last asked."""
        self._plugged.look()
        return self._pad.switches[Key.GO].taken() > 0

    def active(self) -> bool:
        """Whether a button was pressed or a stick moved since last asked."""
        self._plugged.look()
        before, self._moves = self._moves, self._pad.moves
        return self._moves > before

    def refuses(self) -> bool:
        """Whether the failure button was pressed since last asked."""
        self._plugged.look()
        return self._pad.switches[Key.FAILURE].taken() > 0

    def sense(self, scene: Scene) -> OperatorInput:  # noqa: ARG002 - a person looks with her own eyes
        """Presses since the last call, sticks and triggers now."""
        self._plugged.look()
        switches = self._pad.switches
        taking_over = switches[Key.INTERVENE].on() and self._may_intervene
        self._arm = (self._arm + switches[Key.OTHER_ARM].taken()) % self._arms
        action = np.zeros((self._arms, len(self._axes)))
        action[self._arm] = self._motion()
        gripper = [GripperCommand.STAY] * self._arms
        gripper[self._arm] = GripperCommand(1 + switches[Key.OPEN].on() - switches[Key.CLOSE].on())
        return OperatorInput(
            intervening=self._mode is Mode.DEMO or (self._mode is Mode.TRAIN and taking_over),
            action=tuple(action.ravel().tolist()),
            gripper=tuple(gripper),
            arm=self._arm,
            success=switches[Key.SUCCESS].taken() > 0,
            failure=switches[Key.FAILURE].taken() > 0,
            rerecord=switches[Key.RERECORD].taken() > 0,
            stop=switches[Key.STOP].taken() > 0,
        )

    def close(self) -> None:
        """Idempotent."""
        self._plugged.close()

    def _motion(self) -> list[float]:
        """Along each axis of the action, -1..1."""
        on = {key: float(self._pad.switches[key].on()) for key in BUTTONS if key.held}
        tilt = on[Key.TILT_UP] - on[Key.TILT_DOWN]
        roll = on[Key.ROLL_RIGHT] - on[Key.ROLL_LEFT]
        way = {Key.TILT_UP: tilt, Key.TILT_DOWN: -tilt, Key.ROLL_RIGHT: roll, Key.ROLL_LEFT: -roll}
        for key, (stick, sign) in DIRECTIONS.items():
            way[key] = sign * self._pad.stick(stick) + 0.0  # no minus zero
        return [way[key] for key in self._axes]
