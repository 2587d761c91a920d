"""The arms, the cameras and their surroundings as one thing that is sensed once per tick and commanded once."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from hilrt.config import Config, Vec2, nature_of
from hilrt.control.assembly import Pipelines
from hilrt.control.gauges import Gauges
from hilrt.control.gripwatch import GripWatch
from hilrt.control.health import Health
from hilrt.control.lifeline import BUS_ERRORS, Lifeline
from hilrt.control.scene import SceneSource
from hilrt.control.spotter import Spotter
from hilrt.control.stand import Stand
from hilrt.control.stream import Stream, together
from hilrt.control.tick import Float64, Tick
from hilrt.control.ticker import Ticker
from hilrt.devices.arm import Arm, ArmReading
from hilrt.devices.operator import Command, Scene
from hilrt.errors import CameraLostError, GripOverloadError, OvercurrentError
from hilrt.shm.pictures import Frame, Pictures
from hilrt.shm.status import ControlStatus
from hilrt.step.record import Mode

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
        self._told = self.remark = self.notice = ""
        self._observes_object = bool(config.sim and config.sim.observe_object)
        self._stalls, self._stalled, self._eased = 0, "", False
        self._grips = GripWatch(arms, pipelines.grip, stream, status)
        self._health = [Health(config, arm.calibration, arm.bus.port) for arm in arms]
        self.gauges = Gauges(status, pipelines, config.env.fps)
        self._spotter = Spotter(scene, pipelines, [arm.calibration for arm in arms])
        self.needs_cameras = True
        """Not on the last way to rest: a camera that is lost ends the run, and does not keep the arm from it."""

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
            stale=() if simulated or not self.needs_cameras else self._stale(),
            unwritten=not simulated and self._crowded(),
            unguarded=not simulated and self._unguarded(),
            cut=not blind and self._take_cut(),
            object=self.scene.object_pose() if self._observes_object else None,
            other=self.scene.other_object() if self._observes_object else None,
            task_success=self.scene.success(),
            missed=missed + self._waited,
            bus_faults=self.gauges.count_faults(self._arms),
        )
        self._waited = tick.missed + 1 if tick.waits else 0
        self._tell(tick.stale, unwritten=tick.unwritten)
        self.pipelines.observation.run(tick)
        self.gauges.sensed(tick)
        return tick

    async def command(self, joint_goal: Float64) -> bool:
        """Begin the way to goal positions, shape (arms, 6) [rad], at the tick's fixed offset: latency is constant.

        Returns whether the first part of it went out; the ticker sends the others.
        """
        self.gauges.decided()
        if self.pipelines.feedforward:
            for arm, beyond in zip(self._arms, self.pipelines.feedforward.of(joint_goal), strict=True):
                arm.feedforward = beyond
        goal = await self._grips.near(joint_goal)
        await self._ticker.until_act()
        self.gauges.act()
        sent = await self._stream.aim(goal)
        self.gauges.acted(self._stream.jerk)
        return sent

    async def act(self, tick: Tick) -> None:
        """Command the tick's goal; what was sent is what the next command starts from."""
        if await self.command(tick.joint_goal):
            self.pipelines.setpoint.commit(tick)
        self.gauges.count_limits(tick.limits)

    def seen(self, tick: Tick, autonomous_rate: float) -> Scene:
        """What a person at the arms sees."""
        return Scene(
            ee=tick.pose[:, :3, 3],
            opening=self.pipelines.limits.opening(tick.joints),
            object=self.scene.object_pose(),
            done=tick.task_success,
            step=tick.step,
            autonomous_rate=autonomous_rate,
            command=self.told_by(self.pipelines.setpoint.joints),
        )

    def spot(self, tick: Tick) -> Vec2 | None:
        """x, y of the object, as far as this tick tells, base frame of the only arm [m]."""
        return self._spotter(tick)

    def told_by(self, joints: Float64) -> Command:
        """Goals, shape (arms, 6) [rad], as an operator's devices take them."""
        return Command(joints, self.pipelines.limits.opening(joints))

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
            ages_ms = zip(self._max_ages_s, self._ages_ms, strict=False)  # none before the first tick
            self.gauges.wake(woken.lateness_ns, woken.missed, dict(ages_ms))
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
        """What is the matter, and what others note or remark, on the screen; a text is written only when it changes."""
        texts = [line.text for line in self._lines]
        texts += [f"camera {name} shows nothing new; the arm holds" for name in stale]
        texts += [self._stalled, self.stand.text, self._grips.text]
        texts += ["the arm holds until the recorder has written what waits"] if unwritten else []
        texts += [self.pipelines.judge.slow] if self.pipelines.judge else []
        if (told := "; ".join(filter(None, (*texts, self.notice, self.remark)))) != self._told:
            self._told = self._status.message = told

    def _look(self) -> tuple[Frame, ...]:
        """The newest frame of each camera; each had one before the first tick."""
        if self._pictures is None:
            return ()
        newest = map(self._pictures.newest, self._max_ages_s)
        return tuple(frame for frame in newest if frame is not None)
