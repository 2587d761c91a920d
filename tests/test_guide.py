"""The guide's tables name the steps that there are, in their order, and options that exist."""

import re
import sys
from pathlib import Path

import pytest
import typer

sys.path.insert(0, str(Path(__file__).parent / "control"))
from reward.bundles import judge_for
from rig import Rig, load

from hilrt.cli.app import app
from hilrt.devices.keyboard import Key
from hilrt.report.hints import DEVICES

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
EVERYTHING = (
    "env.task=pick_of_two",
    "processor.observation.add_current_to_observation=true",
    "processor.observation.display_cameras=true",
    "robot.cameras.front={type = 'sim', width = 160, height = 120}",
    "safety.self_collision=true",
    'reward.type="grasp"',
    'processor.reset.scene="self"',
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
def test_tables_are_the_pipelines(page, number, pipeline, tmp_path):
    """Each table has the steps of a run with every option on, in their order."""
    rigs = [Rig(*EVERYTHING, show=lambda *_: None, judge=judge_for(tmp_path)), Rig(by_joint=True)]
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


def test_options_of_the_recording_page_exist():
    """Every option that the page on recording names, in prose and in commands, is one of the configuration."""
    text, config = (GUIDE / "record.md").read_text(), load()
    named = set(re.findall(r"\b(?:processor|teleop|dataset)\.[\w.]+\w", text)) - {"dataset.md"}
    assert len(named) > 4
    for path in named:
        here = config
        for key in path.split("."):
            here = getattr(here, key)


def test_keys_of_the_recording_page_are_the_devices():
    """The page's table of keys says of each device what the screen says."""
    rows = {row[0]: row[1:] for row in tables("record.md")[1]}
    for key, name in (
        (Key.SUCCESS, "success"),
        (Key.FAILURE, "failure"),
        (Key.RERECORD, "again"),
        (Key.STOP, "stop"),
    ):
        keyboard, gamepad = rows[name]
        assert keyboard.replace("`", "").split(",")[0] == DEVICES["keyboard"].keys[key]
        assert gamepad.split(" ")[0] == DEVICES["gamepad"].keys[key]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))], ids=lambda page: page.stem
)
def test_commands_exist(page):
    """Every hilrt command that a page shows is there, and so are the options that it is shown with."""
    text = page.read_text()
    blocks, lines = re.findall(r"(?s)```\w*\n(.*?)```", text), re.findall(r"`(hilrt [^`]*)`", text)
    code = [
        command
        for block in blocks
        for line in block.splitlines()
        for command in line.split("#")[0].split(";")
    ]
    for shown in (words.split() for words in code + lines):
        if shown[:1] != ["hilrt"]:
            continue
        here, words = typer.main.get_command(app), shown[1:]
        while words and words[0][0] not in ".-" and hasattr(here, "commands"):
            assert words[0] in here.commands, shown
            here = here.commands[words.pop(0)]
        options = {option for parameter in here.params for option in parameter.opts} | {"--help"}
        assert {word.strip("[],") for word in words if word.lstrip("[").startswith("--")} <= options, shown
