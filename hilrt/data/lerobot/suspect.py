"""Numbers of a foreign dataset that cannot be what they are taken for, or that a person should know of."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from msgspec import Struct

from hilrt.data.lerobot import outcome
from hilrt.data.lerobot.columns import Arrays
from hilrt.data.lerobot.mapping import Wishes, converted
from hilrt.data.lerobot.pairing import Floats
from hilrt.step.features import Features

SLACK = 1e-3
"""Of an action's range."""
METRES = 0.1
"""No action of a whole dataset is larger: then they are hardly shares of a full step."""
DEGREES = (
    "--convert '*.pos=0.0174533' from degrees, and behind it "
    "--convert '*gripper.pos=0.0191986,-0.174533' for a gripper of 0 .. 100"
)
LIMITS = (
    (r"\.pos$", 6.4, "is no angle in rad", DEGREES),
    (r"\.vel$", 8.0, "is no speed in rad/s of such a servo", "--convert '*.vel=0.0174533' from degrees/s"),
    (
        r"\.current$",
        4.0,
        "is no current in A of such a servo",
        "--convert '*.current=0.0065' from the servo's units, 0.001 from mA",
    ),
    (r"(^|\.)ee\.[xyz]$", 1.5, "is out of such an arm's reach in m", "--convert 'ee.*=0.001' from mm"),
)
"""Names of the state, the largest value that there can be, what a larger one is, and what may be meant."""


class Numbers(Struct, frozen=True):
    """An episode's, in our units, as its rows have them."""

    episode: int
    state: Floats
    """(rows, size)"""
    action: Floats
    """(rows, size), the gripper's command last where one is used."""
    columns: Arrays
    """Theirs that tell how it ended."""


def problems(episodes: Sequence[Numbers], features: Features, wishes: Wishes) -> Iterator[str]:
    """What must be put right first; of each kind the worst case."""
    axes = len(features.action)
    for one in episodes:
        if not (np.isfinite(one.state).all() and np.isfinite(one.action).all()):
            yield f"episode {one.episode} has numbers that are not finite"
            return
    yield from _beyond(episodes, features)
    worst, value = _largest(episodes, lambda one: np.abs(one.action[:, :axes]))
    if value > 1.0 + SLACK:
        yield f"episode {worst}: actions go to {value:.3g}, and belong in [-1, 1] (--convert OURS=FACTOR)"
    elif not value:
        yield "all its actions are 0: nothing was demonstrated"
    elif value < METRES and not any(converted(wishes, name) for name in features.action):
        factor = f"{1 / features.scale[0]:g}" if features.scale else "FACTOR"
        yield (
            f"its actions never exceed {value:.3g}, and 1 is a full step: they look like metres or radians "
            f"(--convert '{features.action[0]}={factor}' and so on for the others; 1 if they are as they should be)"
        )
    yield from _gripper(episodes, features)
    for one in episodes:
        for problem in outcome.problems(one.columns, wishes):
            yield f"episode {one.episode}: {problem}"
            return


def notes(episodes: Sequence[Numbers], features: Features) -> Iterator[str]:
    """What may be right, and should be known."""
    axes = len(features.action)
    still = [one.episode for one in episodes if not one.action[:, :axes].any()]
    if still:
        yield f"nothing moves in episodes {', '.join(map(str, still))}: all their actions are 0"
    if len(features.gripper) == 3 and _commands(episodes, axes) == {0.0, 1.0}:
        yield (
            "its gripper's commands are 0 and 1 alone, taken for close and stay. Where 1 means open there, import with "
            "--convert gripper=2; where 0 does, with --convert gripper=-2,2"
        )


def _beyond(episodes: Sequence[Numbers], features: Features) -> Iterator[str]:
    for pattern, limit, what, cure in LIMITS:
        entries = [i for i, name in enumerate(features.state) if re.search(pattern, name)]
        if not entries:
            continue
        worst, value = _largest(episodes, partial(_sizes, entries))
        if value > limit:
            there = next(one for one in episodes if one.episode == worst)
            name = features.state[entries[int(_sizes(entries, there).max(axis=0).argmax())]]
            yield f"episode {worst}: {name} goes to {value:.1f}, which {what} ({cure})"


def _gripper(episodes: Sequence[Numbers], features: Features) -> Iterator[str]:
    commands = _commands(episodes, len(features.action))
    strange = commands - set(range(len(features.gripper)))
    if strange:
        known = ", ".join(f"{i} {name}" for i, name in enumerate(features.gripper))
        cure = " (--convert gripper=1,1)" if commands <= {-1.0, 0.0, 1.0} else ""
        yield f"its gripper's commands have {min(strange):g}; they are {known}{cure}"


def _commands(episodes: Sequence[Numbers], axes: int) -> set[float]:
    return {command for one in episodes for command in np.unique(one.action[:, axes:]).tolist()}


def _sizes(entries: list[int], one: Numbers) -> Floats:
    return np.abs(one.state[:, entries])


def _largest(episodes: Sequence[Numbers], values: Callable[[Numbers], Floats]) -> tuple[int, float]:
    """The episode with the largest of some values, and that value."""
    return max(((one.episode, float(values(one).max())) for one in episodes), key=lambda found: found[1])
