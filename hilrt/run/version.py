"""Which hilrt this is."""

import json
import subprocess
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]


def version() -> str:
    """Its version, and in brackets the commit that it was installed from, where that is known."""
    found = _checked_out() or _installed()
    return metadata.version("hilrt") + (f" ({found})" if found else "")


def _checked_out() -> str:
    """Of a working copy; with a mark where files differ from the commit."""
    if not (ROOT / ".git").exists():
        return ""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git, or it does not trust the folder
        return ""


def _installed() -> str:
    """Of what pip has fetched from a repository; see PEP 610."""
    told = metadata.distribution("hilrt").read_text("direct_url.json")
    commit = json.loads(told).get("vcs_info", {}).get("commit_id", "") if told else ""
    return str(commit)[:12]
