"""When to learn, and how much to imitate."""

from hilrt.config import Learner


class Credit:
    """Token bucket: every online step past the first few pays for `utd` critic updates."""

    def __init__(self, utd: float, per_step: int, free_steps: int) -> None:
        """`per_step` critic updates are spent at a time; `free_steps` online steps pay nothing.

        With `utd` 0 there is always credit once learning has begun.
        """
        self.online_steps = 0
        self.credit = 0.0
        self._utd = utd
        self._per_step = per_step
        self._free_steps = free_steps

    def earn(self) -> None:
        """Count one online step."""
        self.online_steps += 1
        if self.online_steps > self._free_steps:
            self.credit += self._utd

    def forgive(self, online_steps: int, credit: float) -> None:
        """Go on from a checkpoint: of the steps counted, its `online_steps` are paid but for its `credit`."""
        unpaid = self.online_steps - max(online_steps, self._free_steps)
        self.credit = credit + self._utd * max(0, unpaid)

    @property
    def owed(self) -> bool:
        """Whether a step that was counted is not paid for yet; never with `utd` 0."""
        return self._utd > 0.0 and self.credit >= self._per_step

    @property
    def due(self) -> bool:
        """Whether a learner step can be paid."""
        return self.owed or (self._utd == 0.0 and self.online_steps >= max(1, self._free_steps))

    def spend(self) -> None:
        """Pay for a learner step."""
        if self._utd > 0.0:
            self.credit -= self._per_step


def bc_weight(learner: Learner, autonomous_rate: float) -> float:
    """Weight of imitation: `bc_weight`, or from there to `bc_weight_final` as autonomous success is won."""
    if learner.bc == "off":
        return 0.0
    if learner.bc_weight_final is None:
        return learner.bc_weight
    share = min(1.0, autonomous_rate / learner.constants.imitated_until)
    return learner.bc_weight + share * (learner.bc_weight_final - learner.bc_weight)
