"""The frames of a dataset as a classifier learns from them: looked at once, in several lights, each with its class."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import xxhash
from msgspec import Struct
from torch import Tensor

from hilrt.classify.augment import varied
from hilrt.config import MOTORS, Config
from hilrt.data.journal import Episode
from hilrt.data.labels import frame_classes
from hilrt.data.lerobot.views import Seen
from hilrt.data.pictures import Picture
from hilrt.policy.trunk import Pictures
from hilrt.reward.hold import frames_of
from hilrt.reward.network import Network
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.step.record import Float32, GripperCommand, Record, gripper_commands, vector

LOOKS = 12_000
"""Varied looks at frames of one camera, about; more would take longer than they are worth."""
VARIANTS = 4
"""Of one frame, at most."""
TOGETHER = 64
LATE_S = 0.5
"""Success is told so long after it can be seen, at least: by the simulated task, which waits, and by a person's key."""
DOUBTFUL = -1
"""Class of the frames in between: nothing is learned from them, and nothing is judged by them."""
SESSION_S = 600.0
"""Episodes that were recorded with less between them are of one session."""

Ints = npt.NDArray[np.int64]


class Told(Struct, frozen=True, kw_only=True):
    """What is known of an episode beside its frames."""

    number: int
    began_s: float
    """Since 1970."""
    digest: str
    """Of when its steps were and what they measured, which no correction and no copy of the dataset changes."""
    labels: str
    """Digest of the classes of its frames as they are labelled, those in doubt, too."""
    classes: tuple[int, ...]
    """Of each of its frames, `DOUBTFUL` among them."""
    shut_m: float | None
    """The lowest height at which an end effector's gripper was told to shut before any success [m]; None: at none."""

    def succeeds(self, rewarded: int) -> bool:
        """Whether any frame is of the rewarded class."""
        return rewarded in self.classes


class Frames(NamedTuple):
    """All frames of some episodes, one behind the other."""

    pictures: Pictures
    """Of each camera: features of a frozen encoder (n, 1 + variants, C, h, w), the first of the frame as it is; or
    views (n, 1, H, W, 3), where the encoder is trained, too."""
    classes: Ints
    episode: Ints
    """Place of its episode in `told`."""
    step: Ints
    told: tuple[Told, ...]
    digests: tuple[str, ...] = ()
    """Of each episode's views."""


def late_s(config: Config) -> float:
    """How long after it can be seen success is told [s]; no dataset knows, but what gives reward holds it so long."""
    classifier, reward = config.processor.reward_classifier, config.reward
    holds = {"grasp": reward.hold_s, "classifier": classifier.hold_s or 0.0}
    return max(LATE_S, *(holds.get(by, 0.0) for by in reward.by))


def told_of(root: Path, episode: Episode, classes: Sequence[str], reward_class: str, late_s: float) -> Told:
    """What the dataset in `root` says of an episode, corrections included; `late_s` before success are in doubt [s]."""
    records = episode.records
    rewards = [record.reward for record in records if not record.final]
    names = frame_classes(root, episode.header.episode, rewards, classes, reward_class)
    first = names.index(reward_class) if reward_class in names else len(names)
    late = frames_of(late_s, episode.header.features.fps) - 1
    return Told(
        number=episode.header.episode,
        began_s=records[0].wall_ns / 1e9,
        digest=_digest(records),
        labels=xxhash.xxh3_64_hexdigest("\n".join(names).encode()),
        classes=_doubted([classes.index(name) for name in names], classes.index(reward_class), late),
        shut_m=min(_shut(records[:first], len(episode.header.features.sides)), default=None),
    )


def look(seen: Iterable[tuple[Told, Seen]], network: Network, frames: int, shift: int, seed: int) -> Frames:
    """Look at all frames.

    Args:
        seen: episodes with their views.
        network: whose encoders look.
        frames: how many there will be, about.
        shift: of views, as in `varied`.
        seed: of what is drawn.
    """
    variants = max(1, min(VARIANTS, LOOKS // max(1, frames)))
    generator = torch.Generator().manual_seed(seed)
    told, parts, digests = [], [], []
    for about, episode in seen:
        told.append(about)
        digests.append(digest_of(views[camera] for views in episode.views for camera in network.cameras))
        parts.append([
            _looked(network, camera, torch.from_numpy(views), variants, shift, generator)
            for camera, views in enumerate(_stacked(episode, network.cameras))
        ])  # fmt: skip
    lengths = [len(about.classes) for about in told]
    return Frames(
        pictures=tuple(torch.cat(camera) for camera in zip(*parts, strict=True)),
        classes=np.concatenate([np.array(about.classes, np.int64) for about in told]),
        episode=np.repeat(np.arange(len(told)), lengths),
        step=np.concatenate([np.arange(n) for n in lengths]),
        told=tuple(told),
        digests=tuple(digests),
    )


def digest_of(views: Iterable[Picture]) -> str:
    """Of an episode's views, those of all cameras frame by frame."""
    digest = xxhash.xxh3_64()
    for view in views:
        digest.update(view.data)
    return digest.hexdigest()


def sessions(told: Sequence[Told]) -> list[int]:
    """Of each episode the number of its recording session, from 0, in the order of time."""
    order = sorted(range(len(told)), key=lambda i: told[i].began_s)
    found, session, before = [0] * len(told), 0, None
    for i in order:
        session += before is not None and told[i].began_s - before > SESSION_S
        before, found[i] = told[i].began_s, session
    return found


def _stacked(episode: Seen, cameras: Sequence[str]) -> Iterator[npt.NDArray[np.uint8]]:
    for camera in cameras:
        yield np.stack([views[camera] for views in episode.views])


@torch.no_grad()
def _looked(
    network: Network, camera: int, views: Tensor, variants: int, shift: int, generator: torch.Generator
) -> Tensor:
    if not network.frozen:
        return views[:, None]
    device = network.device
    # one by one, as in use: the last bits of a convolution depend on how many it has at once
    plain = [network.features(camera, view[None].to(device)) for view in views]
    looks = [torch.cat(plain)]
    for _ in range(variants):
        parts = torch.split(varied(views, shift, generator), TOGETHER)
        looks.append(torch.cat([network.features(camera, part.to(device)) for part in parts]))
    return torch.stack(looks, dim=1).cpu()


def _doubted(classes: list[int], rewarded: int, late: int) -> tuple[int, ...]:
    """With so many frames before each beginning of success in doubt."""
    found = list(classes)
    for i in range(1, len(classes)):
        if classes[i] == rewarded != classes[i - 1]:
            for j in range(max(0, i - late), i):
                found[j] = DOUBTFUL if classes[j] != rewarded else rewarded
    return tuple(found)


def _digest(records: Sequence[Record]) -> str:
    digest = xxhash.xxh3_64()
    for record in records:
        digest.update(b"%d %d" % (record.wall_ns, record.monotonic_ns))
        digest.update(record.state)
    return digest.hexdigest()


def _shut(records: Sequence[Record], arms: int) -> Iterator[float]:
    """Heights at which grippers were told to shut [m], as far as they were told where to be."""
    kinematics = Kinematics(SO100_URDF)
    for record in records:
        for command, goal in zip(gripper_commands(record.gripper, arms), _goals(record), strict=False):
            if command is GripperCommand.CLOSE:
                yield float(kinematics.forward(goal.astype(np.float64))[2, 3])


def _goals(record: Record) -> Float32:
    """Of each arm's motors (arms, 6) [rad]; none with the last observation."""
    return vector(record.joint_goal).reshape(-1, len(MOTORS))
