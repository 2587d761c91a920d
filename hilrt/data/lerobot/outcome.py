"""How a foreign episode ended, from rewards that others gave."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from hilrt.data.lerobot.columns import Arrays
from hilrt.data.lerobot.mapping import Wishes

PENALTY = 0.1
"""The reference workflow takes a little off a reward for each change of the gripper; more than that is no penalty."""

COLUMNS = ("next.reward", "next.success", "complementary_info.is_intervention")


class Outcome(Struct, frozen=True):
    """Of an episode."""

    reward: npt.NDArray[np.float64]
    """Of each row."""
    human: npt.NDArray[np.bool_]
    success: bool


def outcome(columns: Arrays, rows: int, wishes: Wishes) -> Outcome:
    """Rewards as they are, where they are 0 and 1; else, where wishes say what success is, 0 and at the end 1."""
    reward = columns.get("next.reward", np.zeros(rows)).astype(float)
    told = bool(columns.get("next.success", np.zeros(rows, bool))[-1])
    human = columns.get("complementary_info.is_intervention", np.ones(rows)).astype(bool)
    if wishes.success or wishes.success_from is not None:
        success = wishes.success or bool(reward[-1] >= wishes.success_from)
        return Outcome(np.where(np.arange(rows) == rows - 1, float(success), 0.0), human, success)
    success = told or bool(reward[-1] >= 1.0 - PENALTY)
    if success:
        reward[-1] = reward[-1] if reward[-1] >= 1.0 - PENALTY else 1.0
    return Outcome(reward, human, success)


def problems(columns: Arrays, wishes: Wishes) -> Iterator[str]:
    """What keeps an episode's rewards from being used, in words."""
    if "next.reward" not in columns:
        return
    reward = columns["next.reward"]
    if not np.isfinite(reward).all():
        yield f"its next.reward has {np.count_nonzero(~np.isfinite(reward))} numbers that are not finite"
        return
    near = ((reward >= -PENALTY) & (reward <= 1e-6)) | ((reward >= 1.0 - PENALTY) & (reward <= 1.0 + 1e-6))
    if not near.all() and not wishes.success and wishes.success_from is None:
        yield (
            f"its rewards go from {reward.min():.3g} to {reward.max():.3g}, and hilrt learns from 0, and 1 at success "
            "(--success-from VALUE: an episode whose last reward is at least VALUE ended in success; others become 0)"
        )
