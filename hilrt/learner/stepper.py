"""Learner steps on a device: one after the other, or recorded once and replayed.

A step is about a thousand small kernels. A GPU runs them faster than a CPU can ask for them, so there they are
recorded as a graph, which is asked for once. What is recorded reads and writes fixed places in memory: each step's
batches are copied to those of the first.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from hilrt.config import Learner
from hilrt.learner.algorithm import Algorithm
from hilrt.learner.batch import Batch
from hilrt.learner.machine import computing_type

WARM = 3
"""Steps taken one by one before recording; the first makes optimisers' states and sums, which must not move then."""


class Graph(Protocol):
    """Work on a device that can be done again."""

    def record(self, work: Callable[[], None]) -> None:
        """Note what the work does; it is not done."""

    def replay(self) -> None:
        """Do it, with what now is in the places that it reads."""


class CudaGraph:
    """The same kernels on a GPU, launched at once."""

    def __init__(self, generator: torch.Generator) -> None:
        """`generator`: on the GPU that the work is done on; it draws from there, and each replay draws anew."""
        self._device = generator.device
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(generator)

    def record(self, work: Callable[[], None]) -> None:
        """Note what the work does; it is not done."""
        with torch.cuda.device(self._device), torch.cuda.graph(self._graph):
            work()

    def replay(self) -> None:
        """Do it, with what now is in the places that it reads."""
        self._graph.replay()


class Stepper:
    """Takes learner steps."""

    def __init__(self, algorithm: Algorithm, learner: Learner, graph: Graph | None) -> None:
        """`graph`: an empty one to record the step in; None to take each by itself."""
        self._algorithm, self._device = algorithm, algorithm.generator.device
        self._graph = graph
        self._weight = torch.zeros((), device=self._device)
        self._low = computing_type(learner, self._device) is torch.bfloat16
        self._places: list[Batch] = []
        self._taken = 0

    def __call__(self, batches: list[Batch], bc_weight: float) -> None:
        """Take a step."""
        self._weight.fill_(bc_weight)
        self._taken += 1
        if self._graph is None or self._taken <= WARM:
            self._step(batches)
            return
        if not self._places:
            self._places = [_copy(batch) for batch in batches]
            self._graph.record(lambda: self._step(self._places))
        for place, batch in zip(self._places, batches, strict=True):
            for here, there in zip(place.tensors, batch.tensors, strict=True):
                here.copy_(there)
        self._graph.replay()

    def _step(self, batches: list[Batch]) -> None:
        # weights change between two uses of what the cache would keep of them
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._low, cache_enabled=False):
            self._algorithm.learner_step(batches, self._weight)


def _copy(batch: Batch) -> Batch:
    fields: dict[str, Any] = {
        name: field.clone() for name, field in batch._asdict().items() if isinstance(field, Tensor)
    }
    fields["pictures"], fields["next_pictures"] = (
        tuple(picture.clone() for picture in seen) for seen in (batch.pictures, batch.next_pictures)
    )
    return batch._replace(**fields)
