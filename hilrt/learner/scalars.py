"""Running means of tensors, left on their device until read: reading one every update would stall a GPU."""

from collections.abc import Mapping

import torch
from torch import Tensor

Names = tuple[str, ...]


class Scalars:
    """Means by name since the last `read`. Sums stay where they are in memory, so that a recorded step adds to them."""

    def __init__(self) -> None:
        self._sums: dict[Names, Tensor] = {}
        """Of what was added together: the sums, then how often."""

    def add(self, **values: Tensor) -> None:
        """Take zero-dimensional tensors in; the same names together every time."""
        vector = [value.detach().float() for value in values.values()]
        addend = torch.stack([*vector, torch.ones_like(vector[0])])
        self._sums.setdefault(tuple(values), torch.zeros_like(addend)).add_(addend)

    def read(self) -> dict[str, float]:
        """The means, in one transfer; starts anew."""
        if not self._sums:
            return {}
        numbers = iter(torch.cat(list(self._sums.values())).tolist())
        means: dict[str, float] = {}
        for names, sums in self._sums.items():
            sums.zero_()
            totals = [next(numbers) for _ in names]
            if count := next(numbers):
                means.update({name: total / count for name, total in zip(names, totals, strict=True)})
        return means

    def state(self) -> dict[str, Tensor]:
        """The sums since the last `read`."""
        return {",".join(names): sums for names, sums in self._sums.items()}

    def load(self, state: Mapping[str, Tensor], device: torch.device) -> None:
        """Inverse of `state`."""
        self._sums = {tuple(names.split(",")): sums.to(device) for names, sums in state.items()}
