"""Puts the control process together, runs its loop, and leaves the arm holding whatever happens."""

import asyncio
import math
import os
import signal
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import uvloop

from hilrt.config import Config, taskfile
from hilrt.control import pause
from hilrt.control.agenda import Agenda
from hilrt.control.assembly import Pipelines
from hilrt.control.cell import Cell
from hilrt.control.coach import coach_of
from hilrt.control.ending import Ending
from hilrt.control.environment import in_environment
from hilrt.control.interval import Interval
from hilrt.control.loop import Loop
from hilrt.control.observation import Show
from hilrt.control.opening import (
    connect_arms,
    first_pictures,
    make_judge,
    make_policy,
    make_publisher,
    make_ticker,
)
from hilrt.control.operators import connect_leaders, make_operator
from hilrt.control.places import Places
from hilrt.control.presence import Presence
from hilrt.control.publisher import Publisher
from hilrt.control.recording import Recording, load, require_inside
from hilrt.control.replay import Replay
from hilrt.control.rest import Rest
from hilrt.control.scene import RealScene, SceneSource, SimScene
from hilrt.control.stream import Stream
from hilrt.control.supply import Supply
from hilrt.control.warden import Warden
from hilrt.data.episodes import EpisodeSummary, Tally, read_summaries
from hilrt.devices.calibration import Calibration
from hilrt.devices.leaderarm import LeaderArm
from hilrt.devices.operator import Operator
from hilrt.errors import EndedFromOutsideError
from hilrt.policy.sizes import with_sizes
from hilrt.run.job import Job, Role, Spec
from hilrt.run.realtime import become_realtime, lock_memory, quiet_collector
from hilrt.run.simlink import SimLink
from hilrt.shm.pictures import Pictures, PictureSegment
from hilrt.shm.status import Status
from hilrt.step.extent import Extent, decode
from hilrt.step.features import Features, from_config

if TYPE_CHECKING:
    from hilrt.control.policy import Policy


def main(spec: Spec) -> None:
    """Entry point of the role."""
    uvloop.run(_run(spec))


async def _run(spec: Spec) -> None:
    config = taskfile.load(Path(spec.run_dir) / "config.toml")
    if spec.job is Job.TRAIN:
        config = with_sizes(config, Path(spec.run_dir))
    async with AsyncExitStack() as stack:
        status = stack.enter_context(Status.attach(spec.run))
        status.control.pid = os.getpid()
        ending = Ending(status.supervisor)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.terminate)
        if config.in_environment:
            await in_environment(spec, config, status, stack, ending).run(spec.first_episode)
            return _end(status, ending)
        pictures = None
        if config.robot.cameras:
            pictures = stack.enter_context(PictureSegment.attach(spec.run, "images", from_config(config)))
            if not await first_pictures(pictures, config, status.control, ending.wanted):
                return _end(status, ending)
        loop = await _assemble(spec, config, status, stack, pictures, ending)
        if loop is None:
            return _end(status, ending)
        status.control.heartbeat_ns = time.monotonic_ns()  # before `ready`: from here on its age is watched
        status.control.ready = 1
        await loop.run(spec.first_episode)
        return _end(status, ending)


def _end(status: Status, ending: Ending) -> None:
    """The work is done, or the run wants no more of it.

    Raises:
        EndedFromOutsideError: it was somebody else who wanted that.
    """
    if ending.terminated and not status.supervisor.stop and os.getppid() == status.supervisor.pid:
        raise EndedFromOutsideError(Role.CONTROL)
    status.control.done = 1


class Surroundings(NamedTuple):
    """All that a loop stands on but the arms."""

    pipelines: Pipelines
    calibrations: list[Calibration]
    recording: Recording | None
    history: list[EpisodeSummary]
    agenda: Agenda
    scene: SceneSource
    leaders: list[LeaderArm]
    operator: Operator
    publisher: Publisher
    supply: Supply | None
    policy: "Policy | None"


async def _assemble(
    spec: Spec,
    config: Config,
    status: Status,
    stack: AsyncExitStack,
    pictures: Pictures | None,
    ending: Ending,
) -> Loop | Replay | None:
    """Open every device and segment; the stack closes them in reverse. None: a stop is wanted before anything moves."""
    around = await _surroundings(spec, config, status, stack, ending)
    if not await _may_begin(spec, config, status, ending):
        return None
    return await _at_the_arms(spec, config, status, stack, pictures, ending, around)


async def _surroundings(
    spec: Spec, config: Config, status: Status, stack: AsyncExitStack, ending: Ending
) -> Surroundings:
    """Whatever takes its time, and needs no arm."""
    features = from_config(config)
    calibrations = [Calibration.load(config.robot.calibration_path(side)) for side in config.robot.sides]
    judge = make_judge(config, features, spec.job)
    show = _window(spec, config, features, stack)
    pipelines = Pipelines(config, features, calibrations, show, judge, resets=spec.job.recorded)
    recording = _recording(spec, config, pipelines)
    link = SimLink.attach(spec.run, features) if config.sim else None
    if link:
        stack.callback(link.close)
    history = read_summaries(Path(spec.run_dir) / "episodes.jsonl")
    driven = spec.job.driven(intervene=config.teleop.intervene)
    leaders = await connect_leaders(config, status, stack) if driven else []
    operator = make_operator(config, spec.job, leaders, pipelines, status, link, history, ending.press)
    stack.callback(operator.close)
    publisher = make_publisher(spec, config, features, stack)
    supply = None
    if spec.job is Job.TRAIN:
        supply = Supply(spec.run, status, publisher.sent if config.lockstep else None)
    policy = make_policy(spec, config, features, supply, stack)
    if judge and policy:
        judge.share(*policy.encoder)
    if judge and not config.lockstep:
        judge.weigh(1.0 / config.env.fps)
    return Surroundings(
        pipelines=pipelines,
        calibrations=calibrations,
        recording=recording,
        history=history,
        agenda=Agenda(config, spec, history),
        scene=SimScene(link, len(calibrations), two=config.has_other_object)
        if link
        else RealScene(math.inf if pipelines.possession else config.processor.reset.reset_time_s),
        leaders=leaders,
        operator=operator,
        publisher=publisher,
        supply=supply,
        policy=policy,
    )


async def _at_the_arms(
    spec: Spec,
    config: Config,
    status: Status,
    stack: AsyncExitStack,
    pictures: Pictures | None,
    ending: Ending,
    around: Surroundings,
) -> Loop | Replay:
    """Take the arms; from here on time counts."""
    pipelines, operator, publisher = around.pipelines, around.operator, around.publisher
    arms = await connect_arms(config, status, around.calibrations, stack)
    quiet_collector()
    limit = float(np.deg2rad(config.safety.max_joint_velocity_deg_s))
    stream = Stream(arms, config.goals_per_tick, 1.0 / config.env.fps, limit)
    ticker = make_ticker(spec, config, status, arms, stream, around.leaders, around.supply, publisher, ending)
    stack.callback(ticker.close)
    crowded, unguarded = (lambda: publisher.crowded), Warden(status.supervisor).silent
    cell = Cell(
        config, ticker, stream, arms, pictures, around.scene, pipelines, status.control, crowded, unguarded
    )
    stack.callback(cell.close)

    rest = Rest(config, cell, status.control, ending, lambda joints: operator.rest(cell.told_by(joints)))
    stack.push_async_exit(rest.at_end)
    if around.recording:
        return Replay(spec, config, cell, operator, around.recording, status.control, ending.wanted)
    presence = Presence(status.supervisor, operator)
    return Loop(
        config=config,
        cell=cell,
        operator=operator,
        presence=presence,
        make_between=partial(Interval, config, cell, presence, rest, status.control),
        policy=around.policy,
        publisher=publisher,
        agenda=around.agenda,
        places=Places(config, spec.job, spec.trial, status.control, around.history),
        status=status.control,
        tally=Tally(around.history, config.learner.constants.window),
        stop_wanted=ending.wanted,
        coach=coach_of(config, spec.job, around.history),
        extents=_extents(spec, status, len(arms)),
    )


async def _may_begin(spec: Spec, config: Config, status: Status, ending: Ending) -> bool:
    """Keep time from here on, and wait where the arm shall not move by itself at once; no where a stop is wanted."""
    if config.lockstep:
        return True
    become_realtime()
    lock_memory()
    if not spec.pause:
        return True
    await pause.wait(spec.pause, status, ending.wanted)
    return not ending.wanted()


def _recording(spec: Spec, config: Config, pipelines: Pipelines) -> Recording | None:
    """What is to be played again, if anything, within the limits."""
    if not spec.playback:
        return None
    recording = load(spec.playback, config)
    require_inside(recording, pipelines.limits, spec.playback)
    return recording


def _extents(spec: Spec, status: Status, arms: int) -> list[Extent]:
    """How far the arms have been, where anybody looks at it; a control that takes over goes on with it."""
    if spec.job is not Job.TELEOPERATE:
        return []
    return decode(status.control.extents) or [Extent() for _ in range(arms)]


def _window(spec: Spec, config: Config, features: Features, stack: AsyncExitStack) -> Show | None:
    """Where the policy's pictures go when they are displayed."""
    if not config.displays:
        return None
    return stack.enter_context(PictureSegment.attach(spec.run, "views", features)).publish
