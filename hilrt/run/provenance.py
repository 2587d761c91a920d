"""With which hilrt, and on which machine, each start of a run was made."""

import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from hilrt.errors import RunFolderError
from hilrt.run.folder import RunFolder, kept
from hilrt.run.version import commit, release

PROVENANCE = "provenance.json"
PROCESSORS = Path("/proc/cpuinfo")
GPUS = Path("/proc/driver/nvidia/gpus")


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Of one start; what nobody knows is empty."""

    wall_ns: int
    """When, since 1970."""
    version: str
    commit: str
    """See `hilrt.run.version.commit`."""
    python: str
    system: str
    processor: str
    cores: int
    """That this process may use."""
    gpus: list[str]


def provenance() -> Provenance:
    """Of now."""
    system = os.uname()
    return Provenance(
        wall_ns=time.time_ns(),
        version=release(),
        commit=commit(),
        python=platform.python_version(),
        system=f"{system.sysname} {system.release} {system.machine}",
        processor=next(_values(PROCESSORS, "model name"), ""),
        cores=len(os.sched_getaffinity(0)),
        gpus=[model for path in sorted(GPUS.glob("*/information")) for model in _values(path, "Model")],
    )


def provenances_of(run_dir: Path) -> list[Provenance]:
    """Of each start, the first one first; none of a run that an older hilrt made.

    Raises:
        RunFolderError: the file cannot be read.
    """
    path = run_dir / PROVENANCE
    return kept(path, list[Provenance]) if path.exists() else []


def note_provenance(folder: RunFolder) -> None:
    """Note this start; a damaged file is begun anew.

    Raises:
        RunWriteError: the disk does not take it.
    """
    before: list[Provenance] = []
    with suppress(RunFolderError):
        before = provenances_of(folder.path)
    folder.keep(PROVENANCE, [*before, provenance()])


def _values(path: Path, key: str) -> Iterator[str]:
    """Of lines `key : value` in a file that need not be there."""
    with suppress(OSError):
        yield from re.findall(rf"(?m)^{key}\s*:\s*(.+?)\s*$", path.read_text(errors="replace"))
