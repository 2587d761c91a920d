"""Options of the reference workflow that are not options here: each is refused by name, with where it went."""

from collections.abc import Mapping
from typing import Any

from hilrt.errors import ConfigError

ELSEWHERE = {
    "mode": "is a command here: hilrt record, train, eval or replay. Remove it",
    "device": "is learner.device here",
    "env.type": 'is not needed for an arm, and "gymnasium" for an environment. Remove it',
    "env.processor": "is the table [processor] here",
    "env.robot": "is the table [robot] here",
    "env.teleop": "is the table [teleop] here",
    "robot.use_degrees": "is not needed: joints are in degrees. Remove it",
    "robot.max_relative_target": "is safety.max_joint_velocity_deg_s here",
    "learner.offline_buffer_capacity": "is not needed: demonstrations are all kept. Remove it",
    "processor.reward_classifier.num_cameras": "is not needed: it has all cameras of [robot.cameras]. Remove it",
    "processor.reward_classifier.num_classes": "is not needed: `classes` beside it names them. Remove it",
    "processor.reward_classifier.device": "is learner.device in training, policy.device in use",
    "dataset.repo_id": "is not needed: demonstrations lie in dataset.root. Remove it",
    "dataset.task": "is env.task here",
    "dataset.replay_episode": "is `hilrt replay CONFIG --episode N` here. Remove it",
    "dataset.push_to_hub": "is the hub client's job, see docs/guide/dataset.md. Remove it",
}
"""By path; what is said of each completes the sentence that begins with it."""
KNOWN = {"env.type": ("arm", "gymnasium")}
"""Values of options of these names that are options here, too."""


def explain_elsewhere(tree: Mapping[str, Any], source: str) -> None:
    """Refuse what the reference workflow has in another place, or hilrt not yet.

    Raises:
        ConfigError: names all that it found.
    """
    there = {path: _at(tree, path) for path in ELSEWHERE}
    moved = [path for path, value in there.items() if value is not None and value not in KNOWN.get(path, ())]
    found = [f"$.{path} {ELSEWHERE[path]}." for path in moved]
    if found:
        raise ConfigError(source, found[0] if len(found) == 1 else "\n  ".join(["", *found]).rstrip())


def _at(tree: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - any TOML value
    here: Any = tree
    for key in path.split("."):
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = here[key]
    return here
