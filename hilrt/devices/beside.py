"""What was found of an arm and belongs to its calibration: files of ours beside the calibration file.

The calibration file stays what others read, and the motors hold what it says.
"""

from datetime import date
from pathlib import Path
from typing import ClassVar, Self

import msgspec

from hilrt.devices.wholefile import BACKUP, write_whole
from hilrt.errors import FindingFileError, FindingStaleError
from hilrt.errors.plain import plain
from hilrt.step.sealed import SealError, sealed, unsealed

FORMAT = 1


class Beside(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Such a file."""

    NAME: ClassVar[str]
    """Of the file, behind the calibration file's."""
    WHAT: ClassVar[str]
    COMMAND: ClassVar[str]
    """That finds it."""
    WITHOUT: ClassVar[str]
    """What it is to have none."""

    calibration: str
    """Digest of the calibration it was found with; under another one it means nothing."""
    found: str
    """The day."""

    @classmethod
    def of(cls, calibration_path: Path, digest: str) -> Self | None:
        """That of a calibration file whose content has this digest; None where none was found.

        Raises:
            FindingFileError: the file cannot be used.
            FindingStaleError: one of these; it belongs to another calibration.
        """
        path = cls.path(calibration_path)
        try:
            found = unsealed(path.read_bytes(), cls)
        except FileNotFoundError:
            return None
        except (OSError, SealError) as error:
            raise FindingFileError(str(path), plain(error), cls.COMMAND, cls.WITHOUT) from error
        found.check(path)
        if found.calibration != digest:
            raise FindingStaleError(
                str(path), cls.WHAT, found.found, str(calibration_path), cls.COMMAND, cls.WITHOUT
            )
        return found

    def check(self, path: Path) -> None:
        """Raises `FindingFileError` where the values cannot be."""

    def save(self, calibration_path: Path) -> Path:
        """Write it beside a calibration file, whole or not at all; where it lies now."""
        path = self.path(calibration_path)
        write_whole(path, msgspec.json.format(sealed(self, FORMAT), indent=4))
        return path

    @classmethod
    def path(cls, calibration_path: Path) -> Path:
        """Where that of an arm with this calibration lies."""
        return calibration_path.with_suffix(f".{cls.NAME}.json")

    @classmethod
    def put_aside(cls, calibration_path: Path, digest: str) -> Path | None:
        """Put it aside if it does not belong to this calibration; where it lies now, None where there was none such."""
        try:
            cls.of(calibration_path, digest)
        except FindingFileError:
            path = cls.path(calibration_path)
            return path.replace(path.with_name(f"{path.name}{BACKUP}"))
        return None


def today() -> str:
    """The operator's day."""
    return f"{date.today():%Y-%m-%d}"  # noqa: DTZ011 - the operator's day
