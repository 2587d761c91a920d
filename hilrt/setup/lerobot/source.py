"""LeRobot's JSON files: what each configures, and its fields by one set of paths, whatever version wrote it."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from hilrt.errors import ForeignConfigError
from hilrt.errors.plain import plain
from hilrt.setup.lerobot.rule import Value

ACTORS = ("sac", "gaussian_actor")
"""Types of the policies that HIL-SERL trains, in former and later versions."""
JUDGE = "reward_classifier"
DEEPEST = 40
"""Levels of tables and lists; LeRobot has six."""


class Source(Struct, frozen=True):
    """One file."""

    name: str
    prefix: tuple[str, ...]
    """What goes before its own paths: `env` for an environment that lies at the top, `classifier` for a classifier."""
    tree: dict[str, Value]

    @classmethod
    def read(cls, path: Path) -> "Source":
        """A file's.

        Raises:
            ForeignConfigError: it cannot be read, is no JSON, or configures something else.
        """
        try:
            tree: Any = msgspec.json.decode(path.read_bytes())
        except OSError as error:
            raise ForeignConfigError(str(path), f"cannot be read: {plain(error)}") from None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ForeignConfigError(
                str(path), f"is no JSON: {plain(error)}", "Is it a task file already?"
            ) from None
        if not isinstance(tree, dict):
            raise ForeignConfigError(str(path), f"holds a {type(tree).__name__}, not an object with fields")
        if not _within(tree, DEEPEST):
            raise ForeignConfigError(str(path), f"is none of LeRobot's: {plain(RecursionError())}")
        judge = tree.get("reward_model")  # the name of later versions; null beside a policy
        if judge is None or isinstance(judge, dict):
            tree = {key: value for key, value in tree.items() if key != "reward_model"}
            tree |= {"policy": judge} if judge else {}
        return cls(str(path), _prefix(path, tree), tree)


def _prefix(path: Path, tree: dict[str, Any]) -> tuple[str, ...]:
    trained, type_ = _word(tree.get("policy"), "type"), _word(tree, "type")
    if trained == JUDGE:
        return ("classifier",)
    if JUDGE in {type_, _word(tree, "name")}:
        return ("classifier", "policy")
    if type_ in ACTORS:
        return ("policy",)
    if trained and trained not in ACTORS:
        cure = "hilrt learns by soft actor-critic alone; give the environment's file without it."
        raise ForeignConfigError(str(path), f'trains a policy of type "{trained}"', cure)
    environment = tree.get("env")
    flat = isinstance(tree.get("robot"), dict) and not tree.keys().isdisjoint(
        {"teleop", "wrapper", "processor"}
    )
    if "gym_hil" in {_word(environment, "name"), _word(tree, "name")}:
        cure = "hilrt simulates an arm of its own: configs/sim_so100.toml, docs/guide/simulated-arm.md."
        raise ForeignConfigError(str(path), "is of the simulation gym_hil, not of an arm", cure)
    if isinstance(environment, dict) or trained:
        return ()
    if flat:
        return ("env",)
    fields = ", ".join(list(tree)[:6]) or "none"
    cure = "A calibration, or a dataset's info.json, is not meant: docs/for-users-of-lerobot.md."
    problem = (
        f"configures neither an environment, nor a training, nor a reward classifier (its fields: {fields})"
    )
    raise ForeignConfigError(str(path), problem, cure)


def _within(value: Value, levels: int) -> bool:
    """Whether tables and lists are nested no deeper."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_within(one, levels - 1) for one in inner)


def _word(table: Any, key: str) -> str:  # noqa: ANN401 - any JSON
    """What a table says there in words; nothing where it does not, or is no table."""
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""
