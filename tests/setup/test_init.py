"""The first task file: what is plugged in is found, what nobody can see is asked, and hilrt takes what is written."""

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tomlkit
from desk import Operator, play

from hilrt.config import taskfile
from hilrt.errors import ConfigError
from hilrt.setup.cameras import find_cameras
from hilrt.setup.init import USUAL, Outfit, asked, camera, come_next, create, filled, task_file

CONFIGS = Path(__file__).parents[2] / "configs"
ARM, LEADER = "usb-1a86_USB_Single_Serial_A-if00", "usb-1a86_USB_Single_Serial_B-if00"
LENS = "usb-046d_Webcam-video-index0"
RUN = [sys.executable, "-c", "from hilrt.cli import main; main()", "init"]


@pytest.fixture
def dev(tmp_path):
    """A folder in the shape of /dev: two adapters, and two cameras, one of which has a stable name."""
    dev = tmp_path / "dev"
    for folder in ("serial/by-id", "v4l/by-id"):
        (dev / folder).mkdir(parents=True)
    for number, name in enumerate((ARM, LEADER)):
        (dev / f"ttyACM{number}").touch()
        (dev / "serial/by-id" / name).symlink_to(f"../../ttyACM{number}")
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 25, (96, 64))
    for _ in range(10):
        writer.write(np.full((64, 96, 3), 90, np.uint8))
    writer.release()
    for number in (0, 2):
        shutil.copy(film, dev / f"video{number}")
    (dev / "v4l/by-id" / LENS).symlink_to("../../video2")
    return dev


def test_usual_answers_give_the_shipped_file():
    """What stands in configs/ is what comes of an SO-100 with one camera and the keyboard, to the letter."""
    outfit = filled(Outfit(arm="so100", cameras={"front": camera("0")}), USUAL)
    written = task_file(Path("so100.toml"), "pick_lift", outfit)
    assert tomlkit.dumps(written) == (CONFIGS / "so100.toml").read_text()


def test_what_is_plugged_in_is_found(dev, tmp_path):
    """She says which adapter is whose, and what the cameras are called; stable names are written."""
    operator = Operator(["so101", "leader", "2", "", "a/b", "wrist"])
    lenses = find_cameras(operator.say, tmp_path / "pictures", sorted(dev.glob("video*")))
    outfit = play(asked(operator, Outfit(), lenses, dev))
    assert outfit.port == str(dev / "serial/by-id" / LEADER)
    assert outfit.leader_port == str(dev / "serial/by-id" / ARM)  # the one that is left is not asked for
    path = tmp_path / "cup.toml"
    create(path, task_file(path, "cup", outfit))
    config = taskfile.load(path)
    assert (config.robot.type, config.robot.port) == ("so101_follower", outfit.port)
    assert (config.teleop.type, config.teleop.port) == ("so101_leader", outfit.leader_port)
    assert (config.env.task, config.dataset.root) == ("cup", "datasets/cup")
    ((name, lens),) = config.robot.cameras.items()
    assert (name, lens.index_or_path) == ("wrist", str(dev / "v4l/by-id" / LENS))
    assert (lens.width, lens.height, lens.fps) == (96, 64, 25)
    assert (tmp_path / "pictures/video2.png").exists()
    assert "led by a leader arm" in path.read_text()


def test_nothing_plugged_in_is_no_end(tmp_path):
    """The file names the usual port, and she hears how to find hers; without a camera no encoder is asked for."""
    operator = Operator(["", "gamepad"])
    outfit = play(asked(operator, Outfit(), [], tmp_path))
    assert outfit.port == "/dev/ttyACM0"
    assert any("hilrt find-port" in line for line in operator.said)
    tree = task_file(tmp_path / "t.toml", "t", outfit).unwrap()
    assert taskfile.from_tree(tree, "t.toml").robot.cameras == {}
    assert "policy" not in tree


def test_what_is_known_is_not_asked(dev, tmp_path):
    """With all of it said there is no question."""
    known = Outfit(arm="so100", port="/dev/a", device="leader", leader_port="/dev/b", cameras={})
    assert play(asked(Operator(), known, [], dev)) == known


def test_one_adapter_is_not_both_arms(dev):
    """Whatever name it was given by."""
    operator = Operator([])
    known = Outfit(arm="so101", port=str(dev / "ttyACM0"), device="leader", cameras={})
    assert play(asked(operator, known, [], dev)).leader_port == str(dev / "serial/by-id" / LEADER)


def test_two_cameras_have_two_names(dev, tmp_path):
    """A name that is taken is asked for again."""
    operator = Operator(["front", "front", "wrist"])
    lenses = find_cameras(operator.say, tmp_path / "pictures", sorted(dev.glob("video*")))
    known = Outfit(arm="so101", port="/dev/a", device="keyboard")
    assert list(play(asked(operator, known, lenses, dev)).cameras) == ["front", "wrist"]
    assert "That is another camera's." in operator.said


def test_a_leader_is_set_up_too():
    """What comes next has its motors and its calibration."""
    outfit = filled(Outfit(device="leader"), USUAL)
    assert "hilrt calibrate cup.toml --leader" in come_next(Path("cup.toml"), outfit)
    assert "--leader" not in come_next(Path("cup.toml"), USUAL)


def run(folder, *words):
    """The command, without a terminal."""
    return subprocess.run(
        [*RUN, *words], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def test_the_command(tmp_path):
    """It writes one file, never over another; what hilrt would not take is not written."""
    made = run(tmp_path, "cup.toml", "--yes", "--camera", "front=/dev/video4")
    assert made.returncode == 0, made.stderr
    assert "hilrt calibrate cup.toml" in made.stdout
    assert taskfile.load(tmp_path / "cup.toml").robot.cameras["front"].index_or_path == "/dev/video4"
    before = (tmp_path / "cup.toml").read_bytes()
    for words, message in (
        (("cup.toml", "--yes"), "is there already"),
        (("no/cup.toml", "--yes"), "cannot be written"),
        (("b.toml", "--yes", "--camera", "front"), "NAME=SOURCE"),
        (("b.toml", "--yes", "--camera", "a/b=0"), "letters, digits"),
        (("b.toml",), "needs a terminal"),
        (("cup.toml",), "is there already"),  # before any question
        (("b.toml", "--yes", "--camera", "a=0", "--camera", "a=1"), "same name"),
        (("b.toml", "--yes", "--device", "gamepad", "--leader-port", "/dev/x"), "is of a leader"),
        (("b.toml", "--yes", "--pictures", "p"), "no camera is looked for"),
    ):
        refused = run(tmp_path, *words)
        assert refused.returncode == 2, words
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr
    assert (tmp_path / "cup.toml").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"cup.toml"}


def test_a_file_is_not_written_over(tmp_path):
    """Whatever came there meanwhile."""
    path = tmp_path / "task.toml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        create(path, task_file(path, "t", USUAL))
    assert path.read_text() == "mine"
