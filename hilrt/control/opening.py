"""Opens what the loop stands on: cameras, arms, policy, rings, and the clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hilrt.config import Config
from hilrt.control.ending import Ending
from hilrt.control.judge import Judge
from hilrt.control.lifeline import BUS_ERRORS
from hilrt.control.publisher import Publisher, Reader
from hilrt.control.stream import Stream
from hilrt.control.supply import Supply
from hilrt.control.ticker import LOCKSTEP_DEADLINE_S, LockstepTicker, Readable, Ticker, TimerTicker
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.devices.feetech.replytimes import read_deadline_s
from hilrt.devices.leaderarm import LeaderArm
from hilrt.errors import CameraError, JointOutsideError
from hilrt.policy.vision import Sight, frozen_weights, sight_of, vision_of
from hilrt.reward.about import classifier_path
from hilrt.run.job import Job, Spec
from hilrt.shm.pictures import Pictures
from hilrt.shm.ring import Ring
from hilrt.shm.status import ControlStatus, Status
from hilrt.step.features import Features

if TYPE_CHECKING:
    from hilrt.control.policy import Policy

FIRST_PICTURE_S = 20.0


async def first_pictures(
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


async def connect_arms(
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


def make_policy(
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
    other = None
    if spec.checkpoint:
        weights = str(frozen_weights(config) or "")
        actor, sight = load_actor_for(Path(spec.checkpoint), features, weights), Sight()
        if spec.trial and spec.trial.other:
            path = Path(spec.trial.other)
            of_run = (
                path.parent == Path(spec.checkpoint).parent
            )  # the encoder of another run lies where it was
            other = load_actor_for(path, features, weights if of_run else "")
    else:
        actor = Actor(features, vision_of(config), config.policy.networks)
        sight = sight_of(config, features)
    device, epsilon = device_of(config.policy.device, "policy.device"), config.learner.constants.epsilon
    policy = Policy(actor.to(device), supply, sight, epsilon, other.to(device) if other else None)
    stack.callback(policy.close)
    return policy


def make_judge(config: Config, features: Features, job: Job) -> Judge | None:
    """The reward classifier, where one is asked; while an arm is driven by hand alone it is a shadow.

    Raises:
        ClassifierError, ClassifierViewError: it cannot be used, or not with these cameras.
    """
    if "classifier" not in config.reward.by or job is Job.REPLAY:
        return None
    import torch  # noqa: PLC0415

    from hilrt.policy.device import device_of  # noqa: PLC0415
    from hilrt.reward.bundle import Bundle  # noqa: PLC0415

    torch.set_num_threads(1)
    bundle = Bundle.load(classifier_path(config), device_of(config.policy.device, "policy.device"))
    return Judge(config, features, bundle, shadow=job is Job.TELEOPERATE)


def make_publisher(spec: Spec, config: Config, features: Features, stack: AsyncExitStack) -> Publisher:
    """The recorder gets frames whole, the learner what the policy sees of them."""
    readers = []
    for name in spec.job.readers:
        ring = stack.enter_context(Ring.attach(spec.run, f"steps-{name}", features.schema()))
        learner = name == "learner"
        pictures = sight_of(config, features).sent if learner else features.images
        offsets = tuple(picture.offset for picture in pictures)
        readers.append(Reader(ring, spec.fds[f"{name}_steps"], learner, offsets))
    return Publisher(features, readers)


def make_pace(
    spec: Spec, status: Status, supply: Supply | None, publisher: Publisher, ending: Ending
) -> Callable[[], Awaitable[None]]:
    """In simulated time: what waits until neither recorder nor learner is too far behind."""
    updates = Readable(spec.fds["updates"])

    def ahead() -> bool:
        return publisher.crowded or (supply is not None and supply.behind)

    async def paced() -> None:
        while ahead() and not ending.wanted():
            status.control.heartbeat_ns = time.monotonic_ns()
            with suppress(TimeoutError):
                await asyncio.wait_for(updates.count(), 0.2)

    return paced


def make_ticker(
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
    """What lets the loop wait for its next tick; in simulated time also for whoever is behind."""
    period_ns = round(1e9 / config.env.fps)
    if not config.lockstep:
        return TimerTicker(period_ns, stream)
    paced = make_pace(spec, status, supply, publisher, ending)

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
