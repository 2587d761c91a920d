"""What a run began with that an earlier one had learned, where it did."""

from pathlib import Path

import msgspec

from hilrt.run.folder import kept

EARLIER = "earlier.json"


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """earlier.json of a run's folder."""

    run: str
    """Folder of the earlier run; nothing in it is needed any more."""
    checkpoint: int
    """Online steps of that run after which its networks were taken."""
    demonstrations: list[str]
    """Datasets to learn from beside the task file's own."""


def earlier_of(run_dir: Path) -> Earlier | None:
    """None of a run that began from nothing.

    Raises:
        RunFolderError: the file cannot be read.
    """
    path = run_dir / EARLIER
    return kept(path, Earlier) if path.exists() else None


def earlier_roots(run_dir: Path) -> list[Path]:
    """Datasets to learn from beside the task file's own; raises as `earlier_of`."""
    earlier = earlier_of(run_dir)
    return [Path(root) for root in earlier.demonstrations] if earlier else []
