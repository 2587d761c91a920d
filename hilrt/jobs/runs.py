"""Take old runs away."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from hilrt.errors import RunDeleteError, RunFolderError
from hilrt.jobs.run import require_ended
from hilrt.policy.saved import CHECKPOINTS
from hilrt.report.runs import State, alive_tags, described
from hilrt.run.folder import RunFolder, claimed
from hilrt.run.shelf import Shelved, runs_in, shelved


def deletable(paths: Sequence[Path]) -> list[Path]:
    """These runs, each of which may be deleted; one that was named in several ways is there once.

    Raises:
        RunFolderError: one is no run, or a link to one; it is kept; it, or what uses its policy, is going on.
    """
    for path in paths:
        _require_deletable(path)
    return list({path.resolve(): path for path in reversed(paths)}.values())[::-1]


def _require_deletable(path: Path) -> None:
    run = shelved(path)
    if path.is_symlink():
        raise RunFolderError(str(path), "is a link; what lies outside is not deleted from here")
    if run.kept:
        raise RunFolderError(str(path), f"is kept; `hilrt runs keep --not {path}` lets it go")
    for place in run.places:
        require_ended(RunFolder(place))
        if claimed(place):
            raise RunFolderError(str(path), "is starting or ending just now; wait for it")
    if claimed(path / CHECKPOINTS):
        raise RunFolderError(
            str(path), "has a policy that acts just now, by hilrt run or eval; stop that first"
        )


def size_of(path: Path) -> int:
    """Bytes of all files in a run's folder; what links lead to is not counted."""
    return sum(p.lstat().st_size for p in path.rglob("*") if not p.is_symlink() and p.is_file())


def failed_starts(folder: Path) -> list[Path]:
    """Runs in a folder that never began, but for kept ones and links.

    Raises:
        RunFolderError: there is no such folder.
    """
    runs = [run for run in runs_in(folder) if not run.kept and not run.path.is_symlink()]
    return _never_began(runs)


def clear(paths: Sequence[Path]) -> list[Path]:
    """Delete those of `failed_starts` that have not begun since; raises as `delete`."""
    paths = _never_began([shelved(path) for path in paths])
    delete(paths)
    return paths


def _never_began(runs: Sequence[Shelved]) -> list[Path]:
    alive = alive_tags()
    return [run.path for run in runs if described(run, alive).state is State.FAILED]


def delete(paths: Sequence[Path]) -> None:
    """Delete runs, all of which were looked at before the first is touched.

    What a link in a run's folder leads to is left alone. config.toml goes last: what was interrupted is still a run,
    and can be deleted again.

    Raises:
        RunFolderError: as `deletable`; nothing is deleted then.
        RunDeleteError: a file cannot be deleted.
    """
    for path in [path.absolute() for path in deletable(paths)]:
        try:
            for inside in sorted(path.iterdir(), key=lambda p: p.name == "config.toml"):
                if inside.is_dir() and not inside.is_symlink():
                    shutil.rmtree(inside)
                else:
                    inside.unlink()
            path.rmdir()
        except OSError as error:
            raise RunDeleteError(str(path), error) from None
