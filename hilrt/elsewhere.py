"""Options of the reference workflow that are not options here: each is refused by name, with where it went."""

from collections.abc import Mapping
from typing import Any

from hilrt.errors import ConfigError

NOT_YET = "is not available in this version of hilrt. Remove it"

ELSEWHERE = {
    "mode": "is a command here: hilrt record, train or eval. Remove it",
    "device": "is learner.device here",
    "env.type": "is not needed: there is one kind of environment. Remove it",
    "env.processor": "is the table [processor] here",
    "env.robot": "is the table [robot] here",
    "env.teleop": "is the table [teleop] here",
    "robot.use_degrees": "is not needed: joints are in degrees. Remove it",
    "robot.max_relative_target": "is safety.max_joint_velocity_deg_s here",
    "learner.offline_buffer_capacity": "is not needed: demonstrations are all kept. Remove it",
    "teleop.port": f"belongs to a leader arm, which {NOT_YET}",
    "teleop.id": f"belongs to a leader arm, which {NOT_YET}",
    "processor.reward_classifier": (
        f"{NOT_YET}: success is judged by the task, the operator, or a step of your own before `success`"
    ),
    "dataset.repo_id": "is not needed: demonstrations lie in dataset.root. Remove it",
    "dataset.task": "is env.task here",
    "dataset.replay_episode": NOT_YET,
    "dataset.push_to_hub": NOT_YET,
}
"""By path; what is said of each completes the sentence that begins with it."""

VALUES = {
    ("teleop.type", "so100_leader"): f"{NOT_YET}; there are keyboard, gamepad and scripted",
    ("teleop.type", "so101_leader"): f"{NOT_YET}; there are keyboard, gamepad and scripted",
    ("processor.control_mode", "leader"): NOT_YET,
}
"""Values of the reference workflow that are not values here."""


def explain_elsewhere(tree: Mapping[str, Any], source: str) -> None:
    """Refuse what the reference workflow has in another place, or hilrt not yet.

    Raises:
        ConfigError: names all that it found.
    """
    keys = [f"$.{path} {words}." for path, words in ELSEWHERE.items() if _at(tree, path) is not None]
    values = [
        f'$.{path} = "{value}" {words}.'
        for (path, value), words in VALUES.items()
        if _at(tree, path) == value
    ]
    if found := [*keys, *values]:
        raise ConfigError(source, found[0] if len(found) == 1 else "\n  ".join(["", *found]).rstrip())


def _at(tree: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - any TOML value
    here: Any = tree
    for key in path.split("."):
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = here[key]
    return here
