"""Names of the state vector, and what each can tell."""

from pathlib import Path

import pytest

from hilrt.config.state import least_spread, state_groups
from hilrt.config.taskfile import load

CONFIGS = Path(__file__).parents[2] / "configs"
ALL = [
    f"processor.observation.add_{name}_to_observation=true"
    for name in ("joint_velocity", "current", "ee_pose")
]


@pytest.mark.parametrize("task", ["sim_so100.toml", "sim_bimanual.toml"])
def test_every_entry_of_ours_has_a_unit(task: str) -> None:
    """No entry that hilrt itself writes is of unknown spread, with one arm or two."""
    groups = state_groups(load(CONFIGS / task, ALL))
    assert [name for names in groups.values() for name in names if not least_spread(name)] == []


def test_own_entries_have_no_known_unit() -> None:
    """A step of the user's own writes what only she knows."""
    assert least_spread("force") == 0.0
