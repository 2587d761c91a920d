"""Whether a person is there, as far as keys, buttons and sticks tell, and whether she says that the scene is back."""

import math

from hilrt.control.scene import SceneSource
from hilrt.control.tick import Tick
from hilrt.devices.keyboard import Key
from hilrt.devices.operator import Operator
from hilrt.shm.status import ControlStatus, SupervisorStatus

KEYS = tuple(key.value for key in Key if key is not Key.STOP)


class Presence:
    """The person at the arm, through her device and through the run's terminal: either will do."""

    def __init__(self, words: SupervisorStatus, operator: Operator) -> None:
        self._words, self._operator = words, operator
        self._goes, self._keys = words.key_go, self._pressed()
        self._failures = words.key_failure

    def ready(self) -> bool:
        """Whether "ready, go" was pressed since last asked."""
        before, self._goes = self._goes, int(self._words.key_go)
        on_device = self._operator.ready()
        return self._goes > before or on_device

    def refuses(self) -> bool:
        """Whether "failure" was pressed since last asked."""
        before, self._failures = self._failures, int(self._words.key_failure)
        on_device = self._operator.refuses()
        return self._failures > before or on_device

    def active(self) -> bool:
        """Whether anything was done since last asked."""
        before, self._keys = self._keys, self._pressed()
        on_device = self._operator.active()
        return self._keys != before or on_device

    def _pressed(self) -> tuple[int, ...]:
        return tuple(getattr(self._words, key) for key in KEYS)


class PuttingBack:
    """Her time to put the scene back, from the start of a reset; it ends early when she says so."""

    def __init__(self, scene: SceneSource, presence: Presence, status: ControlStatus, began: Tick) -> None:
        self._scene, self._presence, self._status = scene, presence, status
        self._began_ns, self._said = began.time_ns, False
        given_s = scene.reset_time_s
        waits = 0.0 < given_s < math.inf
        status.reset_until_ns = self._began_ns + round(given_s * 1e9) if waits else 0
        presence.ready()  # what was pressed before is no answer

    def over(self, tick: Tick) -> bool:
        """Whether the scene is there."""
        if not self._said and self._presence.ready():
            self._said = True
            self._status.reset_until_ns = min(self._status.reset_until_ns, tick.time_ns)
        return self._scene.ready(math.inf if self._said else (tick.time_ns - self._began_ns) * 1e-9)
