"""Options of the reference workflow that are not options here: each is refused by name, with where it went."""

from collections.abc import Mapping
from typing import Any

from hilrt.errors import ConfigError

NOT_YET = "is not available in this version of hilrt. Remove it"

ELSEWHERE = {
    "mode": "is a command here: hilrt record, train, eval or replay. Remove it",
    "device": "is learner.device here",
    "env.type": "is not needed: there is one kind of environment. Remove it",
    "env.processor": "is the table [processor] here",
    "env.robot": "is the table [robot] here",
    "env.teleop": "is the table [teleop] here",
    "robot.use_degrees": "is not needed: joints are in degrees. Remove it",
    "robot.max_relative_target": "is safety.max_joint_velocity_deg_s here",
    "learner.offline_buffer_capacity": "is not needed: demonstrations are all kept. Remove it",
    "processor.reward_classifier": (
        f"{NOT_YET}: success is judged by the task, the operator, or a step of your own before `success`"
    ),
    "dataset.repo_id": "is not needed: demonstrations lie in dataset.root. Remove it",
    "dataset.task": "is env.task here",
    "dataset.replay_episode": "is `hilrt replay CONFIG --episode N` here. Remove it",
    "dataset.push_to_hub": "is the hub client's job, see docs/guide/dataset.md. Remove it",
}
"""By path; what is said of each completes the sentence that begins with it."""


def explain_elsewhere(tree: Mapping[str, Any], source: str) -> None:
    """Refuse what the reference workflow has in another place, or hilrt not yet.

    Raises:
        ConfigError: names all that it found.
    """
    found = [f"$.{path} {words}." for path, words in ELSEWHERE.items() if _at(tree, path) is not None]
    if found:
        raise ConfigError(source, found[0] if len(found) == 1 else "\n  ".join(["", *found]).rstrip())


def _at(tree: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - any TOML value
    here: Any = tree
    for key in path.split("."):
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = here[key]
    return here
