"""Running means of tensors, left on their device until read: reading one every update would stall a GPU."""

from collections.abc import Mapping

import torch
from torch import Tensor


class Scalars:
    """Means by name since the last `read`."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, **values: Tensor) -> None:
        """Take zero-dimensional tensors in."""
        for name, value in values.items():
            so_far = self._sums.get(name)
            self._sums[name] = value.detach() if so_far is None else so_far + value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1

    def read(self) -> dict[str, float]:
        """The means, in one transfer; starts anew."""
        if not self._sums:
            return {}
        sums = torch.stack(list(self._sums.values())).tolist()
        means = {name: s / self._counts[name] for name, s in zip(self._sums, sums, strict=True)}
        self._sums, self._counts = {}, {}
        return means

    def state(self) -> dict[str, Tensor]:
        """Sum and count of each since the last `read`, shape (2,)."""
        return {name: torch.stack((s, s.new_tensor(self._counts[name]))) for name, s in self._sums.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Inverse of `state`."""
        self._sums = {name: value[0] for name, value in state.items()}
        self._counts = {name: int(value[1]) for name, value in state.items()}
