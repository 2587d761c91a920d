"""Files that a clone without large-file storage has in place of a dataset's: a few lines that name the true one."""

from pathlib import Path

from hilrt.errors import DatasetDamagedError, PointerFileError

POINTERS = (b"version https://git-lfs.", b"/annex/objects/")


def damaged(path: Path, problem: str) -> DatasetDamagedError:
    """The error for a file that cannot be read: `problem`, or that it is only a pointer to the true one."""
    return PointerFileError(str(path)) if is_pointer(path) else DatasetDamagedError(str(path), problem)


def is_pointer(path: Path) -> bool:
    """Whether a file is a pointer of git-lfs or git-annex."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(64).startswith(POINTERS)
    except OSError:  # whoever reads all of the file says so
        return False
