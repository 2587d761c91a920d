"""What happens to the arms when the process that drove them has died."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from hilrt.config import Config
from hilrt.devices.calibration import Calibration
from hilrt.devices.holding import hold_arm, release_arm, sink_arm
from hilrt.run.job import Pause
from hilrt.shm.status import SimStatus, Status

log = logging.getLogger(__name__)


class Rescue:
    """Knows how to reach the arms without control."""

    def __init__(self, config: Config, *, driven: bool) -> None:
        """`driven`: whether leaders are in use.

        Raises:
            CalibrationFileError: now, because when control has died is no time to find the file unreadable.
        """
        self._config = config
        paths = [config.robot.calibration_path(side) for side in config.sides]
        self._motor_ids = [Calibration.load(path).ids for path in paths]
        leaders = [config.leader_path(side) for side in config.teleop.leaders] if driven else []
        self._leader_ids = [Calibration.load(path).ids for path in leaders]
        self._arms: list[tuple[str, Sequence[int]]] = []
        self._leaders: list[tuple[str, Sequence[int]]] = []
        if config.sim is None:
            self._find("", "")

    def remember(self, sim: SimStatus) -> None:
        """Where a simulator has its arms, now that it is ready: when control has died, shared memory may be damaged.

        Raises:
            SegmentDamagedError: it is already.
        """
        self._find(sim.ports, sim.leader_ports)

    def _find(self, ports: str, leader_ports: str) -> None:
        self._arms = list(zip(self._config.ports(ports), self._motor_ids, strict=True))
        # none need be open
        self._leaders = list(zip(self._config.leader_ports(leader_ports), self._leader_ids, strict=False))

    def pause(self, *, asks: bool) -> Pause:
        """What must be waited for before an arm that was made safe moves again; `asks`: whether somebody is there."""
        safety, limp = self._config.safety, self._config.safety.on_crash == "release"
        alone = limp and self._config.sim is None  # whoever has it in her hands says when
        return Pause(limp=limp, asks=asks, seconds=None if alone else safety.resume_after_s)

    def make_safe(self, status: Status) -> None:
        """Control is dead: take the buses, all at once, and do what the config wants. Nothing is read from `status`."""
        act = hold_arm if self._config.safety.on_crash == "hold" else release_arm
        calls = [act(*arm) for arm in self._arms]
        # A leader is in nobody's way, and may be in a hand: it is never stiffened.
        calls += [sink_arm(*arm) for arm in self._leaders]
        for error in asyncio.run(_settled(calls)):
            if error is None:
                log.warning("control died; arm: %s", self._config.safety.on_crash)
            else:
                log.error("control died, and the arm could not be reached", exc_info=error)
                status.supervisor.message = f"arm not reached: {error}"


async def _settled(calls: Sequence[Coroutine[Any, Any, None]]) -> list[BaseException | None]:
    """What each call ended with; one that fails does not keep the others from their work."""
    return await asyncio.gather(*calls, return_exceptions=True)
