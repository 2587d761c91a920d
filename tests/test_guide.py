"""The guide's tables name the steps that there are, in their order, and options that exist."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "control"))
from rig import Rig, load

GUIDE = Path(__file__).parents[1] / "docs" / "guide"
EVERYTHING = (
    "processor.observation.add_current_to_observation=true",
    "processor.observation.display_cameras=true",
    "robot.cameras.front={type = 'sim', width = 160, height = 120}",
    "safety.self_collision=true",
)


def tables(page):
    """Rows of each table, as cells."""
    found = [[]]
    for line in (GUIDE / page).read_text().splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def steps(table):
    return [row[0].strip("`") for row in table if row[0].startswith("`")]


@pytest.mark.parametrize(
    ("page", "number", "pipeline"), [("observation.md", 0, 0), ("observation.md", 1, 1), ("action.md", 0, 2)]
)
def test_tables_are_the_pipelines(page, number, pipeline):
    """Each table has the steps of a run with every option on, in their order."""
    rigs = [Rig(*EVERYTHING, show=lambda *_: None), Rig(by_joint=True)]
    names = [[step.name for step in rig.pipelines.all[pipeline].steps] for rig in rigs]
    written = steps(tables(page)[number])
    assert [name for name in written if name in names[0]] == names[0]
    assert set(written) == {*names[0], *names[1]}


def test_options_of_pictures_exist():
    """Every option that the page on pictures names, in tables or text, is one of the configuration."""
    names = re.findall(r"`((?:processor|policy|learner)\.\w+)`", (GUIDE / "pixels.md").read_text())
    assert {"policy.encoder", "policy.cached_variants", "learner.storage_device"} <= set(names)
    for table, option in (name.split(".") for name in names):
        assert hasattr(getattr(load(), table), option), option


@pytest.mark.parametrize("page", ["observation.md", "action.md"])
def test_options_exist(page):
    """Every option that a table names is one of the configuration."""
    config = load()
    for table in tables(page):
        for cell in (cell for row in table for cell in row[1:2]):
            for path in re.findall(r"`((?:processor|teleop|safety|sim)\.[\w.]+)`", cell):
                here = config
                for key in path.split("."):
                    here = getattr(here, key)
