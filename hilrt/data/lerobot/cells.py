"""Cells of hilrt's own columns that another tool has made into what means nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hilrt.step.features import Features
from hilrt.step.record import Mode, Source

Cells = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_ACTIONS = ("action", "hilrt.policy_action")
_CODES = {"hilrt.mode": Mode, "complementary_info.is_intervention": Source}


def meaningless(arrays: Mapping[str, Cells], features: Features) -> Iterator[tuple[str, Cells, Mask]]:
    """Of the columns that are there and not free to say anything: its name, its cells, which of them mean nothing."""
    if (reward := arrays.get("next.reward")) is not None:
        yield "next.reward", reward, ~np.isfinite(reward)
    for name in [name for name in _CODES if name in arrays]:
        yield name, arrays[name], ~np.isin(arrays[name], list(_CODES[name]))
    for name in [name for name in _ACTIONS if name in arrays and features.gripper]:
        commands = arrays[name].reshape(len(arrays[name]), -1)[:, len(features.action)]
        yield f"the gripper of {name}", commands, ~np.isin(commands, range(len(features.gripper)))
