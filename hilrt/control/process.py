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

from hilrt import taskfile
from hilrt.config import Config
from hilrt.control.action import EndEffectorControl
from hilrt.control.agenda import Agenda
from hilrt.control.cell import BUS_ERRORS, Cell
from hilrt.control.kinematics import Kinematics
from hilrt.control.loop import Loop
from hilrt.control.observation import Observer
from hilrt.control.publisher import Publisher
from hilrt.control.realtime import become_realtime, lock_memory, quiet_collector
from hilrt.control.safety import JointLimits
from hilrt.control.scene import RealScene, SimScene
from hilrt.control.ticker import LockstepTicker, Readable, Ticker, TimerTicker
from hilrt.data.episodes import EpisodeSummary, Tally, read_summaries
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.devices.camera import Camera, OpenCVCamera
from hilrt.devices.keyboard import TerminalKeyboard
from hilrt.devices.operator import Operator
from hilrt.errors import CameraError, PolicyFeaturesError
from hilrt.features import Features, from_config
from hilrt.launch import Job, Spec
from hilrt.record import Mode
from hilrt.robots import SO100_URDF
from hilrt.shm.ring import Ring
from hilrt.shm.status import Status
from hilrt.sim.camera import SimCamera
from hilrt.sim.link import SimLink

if TYPE_CHECKING:
    from hilrt.control.policy import Policy

PACING_STEPS = 8
"""Lockstep: steps that control may be ahead of the learner."""
FIRST_FRAME_S = 5.0
BUS_DEADLINE_S = 0.005
LOCKSTEP_DEADLINE_S = 2.0
"""Simulated time stands still meanwhile, so a slow computer is no fault of the bus."""


def main(spec: Spec) -> None:
    """Entry point of the role."""
    uvloop.run(_run(spec))


async def _run(spec: Spec) -> None:
    config = taskfile.load(Path(spec.run_dir) / "config.toml")
    async with AsyncExitStack() as stack:
        status = stack.enter_context(Status.attach(spec.run))
        status.control.pid = os.getpid()
        terminated = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
        loop = await _assemble(
            spec, config, status, stack, lambda: terminated.is_set() or status.supervisor.stop > 0
        )
        status.control.heartbeat_ns = time.monotonic_ns()  # before `ready`: from here on its age is watched
        status.control.ready = 1
        await loop.run(spec.first_episode)
        status.control.done = 1


async def _assemble(
    spec: Spec, config: Config, status: Status, stack: AsyncExitStack, stop_wanted: Callable[[], bool]
) -> Loop:
    """Open every device and segment; the stack closes them in reverse."""
    features = from_config(config)
    ik = config.processor.inverse_kinematics
    max_step = float(np.deg2rad(config.safety.max_joint_velocity_deg_s) / config.env.fps)
    kinematics = Kinematics(ik.urdf_path or SO100_URDF, ik.target_frame_name, max_step=max_step)
    calibration = Calibration.load(config.robot.calibration_path)
    limits = JointLimits(config, calibration, kinematics)
    home = radians_from_units(config.processor.reset.fixed_reset_joint_positions)
    link = SimLink.attach(spec.run, features) if config.sim else None
    if link:
        stack.callback(link.close)
    history = read_summaries(Path(spec.run_dir) / "episodes.jsonl")
    agenda = Agenda(config, spec, history)
    reference = EndEffectorControl(config, kinematics, limits)
    observer = Observer(config, kinematics, home)
    scene = SimScene(link) if link else RealScene(config.processor.reset.reset_time_s)
    cameras = await _cameras(config, link, stack)
    operator = _operator(config, status, history)
    policy = _policy(spec, features, config.seed, stack)
    publisher = _publisher(spec, features, stack)
    if not _lockstep(config):
        become_realtime()
        lock_memory()
    arm = await _connect(config, status, calibration, stack)
    quiet_collector()
    ticker = _ticker(spec, config, status, arm, agenda, stop_wanted)  # last: from here on time counts
    stack.callback(ticker.close)
    cell = Cell(config, ticker, arm, cameras, scene, observer, reference, status.control)
    return Loop(
        config=config,
        cell=cell,
        operator=operator,
        policy=policy,
        observer=observer,
        limits=limits,
        home=home,
        publisher=publisher,
        agenda=agenda,
        status=status.control,
        tally=Tally(history),
        stop_wanted=stop_wanted,
    )


def _lockstep(config: Config) -> bool:
    return config.sim is not None and config.sim.clock == "lockstep"


async def _connect(config: Config, status: Status, calibration: Calibration, stack: AsyncExitStack) -> Arm:
    """The arm, holding its pose from here to the end of the process."""
    port = status.sim.port if config.sim else config.robot.port
    arm = await Arm.connect(port, calibration)

    async def leave() -> None:
        with suppress(*BUS_ERRORS):
            await arm.hold()
        await arm.close()

    stack.push_async_callback(leave)
    await arm.enable_torque()
    arm.bus.deadline_s = LOCKSTEP_DEADLINE_S if _lockstep(config) else BUS_DEADLINE_S
    return arm


def _ticker(
    spec: Spec, config: Config, status: Status, arm: Arm, agenda: Agenda, stop_wanted: Callable[[], bool]
) -> Ticker:
    period_ns = round(1e9 / config.env.fps)
    if not _lockstep(config):
        return TimerTicker(period_ns)
    updates = Readable(spec.fds["updates"])

    def ahead() -> bool:
        """Whether the learner is not there yet, or too far behind."""
        if spec.job is not Job.TRAIN:
            return False
        return not status.learner.ready or agenda.online_steps - status.learner.paid_steps > PACING_STEPS

    async def paced() -> None:
        while ahead() and not stop_wanted():
            status.control.heartbeat_ns = time.monotonic_ns()
            with suppress(TimeoutError):
                await asyncio.wait_for(updates.count(), 0.2)

    async def settled() -> None:
        """A reply proves that the simulator has read all that was written before the request."""
        await arm.bus.ping(arm.calibration.ids[0])

    return LockstepTicker(period_ns, spec.fds["sim_go"], spec.fds["sim_done"], settled, paced, stop_wanted)


async def _cameras(config: Config, link: SimLink | None, stack: AsyncExitStack) -> list[Camera]:
    """Started, in the order of the features, each with a first frame."""
    cameras: list[Camera] = []
    for name, settings in config.robot.cameras.items():
        simulated = settings.type == "sim" and link is not None
        camera: Camera = SimCamera(name, link) if simulated and link else OpenCVCamera(name, settings)
        camera.start()
        stack.callback(camera.close)
        cameras.append(camera)
    patience = time.monotonic() + FIRST_FRAME_S
    for camera in cameras:
        while camera.newest() is None:
            if time.monotonic() > patience:
                raise CameraError(camera.name, f"no frame within {FIRST_FRAME_S:.0f} s")
            await asyncio.sleep(0.01)
    return cameras


def _operator(config: Config, status: Status, history: Sequence[EpisodeSummary]) -> Operator:
    if config.teleop.type == "keyboard":
        return TerminalKeyboard(status.supervisor, intervene=config.teleop.intervene)
    from hilrt.sim.operator import ScriptedOperator  # noqa: PLC0415 - brings the simulated task along

    return ScriptedOperator(config, sum(e.human_steps for e in history if e.mode is Mode.TRAIN))


def _policy(spec: Spec, features: Features, seed: int, stack: AsyncExitStack) -> "Policy | None":
    """None when nobody but the operator acts; torch is imported only where it is needed."""
    if spec.job is Job.RECORD:
        return None
    import torch  # noqa: PLC0415

    from hilrt.control.policy import Policy  # noqa: PLC0415
    from hilrt.policy.actor import Actor  # noqa: PLC0415
    from hilrt.policy.saved import load_actor  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.manual_seed(seed * 1_000_003 + spec.online_steps)
    if spec.job is Job.EVAL:
        actor = load_actor(Path(spec.checkpoint))
        if actor.features != features:
            raise PolicyFeaturesError(spec.checkpoint, actor.features.schema(), features.schema())
        policy = Policy(actor, None)
    else:
        policy = Policy(Actor(features), spec.run)
    stack.callback(policy.close)
    return policy


def _publisher(spec: Spec, features: Features, stack: AsyncExitStack) -> Publisher:
    readers = []
    for name in ("recorder", "learner") if spec.job is Job.TRAIN else ("recorder",):
        ring = stack.enter_context(Ring.attach(spec.run, f"steps-{name}", features.schema()))
        readers.append((ring, spec.fds[f"{name}_steps"]))
    return Publisher(features, readers)
