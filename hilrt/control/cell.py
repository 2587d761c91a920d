"""The arms, the cameras and their surroundings as one thing that is sensed once per tick and commanded once."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from hilrt.config import Config, nature_of
from hilrt.control.assembly import Pipelines
from hilrt.control.gripwatch import GripWatch
from hilrt.control.health import Health
from hilrt.control.lifeline import BUS_ERRORS, Lifeline
from hilrt.control.scene import SceneSource
from hilrt.control.smoothness import Smoothness
from hilrt.control.stand import Stand
from hilrt.control.stream import Stream, together
from hilrt.control.tick import Float64, Tick
from hilrt.control.ticker import Ticker
from hilrt.devices.arm import Arm, ArmReading
from hilrt.errors import CameraLostError, GripOverloadError, OvercurrentError
from hilrt.run.realtime import Lateness, Stopwatch
from hilrt.shm.pictures import Frame, Pictures
from hilrt.shm.status import FRAME_AGES_TEXT, STEPS_TEXT, ControlStatus
from hilrt.step.record import Limit, Mode

log = logging.getLogger(__name__)

TORQUE_CHECK_S = 0.2
"""How often a reading takes in whether the motors still have torque: their telemetry alone does not tell."""
STALLS = 2
"""How often in a row a motor may stall before an arm has taken a step again: it then pushes against its own reset."""
CAMERA_PATIENCE_S = 10.0
"""How old a camera's newest frame may get before the run stops."""


class Cell:
    """Senses and commands; every call to `sense` is one tick."""

    def __init__(
        self,
        config: Config,
        ticker: Ticker,
        stream: Stream,
        arms: Sequence[Arm],
        pictures: Pictures | None,
        scene: SceneSource,
        pipelines: Pipelines,
        status: ControlStatus,
        crowded: Callable[[], bool],
        unguarded: Callable[[], bool],
    ) -> None:
        """`pictures`: the cameras' newest, if there are any; `crowded`: whether the recorder has no room for a step.

        `unguarded`: whether nobody watches over us.
        """
        self._crowded, self._unguarded = crowded, unguarded
        self.fps, self._ticker, self._arms, self._pictures = config.env.fps, ticker, arms, pictures
        self._stream = stream
        self.scene, self.pipelines, self._status = scene, pipelines, status
        self.stand = Stand(pipelines.sag, config.env.fps, pipelines.feedforward)
        sides = config.robot.sides
        self._lines = [Lifeline(arm, f"{side} arm".strip()) for arm, side in zip(arms, sides, strict=True)]
        self._readings: list[ArmReading | None] = [None] * len(arms)
        self._max_ages_s = {name: camera.max_age_s for name, camera in config.robot.cameras.items()}
        self._ages_ms: tuple[float, ...] = ()
        latency_ms = nature_of(config.sim.arm).camera_latency_ms if config.sim else 0.0
        self._simulated_ages_ms = tuple(
            latency_ms if camera.type == "sim" else 0.0 for camera in config.robot.cameras.values()
        )
        self._torque_every = max(1, round(TORQUE_CHECK_S * config.env.fps))
        self._waited = 0
        self._told = self.remark = ""
        self._observes_object = bool(config.sim and config.sim.observe_object)
        self._stalls, self._stalled, self._eased = 0, "", False
        self._grips = GripWatch(arms, pipelines.grip, stream, status)
        self._health = [Health(config, arm.calibration, arm.bus.port) for arm in arms]
        self._lateness = Lateness()
        self._watch = Stopwatch()
        self._faults = 0
        self._smoothness, self._leads = Smoothness(), False

    async def sense(self, step: int = 0, mode: Mode = Mode.TRAIN) -> Tick:
        """Wait for the tick, read everything, observe.

        What cannot be sensed makes the tick wait (`Tick.waits`), not the run end: the arms keep their last goals
        meanwhile, or are held when they come back, and the screen says what is the matter.

        Raises:
            ArmLostError, CameraLostError: it was away for too long.
            OverheatError, OvercurrentError, VoltageError, ServoFaultError: a servo must not go on.
            WrongModelError, CalibrationMismatchError, SettingRefusedError: another arm came back.
        """
        if step:
            self._stalls, self._stalled, self.stand.text = 0, "", ""
        readings, blind, woken_ns, missed = await self._read()
        if not blind:
            await self._grips.see(readings)
        frames = self._look()
        now, simulated = time.monotonic_ns(), self._ticker.simulated
        ages_ms = ((now - frame.monotonic_ns) * 1e-6 for frame in frames)
        # simulated time has stood still since they were taken
        self._ages_ms = self._simulated_ages_ms if simulated else tuple(ages_ms)
        tick = Tick(
            step=step,
            mode=mode,
            time_ns=woken_ns if simulated else readings[-1].monotonic_ns,
            readings=readings,
            blind=blind,
            frames=frames,
            frame_ages_ms=self._ages_ms,
            stale=() if simulated else self._stale(),
            unwritten=not simulated and self._crowded(),
            unguarded=not simulated and self._unguarded(),
            cut=not blind and self._take_cut(),
            object=self.scene.object_pose() if self._observes_object else None,
            task_success=self.scene.success(),
            missed=missed + self._waited,
            bus_faults=self._count_faults(),
        )
        self._waited = tick.missed + 1 if tick.waits else 0
        self._tell(tick.stale, unwritten=tick.unwritten)
        self.pipelines.observation.run(tick)
        self._follow(tick)
        self._status.sense_ms = self._watch.lap_ms()
        return tick

    async def command(self, joint_goal: Float64) -> bool:
        """Begin the way to goal positions, shape (arms, 6) [rad], at the tick's fixed offset: latency is constant.

        Returns whether the first part of it went out; the ticker sends the others.
        """
        self._status.decide_ms = self._watch.lap_ms()
        if self.pipelines.feedforward:
            for arm, beyond in zip(self._arms, self.pipelines.feedforward.of(joint_goal), strict=True):
                arm.feedforward = beyond
        await self._ticker.until_act()
        self._watch.lap_ms()
        sent = await self._stream.aim(self._grips.near(joint_goal))
        if self._leads:
            self._smoothness.jerk.add(self._stream.jerk[:, :, :5])
        self._status.act_ms = self._watch.lap_ms()
        return sent

    async def settle(self, *, lets_go: bool) -> None:
        """The arms are where they rest: have them push against nothing, or let go gently."""
        self._stream.stop()
        self._status.heartbeat_ns = time.monotonic_ns()
        with suppress(*BUS_ERRORS):
            await together([arm.sink() if lets_go else arm.hold() for arm in self._arms])

    @property
    def resting(self) -> bool:
        """Whether the arms were let go to rest."""
        return any(arm.resting for arm in self._arms)

    async def rise(self) -> None:
        """Torque on where the arms are, for those that were let go.

        Raises:
            JointOutsideError: one rests far outside its range.
        """
        for arm in self._arms:
            while arm.resting:
                with suppress(*BUS_ERRORS):
                    await arm.enable_torque()
                await self.sense()

    @property
    def told(self) -> Float64:
        """Where the arms were last told to be, whatever is measured, shape (arms, 6) [rad]."""
        return np.array([arm.told for arm in self._arms])

    def close(self) -> None:
        """Stop bringing arms back; may be called again."""
        for line in self._lines:
            line.close()

    async def _read(self) -> tuple[tuple[ArmReading, ...], bool, int, int]:
        """Telemetry of all arms, whether some of it is old, the time of the tick [ns], and how many were missed."""
        missed = 0
        while True:
            torque = not self._ticker.simulated and self._status.ticks % self._torque_every == 0
            woken = await self._ticker.wait()
            self._watch.lap_ms()
            self._account(woken.lateness_ns, woken.missed)
            missed += woken.missed
            fresh = await together([line.read(torque=torque) for line in self._lines])
            await self._take(fresh)
            readings = tuple(reading for reading in self._readings if reading is not None)
            if len(readings) == len(self._lines):
                return readings, None in fresh, woken.time_ns, missed
            missed += 1  # the first tick of all: there is no older reading
            self._tell((), unwritten=False)

    async def _take(self, fresh: Sequence[ArmReading | None]) -> None:
        for arm, reading in enumerate(fresh):
            if reading is not None:
                self._readings[arm] = reading
                try:
                    self._health[arm].check(reading)
                except OvercurrentError as error:
                    await self._ease(self._arms[arm], error)
                except GripOverloadError as error:
                    await self._grips.regrip(arm, error)

    async def _ease(self, arm: Arm, error: OvercurrentError) -> None:
        """Have an arm push no longer, and the episode cut; give up where it stalls on its way back as well."""
        self._stalls += 1
        if self._stalls > STALLS:
            raise error
        log.warning("%s", error)
        self._stalled, self._eased = error.remark, True
        self._stream.stop()
        with suppress(*BUS_ERRORS):  # it stalls on, and is found again in a second
            await arm.hold()

    def _take_cut(self) -> bool:
        """Whether arms are no longer where they were told to be, since last asked."""
        returned = [line.take_return() for line in self._lines]
        eased, self._eased = self._eased, False
        return eased or any(returned)

    def _stale(self) -> tuple[str, ...]:
        """Names of the cameras that have shown nothing new for longer than they may.

        Raises:
            CameraLostError: for `CAMERA_PATIENCE_S`.
        """
        stale = []
        for (name, max_age_s), age_ms in zip(self._max_ages_s.items(), self._ages_ms, strict=True):
            age_s = age_ms * 1e-3
            if age_s > max(max_age_s, CAMERA_PATIENCE_S):
                raise CameraLostError(name, age_s)
            if age_s > max_age_s:
                stale.append(name)
        return tuple(stale)

    def _tell(self, stale: Sequence[str], *, unwritten: bool) -> None:
        """What is the matter, on the screen, and the `remark` of others; a text is written only when it changes."""
        texts = [line.text for line in self._lines]
        texts += [f"camera {name} shows nothing new; the arm holds" for name in stale]
        texts += [self._stalled, self.stand.text, self._grips.text]
        texts += ["the arm holds until the recorder has written what waits"] if unwritten else []
        if (told := "; ".join(filter(None, (*texts, self.remark)))) != self._told:
            self._told = self._status.message = told

    def _look(self) -> tuple[Frame, ...]:
        """The newest frame of each camera; each had one before the first tick."""
        if self._pictures is None:
            return ()
        newest = map(self._pictures.newest, self._max_ages_s)
        return tuple(frame for frame in newest if frame is not None)

    def _account(self, lateness_ns: int, missed: int) -> None:
        status = self._status
        self._lateness.add(lateness_ns)
        status.heartbeat_ns = time.monotonic_ns()
        status.ticks += 1
        status.misses += missed
        status.lateness_max_us = self._lateness.worst_us
        if status.ticks % self.fps == 0:
            status.lateness_p50_us, status.lateness_p99_us = self._lateness.percentiles_us()
            status.steps_us = _text_of(self.pipelines.take_times_us(), STEPS_TEXT)
            self._smoothness.report(status)
            # none before the first tick
            ages = zip(self._max_ages_s, map(round, self._ages_ms), strict=False)
            status.frame_ages_ms = _text_of(dict(ages), FRAME_AGES_TEXT)

    def _follow(self, tick: Tick) -> None:
        """Account for how the last command was followed; before step 1 there is none, or it is a reset's."""
        self._leads = tick.step > 0
        if tick.step == 1:
            self._smoothness.begin()
        if self._leads and not tick.waits:
            self._smoothness.measured(tick, self.pipelines.setpoint)

    def count_limits(self, limits: Limit) -> None:
        """Add what changed a command to the counters."""
        status = self._status
        for limit in limits:
            name = f"limited_{limit.name}".lower()
            setattr(status, name, getattr(status, name) + 1)

    def _count_faults(self) -> int:
        statistics = [arm.bus.statistics() for arm in self._arms]
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
