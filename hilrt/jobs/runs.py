"""Take old runs away."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from hilrt.errors import RunFolderError, RunWriteError
from hilrt.jobs.run import require_ended
from hilrt.report.runs import State, alive_tags, described
from hilrt.run.folder import RunFolder, claimed
from hilrt.run.shelf import runs_in, shelved


def require_deletable(path: Path) -> None:
    """See that a run may be deleted.

    Raises:
        RunFolderError: it is no run, or a link to one; it is kept; it, or an evaluation of it, is going on.
    """
    run = shelved(path)
    if path.is_symlink():
        raise RunFolderError(str(path), "is a link; what lies outside is not deleted from here")
    if run.kept:
        raise RunFolderError(str(path), f"is kept; `hilrt runs keep --not {path}` lets it go")
    for place in run.places:
        require_ended(RunFolder(place))
        if claimed(place):
            raise RunFolderError(str(path), "is starting or ending just now; wait for it")


def size_of(path: Path) -> int:
    """Bytes of all files in a run's folder; what links lead to is not counted."""
    return sum(p.lstat().st_size for p in path.rglob("*") if not p.is_symlink() and p.is_file())


def failed_starts(folder: Path) -> list[Path]:
    """Runs in a folder that never began, but for kept ones and links.

    Raises:
        RunFolderError: there is no such folder.
    """
    alive = alive_tags()
    runs = [run for run in runs_in(folder) if not run.kept and not run.path.is_symlink()]
    return [run.path for run in runs if described(run, alive).state is State.FAILED]


def delete(paths: Sequence[Path]) -> None:
    """Delete runs, all of which were looked at before the first is touched.

    What a link in a run's folder leads to is left alone. config.toml goes last: what was interrupted is still a run,
    and can be deleted again.

    Raises:
        RunFolderError: as `require_deletable`; nothing is deleted then.
        RunWriteError: a file cannot be deleted.
    """
    paths = list(dict.fromkeys(paths))
    for path in paths:
        require_deletable(path)
    for path in paths:
        try:
            for inside in sorted(path.iterdir(), key=lambda p: p.name == "config.toml"):
                if inside.is_dir() and not inside.is_symlink():
                    shutil.rmtree(inside)
                else:
                    inside.unlink()
            path.rmdir()
        except OSError as error:
            raise RunWriteError(str(path), error) from None
