"""Zero offsets of an arm's joints, which `hilrt calibrate --touch` finds: a file of ours beside the calibration file.

The calibration file stays what others read, and the motors hold what it says. Its zero is the middle of a swept range,
which is where the arm's description has its zero only as far as print, assembly and sweep are exact. An offset is what
is added to such an angle to make it the description's.
"""

from pathlib import Path
from typing import Annotated, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from hilrt.config import MOTORS
from hilrt.devices.wholefile import BACKUP, write_whole
from hilrt.errors import ZerosFileError, ZerosStaleError

LARGEST_DEG = 20.0
"""An offset beyond this is no inexactness: a horn is off by a tooth, or the calibration's middle pose was none."""

Offset = Annotated[float, msgspec.Meta(ge=-LARGEST_DEG, le=LARGEST_DEG)]


class ZeroOffsets(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is in the file."""

    calibration: str
    """Digest of the calibration they were found with; under another one they mean nothing."""
    zero_offsets_deg: dict[str, Offset]
    """By motor; one that is not named has none [deg]."""
    rms_mm: float
    """What was left between touches and places [mm]."""
    found: str
    """The day."""

    @property
    def radians(self) -> NDArray[np.float64]:
        """Shape (6,), in the order of `MOTORS` [rad]."""
        return np.radians([self.zero_offsets_deg.get(name, 0.0) for name in MOTORS])

    def __str__(self) -> str:
        offsets = ", ".join(f"{name} {offset:+.1f}" for name, offset in self.zero_offsets_deg.items())
        return f"zero offsets of {self.found} [deg]: {offsets}"

    @classmethod
    def of(cls, calibration_path: Path, digest: str) -> Self | None:
        """Those of a calibration file whose content has this digest; None where none were found.

        Raises:
            ZerosFileError: the file cannot be used.
            ZerosStaleError: they belong to another calibration.
        """
        path = zeros_path(calibration_path)
        try:
            offsets = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise ZerosFileError(str(path), str(error)) from error
        if unknown := offsets.zero_offsets_deg.keys() - set(MOTORS):
            raise ZerosFileError(str(path), f"unknown motor {', '.join(sorted(unknown))}")
        if offsets.calibration != digest:
            raise ZerosStaleError(str(path), str(calibration_path), offsets.found)
        return offsets

    def save(self, calibration_path: Path) -> Path:
        """Write them beside a calibration file, whole or not at all; where they lie now."""
        path = zeros_path(calibration_path)
        write_whole(path, msgspec.json.format(msgspec.json.encode(self), indent=4))
        return path


def zeros_path(calibration_path: Path) -> Path:
    """Where the zero offsets of that calibration lie."""
    return calibration_path.with_suffix(".zeros.json")


def put_aside(calibration_path: Path, digest: str) -> Path | None:
    """Put offsets aside that do not belong to this calibration; where they lie now, None where there were none such."""
    try:
        ZeroOffsets.of(calibration_path, digest)
    except (ZerosFileError, ZerosStaleError):
        path = zeros_path(calibration_path)
        return path.replace(path.with_name(f"{path.name}{BACKUP}"))
    return None
