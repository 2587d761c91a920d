"""Puts the control process together, runs its loop, and leaves the arm holding whatever happens."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import uvloop

from hilrt.config import Config, taskfile
from hilrt.control import pause
from hilrt.control.agenda import Agenda
from hilrt.control.assembly import Pipelines
from hilrt.control.cell import Cell
from hilrt.control.ending import Ending
from hilrt.control.lifeline import BUS_ERRORS
from hilrt.control.loop import Loop
from hilrt.control.observation import Show
from hilrt.control.operators import connect_leaders, make_operator
from hilrt.control.presence import Presence
from hilrt.control.publisher import Publisher, Reader
from hilrt.control.recording import Recording, load, require_inside
from hilrt.control.replay import Replay
from hilrt.control.rest import Rest
from hilrt.control.scene import RealScene, SimScene
from hilrt.control.stream import Stream
from hilrt.control.supply import Supply
from hilrt.control.ticker import LOCKSTEP_DEADLINE_S, LockstepTicker, Readable, Ticker, TimerTicker
from hilrt.control.warden import Warden
from hilrt.data.episodes import Tally, read_summaries
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.devices.feetech.replytimes import read_deadline_s
from hilrt.devices.leaderarm import LeaderArm
from hilrt.devices.operator import Command
from hilrt.errors import CameraError, EndedFromOutsideError, JointOutsideError
from hilrt.policy.sizes import with_sizes
from hilrt.policy.vision import Sight, frozen_weights, sight_of, vision_of
from hilrt.run.job import Job, Role, Spec
from hilrt.run.realtime import become_realtime, lock_memory, quiet_collector
from hilrt.run.simlink import SimLink
from hilrt.shm.pictures import Pictures, PictureSegment
from hilrt.shm.ring import Ring
from hilrt.shm.status import ControlStatus, Status
from hilrt.step.extent import Extent, decode
from hilrt.step.features import Features, from_config

if TYPE_CHECKING:
    from hilrt.control.policy import Policy

FIRST_PICTURE_S = 20.0


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
        pictures = None
        if config.robot.cameras:
            pictures = stack.enter_context(PictureSegment.attach(spec.run, "images", from_config(config)))
            if not await _first_pictures(pictures, config, status.control, ending.wanted):
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


async def _assemble(
    spec: Spec,
    config: Config,
    status: Status,
    stack: AsyncExitStack,
    pictures: Pictures | None,
    ending: Ending,
) -> Loop | Replay | None:
    """Open every device and segment; the stack closes them in reverse. None: a stop is wanted before anything moves."""
    features = from_config(config)
    calibrations = [Calibration.load(config.robot.calibration_path(side)) for side in config.robot.sides]
    pipelines = Pipelines(config, features, calibrations, _window(spec, config, features, stack))
    recording = _recording(spec, config, pipelines)
    link = SimLink.attach(spec.run, features) if config.sim else None
    if link:
        stack.callback(link.close)
    history = read_summaries(Path(spec.run_dir) / "episodes.jsonl")
    agenda = Agenda(config, spec, history)
    scene = SimScene(link, len(calibrations)) if link else RealScene(config.processor.reset.reset_time_s)
    driven = spec.job.driven(intervene=config.teleop.intervene)
    leaders = await connect_leaders(config, status, stack) if driven else []
    operator = make_operator(config, spec.job, leaders, pipelines, status, link, history, ending.press)
    stack.callback(operator.close)
    publisher = _publisher(spec, config, features, stack)
    supply = None
    if spec.job is Job.TRAIN:
        supply = Supply(spec.run, status, publisher.sent if config.lockstep else None)
    policy = _policy(spec, config, features, supply, stack)
    if not config.lockstep:
        become_realtime()
        lock_memory()
    if spec.pause and not config.lockstep:
        await pause.wait(spec.pause, status, ending.wanted)
        if ending.wanted():
            return None
    arms = await _connect(config, status, calibrations, stack)
    quiet_collector()
    # Last: from here on time counts.
    limit = float(np.deg2rad(config.safety.max_joint_velocity_deg_s))
    stream = Stream(arms, config.goals_per_tick, 1.0 / config.env.fps, limit)
    ticker = _ticker(spec, config, status, arms, stream, leaders, supply, publisher, ending)
    stack.callback(ticker.close)
    cell = Cell(
        config,
        ticker,
        stream,
        arms,
        pictures,
        scene,
        pipelines,
        status.control,
        lambda: publisher.crowded,
        Warden(status.supervisor).silent,
    )
    stack.callback(cell.close)
    rest = Rest(
        config,
        cell,
        status.control,
        ending,
        lambda joints: operator.rest(Command(joints, pipelines.limits.opening(joints))),
    )
    stack.push_async_exit(rest.at_end)
    if recording:
        return Replay(spec, config, cell, operator, recording, status.control, ending.wanted)
    return Loop(
        config=config,
        cell=cell,
        operator=operator,
        presence=Presence(status.supervisor, operator),
        rest=rest,
        policy=policy,
        publisher=publisher,
        agenda=agenda,
        status=status.control,
        tally=Tally(history),
        stop_wanted=ending.wanted,
        extents=_extents(spec, status, len(arms)),
    )


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


async def _connect(
    config: Config, status: Status, calibrations: Sequence[Calibration], stack: AsyncExitStack
) -> list[Arm]:
    """The arms, holding their pose from here to the end of the process."""
    arms = []
    for port, calibration in zip(config.ports(status.sim.ports), calibrations, strict=True):
        arm = await Arm.connect(port, calibration)
        stack.push_async_callback(arm.close)
        await arm.enable_torque()
        stack.push_async_callback(_leave, arm)
        arm.keep_pace(LOCKSTEP_DEADLINE_S if config.lockstep else read_deadline_s(config.env.fps))
        arm.bus.simulated_time = config.lockstep
        arms.append(arm)
    return arms


async def _leave(arm: Arm) -> None:
    with suppress(*BUS_ERRORS, JointOutsideError):
        await arm.leave()


def _ticker(
    spec: Spec,
    config: Config,
    status: Status,
    arms: Sequence[Arm],
    stream: Stream,
    leaders: Sequence[LeaderArm],
    supply: Supply | None,
    publisher: Publisher,
    ending: Ending,
) -> Ticker:
    period_ns = round(1e9 / config.env.fps)
    if not config.lockstep:
        return TimerTicker(period_ns, stream)
    updates = Readable(spec.fds["updates"])

    def ahead() -> bool:
        """Whether the recorder or the learner is too far behind."""
        return publisher.crowded or (supply is not None and supply.behind)

    async def paced() -> None:
        while ahead() and not ending.wanted():
            status.control.heartbeat_ns = time.monotonic_ns()
            with suppress(TimeoutError):
                await asyncio.wait_for(updates.count(), 0.2)

    async def arrived() -> None:
        """A reply proves that the simulator has read all that was written before the request."""
        for arm in arms:
            await arm.bus.read(arm.calibration.ids[0], Register.MODEL)

    async def settled() -> None:
        await arrived()
        for leader in leaders:
            await leader.command(period_ns * 1e-9)
            await leader.read()

    async def looked() -> None:
        for leader in leaders:
            await leader.read()

    fds = spec.fds["sim_go"], spec.fds["sim_done"]
    return LockstepTicker(period_ns, stream, *fds, settled, arrived, looked, paced, ending.halted)


async def _first_pictures(
    pictures: Pictures, config: Config, status: ControlStatus, stop_wanted: Callable[[], bool]
) -> bool:
    """Wait until every camera has shown something; whether they have: somebody may want the run to end before.

    Raises:
        CameraError: one has not for `FIRST_PICTURE_S`.
    """
    patience = time.monotonic() + FIRST_PICTURE_S
    while missing := [name for name in config.robot.cameras if pictures.newest(name) is None]:
        if stop_wanted():
            return False
        if time.monotonic() > patience:
            raise CameraError(missing[0], f"no picture within {FIRST_PICTURE_S:.0f} s: it hangs, or is busy")
        status.message = f"waiting for camera {', '.join(missing)}"
        await asyncio.sleep(0.02)
    status.message = ""
    return True


def _policy(
    spec: Spec, config: Config, features: Features, supply: Supply | None, stack: AsyncExitStack
) -> "Policy | None":
    """None where none acts; torch is imported only where it is needed."""
    if not spec.job.by_policy:
        return None
    import torch  # noqa: PLC0415

    from hilrt.control.policy import Policy  # noqa: PLC0415
    from hilrt.policy.actor import Actor  # noqa: PLC0415
    from hilrt.policy.device import device_of  # noqa: PLC0415
    from hilrt.policy.saved import load_actor_for  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.manual_seed(config.seed * 1_000_003 + spec.online_steps)
    if spec.job is Job.EVAL:
        weights = str(frozen_weights(config) or "")
        actor, sight = load_actor_for(Path(spec.checkpoint), features, weights), Sight()
    else:
        actor, sight = Actor(features, vision_of(config)), sight_of(config, features)
    policy = Policy(actor.to(device_of(config.policy.device, "policy.device")), supply, sight)
    stack.callback(policy.close)
    return policy


def _publisher(spec: Spec, config: Config, features: Features, stack: AsyncExitStack) -> Publisher:
    """The recorder gets frames whole, the learner what the policy sees of them."""
    readers = []
    for name in spec.job.readers:
        ring = stack.enter_context(Ring.attach(spec.run, f"steps-{name}", features.schema()))
        learner = name == "learner"
        pictures = sight_of(config, features).planes if learner else features.images
        offsets = tuple(picture.offset for picture in pictures)
        readers.append(Reader(ring, spec.fds[f"{name}_steps"], learner, offsets))
    return Publisher(features, readers)
