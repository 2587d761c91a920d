"""What recorded episodes teach about their pictures without anybody labelling them.

Looking back from an episode's end, it is known where the arm went next, and where it was when the gripper was told
something else: before a grasp that is where the object was. To say so from a picture is to see the object.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.data.journal import Episode
from hilrt.step.features import Features
from hilrt.step.record import Float32, GripperCommand, Record, gripper_commands, vector

HORIZONS_S = (0.1, 0.2, 0.4, 0.8)
"""How far ahead the arm's pose is to be foretold, beside the gripper's next command."""
LEFT_S = 2.0
"""Unit of the time that is left of an episode."""

Picture = npt.NDArray[np.uint8]
Views = Sequence[Sequence[Picture]]
"""Of each camera, one for each step."""


class Examples(NamedTuple):
    """One for each recorded step; float32 of shape (n, ...) unless said."""

    state: Float32
    future: Float32
    """Poses at the horizons and at the next command, less the pose now, (n, 5 * pose)."""
    left: Float32
    """Time to the episode's end, in units of `LEFT_S`, (n, 1)."""
    action: Float32
    gripper: npt.NDArray[np.int64]
    acted: Float32
    """1, or 0 for a last observation, on which nothing was done."""
    commanded: npt.NDArray[np.bool_]
    """Whether a gripper is still told something new, so that there is a next command."""
    episode: npt.NDArray[np.int64]
    """Number in the order they came, (n,)."""
    views: tuple[Picture, ...]
    """Of each camera, uint8 (n, H, W, 3)."""

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Examples":
        """Those of some steps."""
        rows = {name: getattr(self, name)[chosen] for name in NUMBERS}
        return Examples(**rows, views=tuple(view[chosen] for view in self.views))


NUMBERS = tuple(name for name in Examples._fields if name != "views")


def pose_columns(features: Features) -> list[int]:
    """Where in the state the pose is: joint positions, and the end effector's where it is there."""
    ends = (".pos", "ee.x", "ee.y", "ee.z")
    return [i for i, name in enumerate(features.state) if name.endswith(ends)]


def examples(episodes: Iterable[tuple[Episode, Views]], features: Features) -> Examples:
    """Examples of whole episodes, each with its views."""
    parts = [_of_episode(n, episode.records, views, features) for n, (episode, views) in enumerate(episodes)]
    rows = {name: np.concatenate([getattr(part, name) for part in parts]) for name in NUMBERS}
    views = tuple(np.concatenate(camera) for camera in zip(*(part.views for part in parts), strict=True))
    return Examples(**rows, views=views)


def _of_episode(number: int, records: Sequence[Record], views: Views, features: Features) -> Examples:
    count, last = len(records), len(records) - 1
    state = np.array([vector(record.state) for record in records], np.float32)
    pose, now = state[:, pose_columns(features)], np.arange(count)
    ahead = [np.minimum(now + max(1, round(s * features.fps)), last) for s in HORIZONS_S]
    command = _next_commands(records, len(features.sides))
    ahead.append(np.minimum(command, last))
    acted = np.array([not record.final and bool(record.action) for record in records])
    nothing = np.zeros(len(features.action), np.float32)
    return Examples(
        state=state,
        future=np.concatenate([pose[then] - pose for then in ahead], axis=1),
        left=((last - now) / (LEFT_S * features.fps)).astype(np.float32)[:, None],
        action=np.array(
            [vector(r.action) if a else nothing for r, a in zip(records, acted, strict=True)], np.float32
        ),
        gripper=np.array([record.gripper for record in records], np.int64),
        acted=acted.astype(np.float32),
        commanded=command <= last,
        episode=np.full(count, number),
        views=tuple(np.stack(camera) for camera in views),
    )


def _next_commands(records: Sequence[Record], arms: int) -> npt.NDArray[np.int64]:
    """For each step the first later one on which a gripper is told something new; one too far where none is."""
    told = [GripperCommand.STAY] * arms
    changes = []
    for step, record in enumerate(records):
        commands = gripper_commands(record.gripper, arms) if not record.final else ()
        new = [arm for arm, c in enumerate(commands) if c not in {GripperCommand.STAY, told[arm]}]
        for arm in new:
            told[arm] = commands[arm]
        if new:
            changes.append(step)
    place = np.searchsorted(changes, np.arange(len(records)), side="right")
    return np.array([*changes, len(records)], np.int64)[place]
