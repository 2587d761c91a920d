"""Which hilrt a run was made with."""

import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
"""Of the source, where hilrt runs from a checkout."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """For people who compare runs, or ask for help."""

    version: str
    commit: str
    """Of the checkout, with `-dirty` where files were changed since; empty where there is none."""


def version() -> Version:
    """That of the hilrt that is running."""
    return Version(version=metadata.version("hilrt"), commit=_commit(ROOT))


def _commit(root: Path) -> str:
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    words = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
