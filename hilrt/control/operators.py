"""The operator's device that a config asks for."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import numpy as np

from hilrt.config import Config
from hilrt.control.assembly import Pipelines
from hilrt.control.motion import Motion
from hilrt.control.safety import JointLimits
from hilrt.control.ticker import LOCKSTEP_DEADLINE_S
from hilrt.data.episodes import EpisodeSummary
from hilrt.devices.calibration import Calibration
from hilrt.devices.keyboard import Counts, TerminalKeyboard
from hilrt.devices.leader import Leader
from hilrt.devices.leaderarm import DEADLINE_S, LeaderArm
from hilrt.devices.operator import Operator
from hilrt.devices.steering import Steering
from hilrt.devices.tug import Tug
from hilrt.run.job import Job
from hilrt.run.simlink import SimLink
from hilrt.shm.status import Status
from hilrt.step.record import Mode

SPEED = 1 / 2
"""Of a leader that tracks, in terms of the followers' joint velocity limit: more than the third that a reset takes."""


async def connect_leaders(config: Config, status: Status, stack: AsyncExitStack) -> list[LeaderArm]:
    """The leader arms of the config, none for other devices; each in a task of its own, but not in simulated time."""
    arms = []
    deadline_s = LOCKSTEP_DEADLINE_S if config.lockstep else DEADLINE_S
    speed = SPEED * float(np.deg2rad(config.safety.max_joint_velocity_deg_s))
    for side, port in zip(config.teleop.leaders, config.leader_ports(status.sim.leader_ports), strict=True):
        calibration = Calibration.load(config.leader_path(side))
        arm = await LeaderArm.connect(
            port,
            calibration,
            f"{side} leader".strip(),
            speed,
            deadline_s,
            simulated_time=config.lockstep,
        )
        stack.push_async_callback(arm.close)
        await arm.read()
        if not config.lockstep:
            arm.start()
        arms.append(arm)
    return arms


def make_operator(
    config: Config,
    job: Job,
    leaders: Sequence[LeaderArm],
    pipelines: Pipelines,
    status: Status,
    link: SimLink | None,
    history: Sequence[EpisodeSummary],
    on_stop: Callable[[], None],
) -> Operator:
    """The device, open; `link` to the simulator, if there is one.

    `leaders` are those that are connected: none where the job is not driven, and the keys beside them do.

    Raises:
        InputDeviceAbsentError, InputDeviceRefusedError: a gamepad or keyboard is not there, or may not be opened.
    """
    teleop, axes, arms = config.teleop, config.processor.action_names, len(config.robot.sides)
    if teleop.type == "gamepad":
        from hilrt.devices.gamepad import Gamepad  # noqa: PLC0415 - brings evdev along

        return Gamepad(
            teleop.device,
            axes,
            arms,
            intervene=teleop.intervene,
            dead_zone=teleop.dead_zone,
            on_stop=on_stop,
        )
    if teleop.type == "keyboard" and teleop.device:
        from hilrt.devices.evdev_keyboard import EvdevKeyboard  # noqa: PLC0415 - likewise

        return EvdevKeyboard(teleop.device, axes, arms, intervene=teleop.intervene, on_stop=on_stop)
    if teleop.type == "keyboard" or (teleop.leads and not leaders and not config.scripted):
        return TerminalKeyboard(status.supervisor, axes, arms, intervene=teleop.intervene)
    if link is None:
        return _leader(config, job, leaders, pipelines, status.supervisor)
    from hilrt.sim.hand import Hand, Words  # noqa: PLC0415 - brings the simulated task along
    from hilrt.sim.operator import ScriptedOperator  # noqa: PLC0415

    spent = sum(e.human_steps for e in history if e.mode is Mode.TRAIN)
    if not leaders:
        return ScriptedOperator(config, spent)
    person = ScriptedOperator(config, spent, ("dx", "dy", "dz"))
    words = Words()
    return Hand(config, person, _leader(config, job, leaders, pipelines, words), leaders, words, link)


def _leader(
    config: Config, job: Job, leaders: Sequence[LeaderArm], pipelines: Pipelines, keys: Counts
) -> Leader:
    ik = config.processor.inverse_kinematics
    axes = tuple(ik.end_effector_step_sizes.axes) if ik else ()
    steps, widest = np.array(config.action_scale), config.processor.max_gripper_pos / 100.0
    opening_steps = _opening_steps(pipelines.limits, pipelines.home)
    return Leader(
        leaders,
        [
            Steering(Motion(kinematics, axes).between, steps, opening_step, widest)
            for kinematics, opening_step in zip(pipelines.kinematics, opening_steps, strict=True)
        ],
        keys,
        intervene=config.teleop.intervene,
        demonstrates=job.by_hand,
        tugs=[Tug(config.env.fps) for _ in leaders] if config.teleop.auto_takeover else (),
    )


def _opening_steps(limits: JointLimits, home: np.ndarray) -> list[float]:
    """Change of each gripper's opening in a tick."""
    moved = home.copy()
    moved[:, 5] += limits.opening_step
    steps: list[float] = (limits.opening(moved) - limits.opening(home)).tolist()
    return steps
