"""What the loop tells of itself in the status block: how late it is, how long its parts take, how an arm follows."""

import json
import time
from collections.abc import Mapping, Sequence

from hilrt.control.assembly import Pipelines
from hilrt.control.smoothness import Smoothness
from hilrt.control.tick import Float64, Tick
from hilrt.devices.arm import Arm
from hilrt.run.realtime import Lateness, Stopwatch
from hilrt.shm.status import FRAME_AGES_TEXT, STEPS_TEXT, ControlStatus
from hilrt.step.record import Limit


class Gauges:
    """Figures of a cell's ticks; those that are sums and percentiles once a second."""

    def __init__(self, status: ControlStatus, pipelines: Pipelines, fps: int) -> None:
        self._status, self._pipelines, self._fps = status, pipelines, fps
        self._lateness, self._watch, self._faults = Lateness(), Stopwatch(), 0
        self._smoothness, self._leads = Smoothness(), False

    def wake(self, lateness_ns: int, missed: int, ages_ms: Mapping[str, float]) -> None:
        """A tick begins; `ages_ms`: of the cameras' pictures at the last one."""
        self._watch.lap_ms()
        status = self._status
        self._lateness.add(lateness_ns)
        status.heartbeat_ns = time.monotonic_ns()
        status.ticks += 1
        status.misses += missed
        status.lateness_max_us = self._lateness.worst_us
        if status.ticks % self._fps == 0:
            status.lateness_p50_us, status.lateness_p99_us = self._lateness.percentiles_us()
            status.steps_us = _text_of(self._pipelines.take_times_us(), STEPS_TEXT)
            self._smoothness.report(status)
            status.frame_ages_ms = _text_of(
                {name: round(age) for name, age in ages_ms.items()}, FRAME_AGES_TEXT
            )

    def sensed(self, tick: Tick) -> None:
        """Account for how the last command was followed; before step 1 there is none, or it is a reset's."""
        self._leads = tick.step > 0
        if tick.step == 1:
            self._smoothness.begin()
        if self._leads and not tick.waits:
            self._smoothness.measured(tick, self._pipelines.setpoint)
        self._status.sense_ms = self._watch.lap_ms()

    def decided(self) -> None:
        """There is a command."""
        self._status.decide_ms = self._watch.lap_ms()

    def act(self) -> None:
        """Its time has come."""
        self._watch.lap_ms()

    def acted(self, jerk: Float64) -> None:
        """It has gone out; `jerk`: of its way, shape (times, arms, 6) [rad/s3]."""
        if self._leads:
            self._smoothness.jerk.add(jerk[:, :, :5])
        self._status.act_ms = self._watch.lap_ms()

    def count_limits(self, limits: Limit) -> None:
        """Add what changed a command to the counters."""
        status = self._status
        for limit in limits:
            name = f"limited_{limit.name}".lower()
            setattr(status, name, getattr(status, name) + 1)

    def count_faults(self, arms: Sequence[Arm]) -> int:
        """Of the arms' lines, since last asked."""
        statistics = [arm.bus.statistics() for arm in arms]
        self._status.bus_retries = sum(bus.retries for bus in statistics)
        self._status.bus_errors = sum(bus.timeouts + bus.doubted for bus in statistics)
        faults = self._status.bus_retries + self._status.bus_errors
        fresh, self._faults = faults - self._faults, faults
        return fresh


def _text_of(times: Mapping[str, float], room: int) -> str:
    """As JSON of at most `room` bytes: the shortest times are left out first."""
    kept = dict(times)
    while len(text := json.dumps(kept)) > room:
        del kept[min(kept, key=lambda name: kept[name])]
    return text
