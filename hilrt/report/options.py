"""Options of runs' task files, and in which of them runs differ."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from hilrt.config import Config
from hilrt.config.paths import HERE


def options(config: Config, folder: Path) -> dict[str, Any]:
    """By key, as `env.fps`; paths to files of the run's own folder are alike in all runs."""
    own = f"{folder}/"
    return {
        key: v.replace(own, f"{HERE}/", 1) if isinstance(v, str) and v.startswith(own) else v
        for key, v in _flat(msgspec.to_builtins(config), "").items()
    }


def differing(runs: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Of each key whose values are not all equal, that of each run; None where it has none."""
    keys = dict.fromkeys(key for each in runs for key in each)
    rows = {key: [each.get(key) for each in runs] for key in keys}
    return {key: row for key, row in rows.items() if any(value != row[0] for value in row)}


def _flat(tree: dict[str, Any], at: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{at}{key}.") if isinstance(value, dict) else {f"{at}{key}": value})
    return flat
