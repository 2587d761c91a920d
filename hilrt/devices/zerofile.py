"""Zero offsets of an arm's joints, which `hilrt calibrate --touch` finds.

A calibration's zero is the middle of a swept range, which is where the arm's description has its zero only as far as
print, assembly and sweep are exact. An offset is what is added to such an angle to make it the description's.
"""

from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from hilrt.config import MOTORS
from hilrt.devices.beside import Beside
from hilrt.errors import FindingFileError

LARGEST_DEG = 20.0
"""An offset beyond this is no inexactness: a horn is off by a tooth, or the calibration's middle pose was none."""

Offset = Annotated[float, msgspec.Meta(ge=-LARGEST_DEG, le=LARGEST_DEG)]


class ZeroOffsets(Beside, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is in the file."""

    NAME: ClassVar[str] = "zeros"
    WHAT: ClassVar[str] = "the zero offsets"
    COMMAND: ClassVar[str] = "hilrt calibrate --touch CONFIG"
    WITHOUT: ClassVar[str] = "the gripper may then be centimetres beside where hilrt takes it to be"

    zero_offsets_deg: dict[str, Offset]
    """By motor; one that is not named has none [deg]."""
    rms_mm: float
    """What was left between touches and places [mm]."""

    @property
    def radians(self) -> NDArray[np.float64]:
        """Shape (6,), in the order of `MOTORS` [rad]."""
        return np.radians([self.zero_offsets_deg.get(name, 0.0) for name in MOTORS])

    def __str__(self) -> str:
        offsets = ", ".join(f"{name} {offset:+.1f}" for name, offset in self.zero_offsets_deg.items())
        return f"zero offsets of {self.found} [deg]: {offsets}"

    def check(self, path: Path) -> None:
        """Raises `FindingFileError` where a motor is none."""
        if unknown := self.zero_offsets_deg.keys() - set(MOTORS):
            raise FindingFileError(
                str(path), f"unknown motor {', '.join(sorted(unknown))}", self.COMMAND, self.WITHOUT
            )
