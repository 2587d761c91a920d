"""A small config, and records to learn from."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
import torch

from hilrt.config import Config
from hilrt.config.taskfile import from_tree
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor
from hilrt.step.features import GRIPPER, Features
from hilrt.step.record import GripperCommand, Mode, Record

MakeConfig = Callable[..., Config]
MakeRecord = Callable[..., Record]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def features() -> Features:
    """Three numbers of state, two of action, one arm."""
    return Features(10, ("",), ("episode", "step", "noise"), ("dx", "dy"), GRIPPER, (), ())


@pytest.fixture
def gripperless(features: Features) -> Features:
    """The same without a say in the gripper."""
    return msgspec.structs.replace(features, gripper=())


@pytest.fixture
def two_arms(features: Features) -> Features:
    """The same with a gripper on each of two arms."""
    pairs = tuple(f"{left} {right}" for right in GRIPPER for left in GRIPPER)
    return msgspec.structs.replace(features, sides=("left", "right"), gripper=pairs)


@pytest.fixture
def make_config() -> MakeConfig:
    """A simulated task; keywords go to its [learner] table, `gripper`, `robot` and `policy` to those."""

    def make(
        gripper: dict | None = None, robot: dict | None = None, policy: dict | None = None, **learner: object
    ) -> Config:
        workspace = {"end_effector_bounds": {"min": [0.0, 0.0, 0.0], "max": [1.0, 1.0, 1.0]}}
        tree = {
            "env": {"task": "pick_lift"},
            "sim": {"clock": "lockstep"},
            "robot": robot or {"id": "sim"},
            "dataset": {"root": "datasets/none"},
            "processor": {
                "gripper": {"gripper_penalty": -0.02} | (gripper or {}),
                "reset": {"fixed_reset_joint_positions": [0, 0, 0, 0, 0, 0]},
                "inverse_kinematics": workspace,
                "image_preprocessing": {"resize_size": [16, 16]},
            },
            "policy": policy or {},
            "learner": {"device": "cpu", "batch_size": 32, "utd_ratio": 4.0} | learner,
        }
        return from_tree(tree, "test")

    return make


@pytest.fixture
def make_sac(features: Features, make_config: MakeConfig) -> Callable[..., Sac]:
    """A learner; keywords go to the config."""

    def make(seen: Features = features, **settings: object) -> Sac:
        torch.manual_seed(0)
        return Sac(Actor(seen), make_config(**settings), torch.device("cpu"))

    return make


@pytest.fixture
def make_record() -> MakeRecord:
    """Record of a step whose state is (episode, step, noise)."""

    def make(episode: int, step: int, **fields: object) -> Record:
        rng = np.random.default_rng((episode, step))
        facts: dict = {
            "mode": Mode.TRAIN,
            "monotonic_ns": step * 100_000_000,
            "wall_ns": 10**18 + step,
            "state": np.float32([episode, step, rng.normal()]).tobytes(),
            "action": rng.uniform(-1, 1, 2).astype(np.float32).tobytes(),
            "gripper": GripperCommand(int(rng.integers(3))),
        }
        return Record(episode=episode, step=step, **(facts | fields))

    return make


@pytest.fixture
def make_episode(make_record: MakeRecord) -> Callable[..., list[Record]]:
    """An episode that ends as told; other keywords go to every record."""

    def make(
        episode: int, steps: int, *, success: bool = False, discarded: bool = False, **fields: object
    ) -> list[Record]:
        end = {"success": success, "reward": float(success), "terminated": success, "truncated": not success}
        body = [make_record(episode, t, **fields) for t in range(steps - 1)]
        body.append(make_record(episode, steps - 1, **(fields | end)))
        final = {"final": True, "success": success, "discarded": discarded}
        return [*body, make_record(episode, steps, **(fields | final))]

    return make
