"""Pictures in the replay: one copy of each row's, on one device, drawn by row number."""

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hilrt.errors import ReplayMemoryError
from hilrt.learner.indexset import Indices
from hilrt.policy.trunk import Pictures
from hilrt.policy.vision import Sight

SPARE = 0.9
"""Share of the free memory that pictures may take."""
WORKING = 3 << 30
"""Kept free on a GPU beside that: activations, gradients, Adam's moments, a recorded step [bytes]."""


class Album:
    """For each camera one array with a place for each row: views (H, W, 3), or features in some variants."""

    def __init__(self, sight: Sight, online: int, demonstrations: int, device: torch.device) -> None:
        """Room for that many rows.

        Raises:
            ReplayMemoryError: the device has not so much.
        """
        self.device = device
        self.variants = max(1, sight.variants)
        self._row_bytes = sight.kept_bytes
        self._online, self.rows = online, online + demonstrations
        self._require_room()
        self._cameras = [_room(self.rows, shape, bool(sight.variants), device) for shape in sight.kept]

    def __bool__(self) -> bool:
        """Whether there are any pictures."""
        return bool(self._cameras)

    @property
    def nbytes(self) -> int:
        """Bytes of all places."""
        return self.rows * self._row_bytes

    def __str__(self) -> str:
        """What it holds, for people."""
        shown = self.rows - self._online
        words = [f"{n:,} steps = {_size(n * self._row_bytes)}" for n in (self._online, shown)]
        return f"pictures: online {words[0]}, demonstrations {words[1]}, on {self.device}"

    def put(self, row: int, pictures: Pictures) -> None:
        """Keep a row's pictures, of each camera one of the shapes in `Sight.kept`."""
        for kept, picture in zip(self._cameras, pictures, strict=True):
            kept[row] = picture

    def grow(self, rows: int) -> None:
        """Make room for so many more rows; what is there is copied, so this is for few."""
        self.rows += rows
        self._require_room()
        self._cameras = [
            torch.cat((kept, torch.zeros_like(kept[:1]).expand(rows, *kept.shape[1:])))
            for kept in self._cameras
        ]

    def draw(self, rows: Indices, variants: Indices | None) -> Pictures:
        """Pictures of rows, shape (n,), in the variants given; a batch axis first."""
        places = rows if variants is None else rows * self.variants + variants
        index = torch.from_numpy(places)
        if self.device.type == "cuda":
            index = index.pin_memory().to(self.device, non_blocking=True)
        flat = [kept.flatten(0, 1) if kept.dtype == torch.bfloat16 else kept for kept in self._cameras]
        return tuple(kept.index_select(0, index) for kept in flat)

    def _require_room(self) -> None:
        if not fits(self.nbytes, self.device):
            free = _free_bytes(self.device)
            fitting = int(_spare_bytes(self.device) / max(1, self._row_bytes)) - (self.rows - self._online)
            raise ReplayMemoryError(str(self), _size(free), max(0, fitting))


def fits(nbytes: int, device: torch.device) -> bool:
    """Whether a device has so much memory to spare."""
    return nbytes <= _spare_bytes(device)


def _room(rows: int, shape: tuple[int, ...], features: bool, device: torch.device) -> Tensor:
    """Zeros; on the CPU they take no memory before they are written."""
    if device.type == "cpu":
        room = torch.from_numpy(np.zeros((rows, *shape), np.int16 if features else np.uint8))
        return room.view(torch.bfloat16) if features else room
    return torch.zeros((rows, *shape), dtype=torch.bfloat16 if features else torch.uint8, device=device)


def _spare_bytes(device: torch.device) -> float:
    return SPARE * max(0, _free_bytes(device) - (WORKING if device.type == "cuda" else 0))


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 1 << 62


def _size(nbytes: float) -> str:
    unit = "GB" if nbytes >= 1e9 else "MB"
    return f"{nbytes / (1e9 if unit == 'GB' else 1e6):.1f} {unit}"
