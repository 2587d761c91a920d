"""A `~` at the start of a path in a task file is the home folder, as it is in a shell."""

import os
from collections.abc import MutableMapping, Sequence
from typing import Any

from hilrt.errors import ConfigError

PATHS = [
    path.split(".")
    for path in (
        "runs_dir",
        "dataset.root",
        "robot.calibration_dir",
        "robot.port",
        "robot.arms.*.port",
        "robot.cameras.*.index_or_path",
        "teleop.port",
        "teleop.arms.*.port",
        "policy.weights",
        "processor.inverse_kinematics.urdf_path",
    )
]
"""Options that name files, folders or devices."""


def expand_home(tree: dict[str, Any], source: str) -> None:
    """Put the home folder for a leading `~`, or that of `~user`, wherever a path stands; `source` names it in errors.

    Raises:
        ConfigError: there is no such user.
    """
    for path in PATHS:
        _expand(tree, path, source, "$")


def _expand(tree: Any, path: Sequence[str], source: str, within: str) -> None:  # noqa: ANN401 - any TOML value
    """The same of what lies at one path; `*` stands for every name."""
    first, *rest = path
    for name in list(tree) if first == "*" else [first]:
        if not isinstance(tree, MutableMapping) or name not in tree:
            return
        if rest:
            _expand(tree[name], rest, source, f"{within}.{name}")
        elif isinstance(tree[name], str) and tree[name].startswith("~"):
            tree[name], given = os.path.expanduser(tree[name]), tree[name]  # noqa: PTH111 - a text that may be no path
            if tree[name] == given:
                raise ConfigError(source, f"{within}.{name}: {given}: there is no such user here.")
