"""The way of a batch to the learner's device: beside the computation, and one step ahead of it."""

from collections import deque

import torch
from torch import Tensor

AHEAD = 2
"""Learner steps that may be asked for and not be done; more would only fill memory."""


class Shipping:
    """Copies tensors to a device. On the CPU there is nothing to do.

    To a GPU they go from page-locked memory in a stream of their own, so that one step's batches are copied
    beside the step before. Nothing waits for it but the GPU itself.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._asked: deque[torch.cuda.Event] = deque()

    def ship(self, tensor: Tensor) -> Tensor:
        """The tensor on the device; not to be used before `arrive`."""
        if self._stream is None or tensor.device == self.device:
            return tensor
        with torch.cuda.stream(self._stream):
            shipped = tensor.pin_memory().to(self.device, non_blocking=True)
        shipped.record_stream(torch.cuda.current_stream(self.device))
        return shipped

    def arrive(self) -> None:
        """Have the device wait for what was shipped; and wait here while it is more than a step behind."""
        if self._stream is None:
            return
        compute = torch.cuda.current_stream(self.device)
        self._asked.append(compute.record_event())
        if len(self._asked) > AHEAD:
            self._asked.popleft().synchronize()
        compute.wait_stream(self._stream)
