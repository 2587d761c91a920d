"""Whether the cameras see what they saw in the demonstrations, said once and until it goes away."""

import logging

import numpy as np
import pictured
import pytest

from hilrt.config import taskfile
from hilrt.data.lerobot.fold import fold
from hilrt.data.lookout import FOLDER, Lookout
from hilrt.data.pictures import decoded
from hilrt.step.features import from_config
from hilrt.step.record import Mode

BOTH = ("front", "wrist")


class Rig:
    """A lookout over demonstrations, and the episodes that it is shown."""

    def __init__(self, folder, episodes=4, *, video=False):
        self.task = pictured.task_file(folder)
        if episodes:
            fold(pictured.journal(self.task, episodes, still=BOTH), video=video)
        self.config = taskfile.load(self.task)
        self.features = from_config(self.config)
        self.lookout = Lookout(self.config, folder)
        self.rng, self.episode = np.random.default_rng(1), 0

    def begins(self, step=0, **changes):
        """The next episode, or a later step of it, with a camera's picture changed; what is said then."""
        raw = np.zeros(self.features.frame_bytes, np.uint8)
        for image in self.features.images:
            seen = changes.get(image.name, lambda picture: picture)(pictured.picture(0.0, self.rng))
            raw[image.offset : image.offset + image.nbytes] = seen.ravel()
        record = pictured.step_of(self.features, self.episode, step, final=False, mode=Mode.TRAIN)
        self.lookout.see(record, memoryview(raw))
        while self.lookout.work():
            pass
        self.episode += 1
        return self.lookout.message


def dimmed(picture):
    """At three fifths of the light."""
    return (picture * 0.6).astype(np.uint8)


def warm(picture):
    """By another lamp."""
    return np.clip(picture * (1.15, 1.0, 0.85), 0, 255).astype(np.uint8)


@pytest.fixture
def rig(tmp_path):
    """Four demonstrations in which both cameras see the same at first."""
    return Rig(tmp_path)


def test_nothing_is_said_of_what_is_as_it_was(rig, tmp_path):
    """Noise is no change, and leaves nothing in the folder."""
    assert {rig.begins() for _ in range(5)} == {""}
    assert not (tmp_path / FOLDER).exists()


def test_a_change_is_said_once_until_it_goes_away(rig, caplog):
    """The screen says it for as long as it lasts, the log at its beginning and its end, and again if it comes back."""
    caplog.set_level(logging.INFO)
    assert "front 4" in rig.begins(front=dimmed)
    assert "(surroundings/front-brightness-000000.png): front 4" in rig.begins(front=dimmed)
    assert rig.begins() == ""
    assert "front-brightness-000003" in rig.begins(front=dimmed)
    levels = [r.levelname for r in caplog.records]
    assert levels == ["WARNING", "INFO", "WARNING"]
    assert "as bright again, from episode 2 on" in caplog.text


def test_both_pictures_are_shown(rig, tmp_path, caplog):
    """Side by side, whole, the demonstration at the left; the warning says where."""
    rig.begins(front=dimmed)
    (path,) = (tmp_path / FOLDER).iterdir()
    assert str(path) in caplog.text
    both = decoded(path.read_bytes())
    assert both.shape == (pictured.HEIGHT, 2 * pictured.WIDTH + 4, 3)
    assert both[-1, :10].mean() / both[-1, -10:].mean() == pytest.approx(1 / 0.6, rel=0.05)


def test_kinds_and_cameras_are_told_apart(rig, tmp_path):
    """Each has a picture of its own, and a place in the message."""
    message = rig.begins(front=warm, wrist=dimmed)
    assert "front red +1" in message
    assert "; wrist 4" in message
    names = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert names == ["front-colour-000000.png", "wrist-brightness-000000.png"]


def test_only_the_start_of_an_episode_counts(rig):
    """Later the arm is elsewhere, and so may be everything."""
    assert rig.begins(step=1, front=dimmed) == ""


def test_two_demonstrations_say_nothing(tmp_path):
    """Of two nobody knows what usually differs."""
    assert Rig(tmp_path, episodes=2).begins(front=dimmed) == ""


def test_demonstrations_on_video_are_as_good(tmp_path):
    """Their first pictures come out of the films."""
    rig = Rig(tmp_path, video=True)
    assert rig.begins() == ""
    assert "front 4" in rig.begins(front=dimmed)


def test_without_demonstrations_nothing_is_said(tmp_path, caplog):
    """As when the first are being recorded."""
    assert Rig(tmp_path, episodes=0).begins(front=dimmed) == ""
    assert not caplog.records


def test_a_full_disk_costs_the_picture_alone(rig, tmp_path, caplog):
    """The warning comes all the same, and says that there is none."""
    (tmp_path / FOLDER).write_text("in the way")
    assert rig.begins(front=dimmed).startswith("unlike the demonstrations: front 4")
    assert "could not be written" in caplog.text


def test_a_dataset_that_cannot_be_read_is_told(rig, tmp_path, caplog):
    """A run goes on without the comparison."""
    (tmp_path / "demos" / "meta" / "info.json").write_text("{}")
    assert rig.begins(front=dimmed) == ""
    assert "light and view are not compared" in caplog.text
