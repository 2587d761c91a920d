"""Which hilrt this is."""

import json
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout, where hilrt runs from one."""
SHOWN = 12
"""Letters of a commit that people are shown."""


def version() -> str:
    """Its version, and in brackets the commit that it was installed from, where that is known."""
    found, mark, _ = commit().partition("-dirty")
    return release() + (f" ({found[:SHOWN]}{mark})" if found else "")


def release() -> str:
    """Its version."""
    return metadata.version("hilrt")


def commit() -> str:
    """Of the checkout, with `-dirty` where files differ from it, or of what pip has fetched; empty if nobody knows."""
    return commit_of(ROOT) or _installed()


def commit_of(root: Path) -> str:
    """Commit of a git checkout; empty where this is none, or git is not there or refuses."""
    git = shutil.which("git")
    if not git or not (root / ".git").exists():
        return ""
    words = [git, "--no-optional-locks", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run([*words, "--abbrev=40"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _installed() -> str:
    """Of what pip has fetched from a repository; see PEP 610."""
    told = metadata.distribution("hilrt").read_text("direct_url.json")
    return str(json.loads(told).get("vcs_info", {}).get("commit_id", "")) if told else ""
