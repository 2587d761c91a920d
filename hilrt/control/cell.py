"""The arms, the cameras and their surroundings as one thing that is sensed once per tick and commanded once."""

import asyncio
import json
import logging
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from hilrt.config import Config
from hilrt.control.assembly import Pipelines
from hilrt.control.realtime import Lateness, Stopwatch
from hilrt.control.safety import Health
from hilrt.control.scene import SceneSource
from hilrt.control.tick import Float64, Tick
from hilrt.control.ticker import Ticker
from hilrt.devices.arm import Arm, ArmReading
from hilrt.devices.camera import Camera, Frame
from hilrt.errors import BusLostError, BusTimeoutError
from hilrt.record import Limit, Mode
from hilrt.shm.status import STEPS_TEXT, ControlStatus

log = logging.getLogger(__name__)

T = TypeVar("T")

BUS_ERRORS = (BusTimeoutError, BusLostError)
PATIENCE_S = 0.5
"""How long the bus may be silent before the run stops."""


class Cell:
    """Senses and commands; every call to `sense` is one tick."""

    def __init__(
        self,
        config: Config,
        ticker: Ticker,
        arms: Sequence[Arm],
        cameras: Sequence[Camera],
        scene: SceneSource,
        pipelines: Pipelines,
        status: ControlStatus,
    ) -> None:
        self._fps, self._ticker, self._arms, self._cameras = config.env.fps, ticker, arms, cameras
        self.scene, self.pipelines, self._status = scene, pipelines, status
        self._patience = max(1, round(PATIENCE_S * config.env.fps))
        self._observes_object = bool(config.sim and config.sim.observe_object)
        self._health = [Health(config, arm.calibration, arm.bus.port) for arm in arms]
        self._lateness = Lateness()
        self._watch = Stopwatch()
        self._faults = 0

    async def sense(self, step: int = 0, mode: Mode = Mode.TRAIN) -> Tick:
        """Wait for the tick, read everything, observe.

        A silent bus costs ticks, not the run: the arm keeps its last goal meanwhile.

        Raises:
            BusTimeoutError, BusLostError: it was silent for `PATIENCE_S`.
            OverheatError, OvercurrentError, VoltageError, ServoFaultError: a servo must not go on.
        """
        readings, woken_ns, missed = await self._read()
        for health, reading in zip(self._health, readings, strict=True):
            health.check(reading)
        tick = Tick(
            step=step,
            mode=mode,
            time_ns=woken_ns if self._ticker.simulated else readings[-1].monotonic_ns,
            readings=readings,
            frames=self._look(),
            object=self.scene.object_pose() if self._observes_object else None,
            task_success=self.scene.success(),
            missed=missed,
            bus_faults=self._count_faults(),
        )
        self.pipelines.observation.run(tick)
        self._status.sense_ms = self._watch.lap_ms()
        return tick

    async def command(self, joint_goal: Float64) -> bool:
        """Send goal positions, shape (arms, 6) [rad], at the tick's fixed offset, so that latency is constant.

        Returns whether they went out.
        """
        self._status.decide_ms = self._watch.lap_ms()
        await self._ticker.until_act()
        self._watch.lap_ms()
        try:
            await _together([arm.write(goal) for arm, goal in zip(self._arms, joint_goal, strict=True)])
        except BUS_ERRORS as error:
            log.warning("command lost: %s", error)
            return False
        self._status.act_ms = self._watch.lap_ms()
        return True

    async def _read(self) -> tuple[tuple[ArmReading, ...], int, int]:
        """Telemetry of all arms, the time of the tick [ns], and how many ticks were missed."""
        missed = 0
        for attempt in range(self._patience):
            woken = await self._ticker.wait()
            self._watch.lap_ms()
            missed += woken.missed + (attempt > 0)
            self._account(woken.lateness_ns, woken.missed)
            try:
                return tuple(await _together([arm.read() for arm in self._arms])), woken.time_ns, missed
            except BUS_ERRORS as error:
                log.warning("tick without telemetry: %s", error)
                if attempt == self._patience - 1:
                    raise
        raise AssertionError  # the last attempt returns or raises

    def _look(self) -> tuple[Frame, ...]:
        """The newest frame of each camera; each had one before the first tick."""
        return tuple(frame for camera in self._cameras if (frame := camera.newest()) is not None)

    def _account(self, lateness_ns: int, missed: int) -> None:
        status = self._status
        self._lateness.add(lateness_ns)
        status.heartbeat_ns = time.monotonic_ns()
        status.ticks += 1
        status.misses += missed
        status.lateness_max_us = self._lateness.worst_us
        if status.ticks % self._fps == 0:
            status.lateness_p50_us, status.lateness_p99_us = self._lateness.percentiles_us()
            status.steps_us = _text_of(self.pipelines.take_times_us())

    def count_limits(self, limits: Limit) -> None:
        """Add what changed a command to the counters."""
        status = self._status
        for limit in limits:
            name = f"limited_{limit.name}".lower()
            setattr(status, name, getattr(status, name) + 1)

    def _count_faults(self) -> int:
        statistics = [arm.bus.statistics() for arm in self._arms]
        self._status.bus_retries = sum(bus.retries for bus in statistics)
        self._status.bus_errors = sum(bus.timeouts for bus in statistics)
        faults = self._status.bus_retries + self._status.bus_errors
        fresh, self._faults = faults - self._faults, faults
        return fresh


def _text_of(times_us: dict[str, float]) -> str:
    """As JSON that the status block has room for: the fastest steps are left out first."""
    slowest_first = sorted(times_us, key=lambda name: -times_us[name])
    while len(text := json.dumps({name: times_us[name] for name in slowest_first})) > STEPS_TEXT:
        slowest_first.pop()
    return text


async def _together(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results of calls on different buses, at the same time; one alone needs no task of its own."""
    if len(calls) == 1:
        return [await calls[0]]
    return list(await asyncio.gather(*calls))
