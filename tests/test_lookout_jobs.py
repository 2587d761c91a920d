"""Jobs in other light, and with a camera that was turned, from end to end on the simulated arm."""

import re
from itertools import product

import jobs
import pytest

from hilrt.data.lookout import FOLDER
from hilrt.data.pictures import decoded

PIXELS = jobs.ROOT / "configs" / "sim_so100_pixels.toml"
CAMERAS = [
    "processor.image_preprocessing.resize_size=[64, 64]",
    *(f"robot.cameras.{name}={{type='sim', width=80, height=64}}" for name in ("front", "wrist")),
    *jobs.SMALL,
    "dataset.num_episodes_to_record=4",
]
KINDS = {
    "brightness": r"\d+ % darker",
    "colour": r"red \+\d+ %, green .*, blue -\d+ %",
    "framing": r"view shifted by \d+\.\d % of its width",
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with four demonstrations."""
    folder = tmp_path_factory.mktemp("work")
    done = jobs.run(folder, "record", PIXELS, overrides=CAMERAS)
    assert done.returncode == 0, done.stderr
    assert not list(folder.glob(f"runs/*/{FOLDER}"))
    return folder


def words_of(run):
    """A run's log."""
    return (run / "log.txt").read_text()


def test_unchanged_episodes_are_no_alarm(workplace):
    """Neither on the screen nor in the log, and no picture is left."""
    done = jobs.run(workplace, "record", PIXELS, overrides=[*CAMERAS, "dataset.num_episodes_to_record=2"])
    assert done.returncode == 0, done.stderr
    run = jobs.newest_run(workplace, "record")
    assert "the demonstrations" not in words_of(run) + done.stdout
    assert not (run / FOLDER).exists()


def test_a_change_is_told_in_the_first_episode(workplace):
    """Each once by each camera, though every episode has it, with both pictures; the screen says it at the end, too."""
    changes = [f"sim.pictures.{change}" for change in ("lamp=0.6", "warmth=0.1", "turn_deg=5")]
    short = ["policy.encoder=conv", "learner.online_steps=30", "processor.reset.control_time_s=1.0"]
    done = jobs.run(workplace, "train", PIXELS, overrides=[*CAMERAS, *short, *changes])
    assert done.returncode == 0, done.stdout + done.stderr
    run = jobs.newest_run(workplace, "train")
    for camera, (kind, words) in product(("front", "wrist"), KINDS.items()):
        line = rf"camera {camera} is not as in .* from episode (\d+) on: {words}\. .*: (\S+)\. Put"
        told = re.findall(line, words_of(run))
        picture = run / FOLDER / f"{camera}-{kind}-000000.png"
        assert told == [("0", str(picture.resolve()))]
        assert decoded(picture.read_bytes()).shape == (64, 164, 3)
    assert f"cameras: unlike the demonstrations ({FOLDER}/wrist-framing-000000.png): front " in done.stdout
