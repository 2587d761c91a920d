"""Whether a row of a foreign dataset holds the observation before its action, as the format means it, or the one after.

The reference's HIL-SERL recorder wrote the latter up to version 0.5.1, and its files do not tell the version. But the
data may: what moved from one row to the next is explained by the action of the second row only if that came in between.
By the action of the first row it is explained in either case: beside the observation after it, where the arm is about a
tick late, which nobody tells. So data can say "after", and never "before".
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from hilrt.data.lerobot.columns import Arrays

Floats = npt.NDArray[np.float32]

LEAST_ROWS = 40
LEAST_EXPLAINED = 0.2
"""Of the variance of the arm's displacements."""
CLEAR = 1.3
"""So many times more must be left unexplained by the first row's action. Of an arm that is late by less than 0.45 of a
tick it is told, however much one action is like the next."""
_MOVES = re.compile(r"(\.pos$|(^|\.)ee\.[xyz]$)")


Pairing = Literal["before", "after"]
"""Which observation stands beside an action."""


def moved(names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Entries of the state that an action moves: joints and end effector."""
    return np.array([bool(_MOVES.search(name)) for name in names], bool)


def told_after(states: Sequence[Floats], actions: Sequence[Floats]) -> bool:
    """Whether each row's own action explains clearly more of what moved on the way to it, by a linear fit.

    Args:
        states: of each episode, (rows, entries that an action moves).
        actions: of each episode, (rows, size).
    """
    moves = np.concatenate([np.diff(state, axis=0) for state in states])
    if len(moves) < LEAST_ROWS:
        return False
    first = _explained(moves, np.concatenate([action[:-1] for action in actions]))
    second = _explained(moves, np.concatenate([action[1:] for action in actions]))
    return second >= LEAST_EXPLAINED and 1.0 - first >= CLEAR * (1.0 - second)


def shifted(arrays: Arrays) -> Arrays:
    """Rows with the observation after the action as rows with the one before: each takes over the next one's action.

    The last row keeps its own, which nothing follows; the first one's action is lost, for nothing was seen before it.
    """
    return {name: np.concatenate([array[1:], array[-1:]]) for name, array in arrays.items()}


def _explained(moves: Floats, actions: Floats) -> float:
    """Share of the variance of each column, on average over those that vary."""
    moves = moves[:, moves.std(axis=0) > 1e-9].astype(np.float64)
    if not moves.shape[1]:
        return 0.0
    moves = (moves - moves.mean(axis=0)) / moves.std(axis=0)
    with_offset = np.column_stack([actions, np.ones(len(actions))]).astype(np.float64)
    fit, *_ = np.linalg.lstsq(with_offset, moves, rcond=None)
    return float(1.0 - np.mean((moves - with_offset @ fit) ** 2))
