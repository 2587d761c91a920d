"""The arm, its cameras and its surroundings as one thing that is sensed once per tick and commanded once."""

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.config import Config
from hilrt.control.action import EndEffectorControl
from hilrt.control.observation import Observation, Observer
from hilrt.control.realtime import Lateness, Stopwatch
from hilrt.control.safety import Health
from hilrt.control.scene import SceneSource
from hilrt.control.ticker import Ticker
from hilrt.devices.arm import Arm
from hilrt.devices.camera import Camera
from hilrt.errors import BusLostError, BusTimeoutError
from hilrt.shm.status import ControlStatus

log = logging.getLogger(__name__)

Frames = list[npt.NDArray[np.uint8]]

BUS_ERRORS = (BusTimeoutError, BusLostError)
PATIENCE_S = 0.5
"""How long the bus may be silent before the run stops."""


class Senses(NamedTuple):
    """All that one tick brought in."""

    observation: Observation
    frames: Frames
    frame_ages_ms: tuple[float, ...]
    missed: int
    bus_faults: int


class Cell:
    """Senses and commands; every call to `sense` is one tick."""

    def __init__(
        self,
        config: Config,
        ticker: Ticker,
        arm: Arm,
        cameras: Sequence[Camera],
        scene: SceneSource,
        observer: Observer,
        reference: EndEffectorControl,
        status: ControlStatus,
    ) -> None:
        self._config, self._ticker, self._arm, self._cameras = config, ticker, arm, cameras
        self._observer, self.reference = observer, reference
        self.scene, self._status = scene, status
        self._patience = max(1, round(PATIENCE_S * config.env.fps))
        self._observes_object = bool(config.sim and config.sim.observe_object)
        self._health = Health(config, arm.calibration, arm.bus.port)
        self._lateness = Lateness()
        self._watch = Stopwatch()
        self._faults = 0

    async def sense(self) -> Senses:
        """Wait for the tick, read everything.

        A silent bus costs ticks, not the run: the arm keeps its last goal meanwhile.

        Raises:
            BusTimeoutError, BusLostError: it was silent for `PATIENCE_S`.
            OverheatError, ServoFaultError: a servo is too hot, or reports a fault.
        """
        missed = 0
        for attempt in range(self._patience):
            tick = await self._ticker.wait()
            self._watch.lap_ms()
            missed += tick.missed + (attempt > 0)
            self._account(tick.lateness_ns, tick.missed)
            try:
                reading = await self._arm.read()
                break
            except BUS_ERRORS as error:
                log.warning("tick without telemetry: %s", error)
                if attempt == self._patience - 1:
                    raise
        self._health.check(reading)
        time_ns = tick.time_ns if self._ticker.simulated else reading.monotonic_ns
        pose = self.scene.object_pose() if self._observes_object else None
        observation = self._observer.observe(reading, time_ns, self.reference, pose)
        frames, ages = self._look()
        faults = self._count_faults()
        self._status.sense_ms = self._watch.lap_ms()
        return Senses(observation, frames, ages, missed, faults)

    async def command(self, joint_goal: npt.NDArray[np.float64]) -> None:
        """Send goal positions, shape (6,) [rad], at the tick's fixed offset, so that latency is constant."""
        self._status.decide_ms = self._watch.lap_ms()
        await self._ticker.until_act()
        self._watch.lap_ms()
        try:
            await self._arm.write(joint_goal)
        except BUS_ERRORS as error:
            log.warning("command lost: %s", error)
        self._status.act_ms = self._watch.lap_ms()

    def _look(self) -> tuple[Frames, tuple[float, ...]]:
        now = time.monotonic_ns()
        frames, ages = [], []
        for camera in self._cameras:
            frame = camera.newest()
            if frame is not None:
                frames.append(frame.image)
                ages.append((now - frame.monotonic_ns) * 1e-6)
        return frames, tuple(ages)

    def _account(self, lateness_ns: int, missed: int) -> None:
        status = self._status
        self._lateness.add(lateness_ns)
        status.heartbeat_ns = time.monotonic_ns()
        status.ticks += 1
        status.misses += missed
        status.lateness_max_us = self._lateness.worst_us
        if status.ticks % self._config.env.fps == 0:
            status.lateness_p50_us, status.lateness_p99_us = self._lateness.percentiles_us()

    def _count_faults(self) -> int:
        bus = self._arm.bus.statistics()
        self._status.bus_retries, self._status.bus_errors = bus.retries, bus.timeouts
        faults = bus.retries + bus.timeouts
        fresh, self._faults = faults - self._faults, faults
        return fresh
