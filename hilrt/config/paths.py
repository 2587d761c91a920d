"""What a path in a task file may begin with: `~`, the home folder, as in a shell; `{here}`, the file's own folder."""

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
        "processor.reward_classifier.pretrained_path",
        "processor.inverse_kinematics.urdf_path",
    )
]
"""Options that name files, folders or devices."""


HERE = "{here}"
"""How a run's config names the run's own files, so that the run may be moved."""


def expand(tree: dict[str, Any], source: str, here: str) -> None:
    """Put the home folder for a leading `~`, or that of `~user`, and `here` for `{here}`, wherever a path stands.

    Args:
        tree: of the task file; changed.
        source: names it in errors.
        here: the folder that it lies in.

    Raises:
        ConfigError: there is no such user.
    """
    for path in PATHS:
        _expand(tree, path, source, here, "$")


def _expand(
    tree: Any,  # noqa: ANN401 - any TOML value
    path: Sequence[str],
    source: str,
    here: str,
    within: str,
) -> None:
    """The same of what lies at one path; `*` stands for every name."""
    first, *rest = path
    if not isinstance(tree, MutableMapping):
        return
    for name in list(tree) if first == "*" else [first]:
        if name not in tree:
            return
        if rest:
            _expand(tree[name], rest, source, here, f"{within}.{name}")
        elif isinstance(tree[name], str) and tree[name].startswith(f"{HERE}/"):
            tree[name] = f"{here}{tree[name].removeprefix(HERE)}"
        elif isinstance(tree[name], str) and tree[name].startswith("~"):
            tree[name], given = os.path.expanduser(tree[name]), tree[name]  # noqa: PTH111 - a text that may be no path
            if tree[name] == given:
                raise ConfigError(source, f"{within}.{name}: {given}: there is no such user here.")
