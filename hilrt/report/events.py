"""TensorBoard's event files, on a disk that may be full."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from hilrt.resource import Resource

RETRY_S = 60.0
"""Between two attempts at a disk that refused."""

log = logging.getLogger(__name__)


class Events(Resource):
    """A run's event files. What the disk refuses is not plotted, and a new file is begun when it takes one again."""

    def __init__(self, folder: Path, retry_s: float = RETRY_S) -> None:
        self._folder, self._retry_s = str(folder), retry_s
        self._writer: SummaryWriter | None = None
        self._from_s = 0.0

    def write(self, add: Callable[[SummaryWriter], None]) -> None:
        """Add to them, if the disk takes it."""
        if time.monotonic() < self._from_s:
            return
        try:
            if self._writer is None:
                self._writer = SummaryWriter(self._folder)
            add(self._writer)
        except OSError as error:  # perhaps of what was added before: a thread writes
            self._refused(error)

    def close(self) -> None:
        """Write out what is buffered; may be called again."""
        if self._writer:
            try:
                self._writer.close()
            except OSError as error:
                self._refused(error)

    def _refused(self, error: OSError) -> None:
        self._writer = None
        self._from_s = time.monotonic() + self._retry_s
        log.warning("TensorBoard's figures are not written for now: %s", error)
