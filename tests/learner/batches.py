"""Batches that come from no replay."""

import torch

from hilrt.learner.batch import Batch


def batch_of(rows: int, commands: int = 3, **fields: torch.Tensor) -> Batch:
    """Random rows; what is named replaces them."""
    generator = torch.Generator().manual_seed(1)
    facts = {
        "state": torch.randn(rows, 3, generator=generator),
        "action": torch.rand(rows, 2, generator=generator) * 2 - 1,
        "gripper": torch.randint(commands, (rows,), generator=generator),
        "reward": torch.zeros(rows),
        "terminated": torch.zeros(rows),
        "shown": torch.zeros(rows),
        "gripper_shown": torch.zeros(rows),
        "change": torch.zeros(rows),
        "steps_left": torch.full((rows,), torch.inf),
        "changes_left": torch.full((rows,), torch.inf),
        "next_state": torch.randn(rows, 3, generator=generator),
        "counts": (rows, 0, 0, 0),
    }
    return Batch(**(facts | fields))
