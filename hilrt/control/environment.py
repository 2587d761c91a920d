"""The loop in a Gymnasium environment: a tick is a step of it, and time stands still in between."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np

from hilrt.config import Area, Config
from hilrt.control.action import Delta, Intervention
from hilrt.control.agenda import Agenda
from hilrt.control.coach import coach_of
from hilrt.control.ending import Ending
from hilrt.control.idle import Idle
from hilrt.control.judge import Judge
from hilrt.control.loop import Loop
from hilrt.control.observation import PARTS, CropResize, State
from hilrt.control.opening import make_pace, make_policy, make_publisher
from hilrt.control.outcome import TERMINATED, TRUNCATED, Interruption, Success, TimeLimit
from hilrt.control.phase import Phase
from hilrt.control.pipeline import Pipeline, Stateless, Step
from hilrt.control.places import Places
from hilrt.control.presence import Presence
from hilrt.control.supply import Supply
from hilrt.control.tick import Float64, Tick
from hilrt.data.episodes import Tally, read_summaries
from hilrt.devices.operator import Command, Scene
from hilrt.devices.preprocess import Preprocess
from hilrt.environment.operator import Hook
from hilrt.environment.world import World
from hilrt.errors import EnvironmentUnknownError, OwnCodeError
from hilrt.run.job import Job, Spec
from hilrt.run.realtime import collect_garbage
from hilrt.shm.pictures import Frame
from hilrt.shm.status import ControlStatus, Status
from hilrt.step.features import Features, from_config
from hilrt.step.record import Mode

REST_S = 0.02
"""Between two looks at an environment in which nothing has happened."""
NOBODY = np.zeros((0, 6))


class Observed(Stateless):
    """The environment's own numbers."""

    name = "environment"
    reads = ()
    writes = (PARTS,)

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, tick: Tick) -> None:
        """Take them in."""
        tick.parts.append(self._world.state)


class Ends(Stateless):
    """The episode ends as the environment says."""

    name = "environment_ends"
    reads = (TERMINATED,)
    writes = (TERMINATED, TRUNCATED)

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, tick: Tick) -> None:
        """Success has had its say."""
        tick.terminated = tick.terminated or self._world.terminated
        tick.truncated = self._world.truncated and not tick.terminated


class EnvironmentPipelines:
    """From an observation to the state, from there to the outcome, and from a decision to an action in [-1, 1]."""

    judge: Judge | None = None

    def __init__(self, config: Config, features: Features, world: World) -> None:
        reset, axes = config.processor.reset, len(features.action)
        seen: list[Step] = [Observed(world), State()]
        if cameras := [view.name for view in features.views]:
            preprocess = Preprocess(config.processor.image_preprocessing, features)
            seen.append(CropResize(cameras, preprocess))
        self.observation = Pipeline("observation", seen)
        ends: list[Step] = [Ends(world), TimeLimit(config.max_episode_steps), Interruption()]
        self.outcome = Pipeline("outcome", [Success(terminate=reset.terminate_on_success), *ends])
        by_hand = config.teleop.use_gripper
        intervention = Intervention(1, axes, gripper=bool(features.gripper), operator_gripper=by_hand)
        self.action = Pipeline("action", [intervention, Delta(np.ones(axes), 1)])

    def begin(self, start: Float64 | None = None) -> None:  # noqa: ARG002 - an arm has one
        """A new episode."""
        for pipeline in (self.observation, self.outcome, self.action):
            pipeline.begin()


class EnvironmentCell:
    """Observes an environment, and acts in it."""

    remark = ""

    def __init__(
        self,
        config: Config,
        world: World,
        pipelines: EnvironmentPipelines,
        status: ControlStatus,
        paced: Callable[[], Awaitable[None]],
    ) -> None:
        """`paced`: waits until recorder and learner keep up."""
        self.pipelines, self._world, self._status, self._paced = pipelines, world, status, paced
        self._period_ns = round(1e9 / config.env.fps)
        self._time_ns, self._fresh = 0, False

    def renew(self, seed: int) -> None:
        """Begin an episode; raises `OwnCodeError`."""
        self._world.reset(seed)
        self._fresh = True

    async def sense(self, step: int = 0, mode: Mode = Mode.TRAIN) -> Tick:
        """What the last action led to; where nothing has happened since it was last asked, that is all that it says.

        Raises:
            OwnCodeError: the observation cannot be used.
        """
        self._status.heartbeat_ns = time.monotonic_ns()
        if not self._fresh:
            await asyncio.sleep(REST_S)
            return Tick(step=step, mode=mode, time_ns=self._time_ns, readings=())
        await self._paced()
        self._fresh = False
        self._status.ticks += 1
        self._time_ns += self._period_ns
        frames = tuple(
            Frame(image, self._time_ns, self._status.ticks) for image in self._world.images.values()
        )
        tick = Tick(
            step=step,
            mode=mode,
            time_ns=self._time_ns,
            readings=(),
            frames=frames,
            frame_ages_ms=(0.0,) * len(frames),
            task_success=self._world.success,
        )
        self.pipelines.observation.run(tick)
        return tick

    async def act(self, tick: Tick) -> None:
        """Take a step; raises `OwnCodeError`."""
        self._world.step(tick.action, tick.gripper[0])
        self._fresh = True

    def seen(self, tick: Tick, autonomous_rate: float) -> Scene:
        """Nothing but figures: an operator looks at the environment itself."""
        return Scene(np.zeros((0, 3)), np.zeros(0), None, tick.task_success, tick.step, autonomous_rate)

    def spot(self, tick: Tick) -> None:
        """Nobody knows of an object."""

    def told_by(self, joints: Float64) -> Command:
        """No arm is told anything."""
        return Command(joints, np.zeros(len(joints)))


class Renewal:
    """Between two episodes: a reset."""

    def __init__(self, cell: EnvironmentCell, status: ControlStatus) -> None:
        self._cell, self._status = cell, status
        self.idle = Idle(math.inf, lambda: False)

    async def prepare(self, seed: int, within: Area | None) -> None:  # noqa: ARG002 - it has no table
        """Have the environment begin anew."""
        self._status.phase = Phase.RESETTING
        collect_garbage()
        self._cell.renew(seed)


def in_environment(spec: Spec, config: Config, status: Status, stack: AsyncExitStack, ending: Ending) -> Loop:
    """The loop of a run in an environment, ready to begin.

    Raises:
        EnvironmentUnknownError: the job is one for arms.
        OwnCodeError: environment or operator cannot be used, or are not those that the run was begun with.
    """
    if spec.job not in {Job.RECORD, Job.TRAIN, Job.EVAL, Job.RUN}:
        raise EnvironmentUnknownError(config.env.id)
    features, world = from_config(config), stack.enter_context(World(config.env))
    if world.spaces != config.env.spaces:
        raise OwnCodeError(
            "env.id", config.env.id, "has other observations or actions than when the run began"
        )
    operator = Hook(world, config)
    publisher = make_publisher(spec, config, features, stack)
    supply = Supply(spec.run, status, publisher.sent) if spec.job is Job.TRAIN else None
    paced = make_pace(spec, status, supply, publisher, ending)
    cell = EnvironmentCell(
        config, world, EnvironmentPipelines(config, features, world), status.control, paced
    )
    history = read_summaries(Path(spec.run_dir) / "episodes.jsonl")
    status.control.heartbeat_ns = time.monotonic_ns()
    policy = make_policy(spec, config, features, supply, stack)
    status.control.ready = 1
    return Loop(
        config=config,
        cell=cell,
        operator=operator,
        presence=Presence(status.supervisor, operator),
        make_between=lambda *_: Renewal(cell, status.control),
        policy=policy,
        publisher=publisher,
        agenda=Agenda(config, spec, history),
        places=Places(config, spec.job, spec.trial, status.control, history),
        status=status.control,
        tally=Tally(history, config.learner.constants.window),
        stop_wanted=ending.wanted,
        coach=coach_of(config, spec.job, history),
    )
