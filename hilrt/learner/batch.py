"""What the replay keeps of a step in a row, and what it draws: a batch of such rows."""

from typing import NamedTuple

from torch import Tensor

from hilrt.policy.trunk import Pictures


class Batch(NamedTuple):
    """Rows drawn from the tiers in order; float32 of shape (B, ...) unless said."""

    state: Tensor
    action: Tensor
    gripper: Tensor
    """Executed command, an index into `Features.gripper`, int64, (B,)."""
    reward: Tensor
    terminated: Tensor
    shown: Tensor
    """1 where the action is one to imitate: of a demonstration that succeeded, of a person's intervention, or of an
    episode that the policy won alone."""
    gripper_shown: Tensor
    """The same of the gripper's command: not where a person moved the arm, and the policy the gripper."""
    change: Tensor
    """How many arms' gripper command differs from that arm's last one that was not `stay`."""
    steps_left: Tensor
    """Steps after this one until the next reward of an episode that succeeded; infinite where none was had."""
    changes_left: Tensor
    """Sum of `change` from this row on until then, likewise."""
    next_state: Tensor
    counts: tuple[int, ...]
    """Rows of each tier."""
    pictures: Pictures = ()
    """Of each camera; see `hilrt.policy.trunk`."""
    next_pictures: Pictures = ()

    @property
    def tensors(self) -> list[Tensor]:
        """All that is in it, in one order."""
        whole = [field for field in self if isinstance(field, Tensor)]
        return [*whole, *self.pictures, *self.next_pictures]

    @property
    def now(self) -> tuple[Tensor, Pictures]:
        """The observation."""
        return self.state, self.pictures

    @property
    def next(self) -> tuple[Tensor, Pictures]:
        """The one after."""
        return self.next_state, self.next_pictures


class Columns:
    """Where a row holds what: state, action, then single numbers."""

    def __init__(self, state: int, action: int) -> None:
        self.state = state
        self.scalars = state + action
        self.shown = slice(self.scalars + 3, self.scalars + 5)
        """Two numbers: of the action, and of the gripper's command."""
        self.left = slice(self.scalars + 6, self.scalars + 8)
        """Two numbers: steps and changes of the gripper until the next reward."""
        self.width = self.scalars + 8

    def batch(
        self, rows: Tensor, after: Tensor, seen: Pictures, seen_after: Pictures, counts: tuple[int, ...]
    ) -> Batch:
        """Rows, shape (B, width), with the states after them and the pictures of both, by name."""
        gripper, reward, terminated, shown, gripper_shown, change, steps_left, changes_left = rows[
            :, self.scalars :
        ].unbind(1)
        return Batch(
            rows[:, : self.state],
            rows[:, self.state : self.scalars],
            gripper.long(),
            reward,
            terminated,
            shown,
            gripper_shown,
            change,
            steps_left,
            changes_left,
            after,
            counts,
            seen,
            seen_after,
        )
