"""A Gymnasium environment as the control loop takes it: flat state, pictures, actions in [-1, 1], success."""

import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.config import Env, Spaces
from hilrt.config.env import PICTURES_ALONE
from hilrt.config.own import blaming, find_own
from hilrt.errors import OwnCodeError
from hilrt.resource import Resource
from hilrt.step.record import Float32, GripperCommand

if TYPE_CHECKING:
    from gymnasium import Env as Gymnasium
    from gymnasium.spaces import Box, Space

OPTION = "env.id"
SEEDS = 2**31
"""Environments draw from generators that take no larger seeds."""
LARGEST_GRID = 256
"""Entries of a box of several dimensions that are state without more ado."""
Image = npt.NDArray[np.uint8]


class Leaf(NamedTuple):
    """A box of an observation: its keys from the outside in, and whether it is a picture."""

    keys: tuple[str, ...]
    space: "Box"

    @property
    def name(self) -> str:
        """Its keys, with dots; empty where it is the whole observation."""
        return ".".join(self.keys)

    @property
    def picture(self) -> bool:
        """Whether it is uint8 (height, width, 3)."""
        return self.space.dtype == np.uint8 and len(self.space.shape) == 3 and self.space.shape[2] == 3

    def of(self, observation: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - whatever the environment gives
        """Its value."""
        for key in self.keys:
            observation = observation[key]
        return np.asarray(observation)


class World(Resource):
    """An environment, at its last step.

    Attributes:
        spaces, cameras: what it consists of; height and width of each camera's pictures.
        observation, info: as it gave them.
        terminated, truncated, success: what its last step said.
    """

    def __init__(self, env: Env) -> None:
        """Raises `OwnCodeError`: it cannot be made, or not be used."""
        self._env, self._made = env, _made(env)
        self._leaves = list(_leaves(env, self._made.observation_space))
        self._box, self._keys = _acts(env, self._made.action_space)
        self._states = [leaf for leaf in self._leaves if not leaf.picture]
        self._pictures = {_camera(leaf): leaf for leaf in self._leaves if leaf.picture}
        self.cameras = {name: leaf.space.shape[:2] for name, leaf in self._pictures.items()}
        state = [name for leaf in self._states for name in _names(leaf.name or "state", leaf.space)]
        if not state and not self.cameras:
            raise OwnCodeError(OPTION, env.id, "observes nothing that a policy could go by")
        self.spaces = Spaces(
            state=tuple(state) or PICTURES_ALONE,
            action=tuple(_names("action", self._box)),
            gripper=len(self._keys) > 1,
        )
        self.observation: Any = None
        self.info: Mapping[str, Any] = {}
        self.terminated = self.truncated = self.success = False

    def reset(self, seed: int) -> None:
        """Begin an episode; raises `OwnCodeError` where that fails."""
        with blaming(OPTION, self._env.id, "failed in reset"):
            self.observation, self.info = self._made.reset(seed=seed % SEEDS)
        self.terminated = self.truncated = self.success = False

    def step(self, action: Float32, gripper: GripperCommand) -> None:
        """Act for one step, with an action in [-1, 1]; raises `OwnCodeError` where that fails."""
        box = self._box
        whole = box.low + (action.reshape(box.shape) + 1.0) / 2.0 * (box.high - box.low)
        parts = dict(zip(self._keys, (whole.astype(box.dtype), int(gripper)), strict=False))
        with blaming(OPTION, self._env.id, "failed in step"):
            self.observation, reward, terminated, truncated, self.info = self._made.step(parts.get("", parts))
        self.terminated, self.truncated = bool(terminated), bool(truncated)
        self.success = self._succeeded(float(reward))

    def unit(self, action: Any) -> tuple[tuple[float, ...], GripperCommand]:  # noqa: ANN401 - the operator's
        """An action of the environment's own in [-1, 1], and its gripper; raises `ValueError` where it is none."""
        whole, *gripper = [action] if self._keys == ("",) else [action[key] for key in self._keys]
        box, given = self._box, np.asarray(whole, float)
        if given.shape != box.shape or not np.isfinite(given).all():
            raise ValueError(f"an action has shape {box.shape} and finite numbers, not {whole!r}")
        scaled = 2.0 * (given - box.low) / (box.high - box.low) - 1.0
        return tuple(scaled.ravel().tolist()), GripperCommand(*map(int, gripper or [GripperCommand.STAY]))

    @property
    def state(self) -> Float32:
        """All that is no picture, shape (len(spaces.state),); raises `OwnCodeError` where it is not finite."""
        parts = [leaf.of(self.observation).ravel() for leaf in self._states]
        if not any(part.size for part in parts):
            return np.zeros(len(PICTURES_ALONE), np.float32)
        state = np.concatenate(parts).astype(np.float32)
        if not np.isfinite(state).all():
            name = self.spaces.state[int(np.flatnonzero(~np.isfinite(state))[0])]
            raise OwnCodeError(OPTION, self._env.id, f"observes {name} as a number that is not finite")
        return state

    @property
    def images(self) -> dict[str, Image]:
        """The pictures, by camera."""
        return {
            name: np.ascontiguousarray(leaf.of(self.observation)) for name, leaf in self._pictures.items()
        }

    def close(self) -> None:
        """Close it."""
        self._made.close()

    def _succeeded(self, reward: float) -> bool:
        key = self._env.success
        if key == "reward":
            return reward > 0.0
        if key not in self.info and (self.terminated or self.truncated):
            there = ", ".join(self.info) or "nothing"
            problem = f'ends an episode without "{key}" in info, where there is {there}'
            raise OwnCodeError(
                OPTION, self._env.id, f'{problem}; env.success names an entry of info, or is "reward"'
            )
        return bool(self.info.get(key, False))


def _made(env: Env) -> "Gymnasium[Any, Any]":
    try:
        import gymnasium  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError:
        raise OwnCodeError(
            OPTION, env.id, f"needs gymnasium; in hilrt's folder: {sys.executable} -m pip install -e '.[gym]'"
        ) from None
    find_own()
    with blaming(OPTION, env.id, "cannot be made"):
        return gymnasium.make(env.id, disable_env_checker=True, **env.kwargs)


def _leaves(env: Env, space: "Space[Any]", keys: tuple[str, ...] = ()) -> Iterator[Leaf]:
    from gymnasium.spaces import Box, Dict  # noqa: PLC0415 - an optional extra

    if isinstance(space, Dict):
        for key, inner in space.spaces.items():
            yield from _leaves(env, inner, (*keys, key))
    elif isinstance(space, Box):
        leaf = Leaf(keys, space)
        if not leaf.picture and _like_a_picture(space):
            what = f"observes {leaf.name or 'itself'} as {space.dtype} of shape {space.shape}; a camera gives uint8 of"
            cure = "a gymnasium.ObservationWrapper can make that of it, or one row of numbers if it is no picture"
            raise OwnCodeError(OPTION, env.id, f"{what} shape (height, width, 3): {cure}")
        yield leaf
    else:
        what = f"observes {'.'.join(keys) or 'itself'} as {space}, and only Box and Dict can be taken"
        raise OwnCodeError(OPTION, env.id, f"{what}; a gymnasium.ObservationWrapper can make one of it")


def _like_a_picture(space: "Box") -> bool:
    """Whether it is too large for a board or a grid: bytes in rows, or anything in rows and layers."""
    layered = len(space.shape) > 2 or (len(space.shape) == 2 and space.dtype == np.uint8)
    return layered and math.prod(space.shape) > LARGEST_GRID


def _acts(env: Env, space: "Space[Any]") -> tuple["Box", tuple[str, ...]]:
    """The box of an action, and its key and the gripper's; the key is empty where the action is the box."""
    from gymnasium.spaces import Box, Dict, Discrete  # noqa: PLC0415 - an optional extra

    inner = dict(space.spaces) if isinstance(space, Dict) else {"": space}
    boxes = {key: one for key, one in inner.items() if isinstance(one, Box)}
    grippers = [
        key for key, one in inner.items() if isinstance(one, Discrete) and one.n == len(GripperCommand)
    ]
    if len(boxes) != 1 or len(grippers) > 1 or len(boxes) + len(grippers) < len(inner):
        what = f"acts by {space}, and only a Box can be taken, or a Dict of one and a gripper, Discrete(3)"
        raise OwnCodeError(OPTION, env.id, f"{what}: 0 close, 1 stay, 2 open")
    (key, box), *_ = boxes.items()
    if not box.is_bounded():
        raise OwnCodeError(OPTION, env.id, f"acts by {box}, which has no bounds to scale it by")
    return box, (key, *grippers)


def _camera(leaf: Leaf) -> str:
    """A name that tables and columns can have."""
    return re.sub(r"\W", "_", "_".join(leaf.keys)) or "image"


def _names(name: str, space: "Box") -> list[str]:
    size = int(np.prod(space.shape))
    return [name] if not space.shape else [f"{name}.{i}" for i in range(size)]
