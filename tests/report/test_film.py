"""Pictures of episodes: what is where in them. Lines are told by their colours."""

import numpy as np
import pytest
from pictured import demos, task_file

from hilrt.data.lerobot.dataset import open_dataset
from hilrt.report.film import film
from hilrt.step.record import Mode, Source

BLOCK = (250, 20, 10)
GREEN = (44, 160, 44)


@pytest.fixture
def episode(tmp_path):
    """Twelve steps; the human has 4 to 7; the block moves in front of one camera of two."""
    root = demos(task_file(tmp_path), 1, mode=Mode.TRAIN, human=range(4, 8))
    return open_dataset(root).episode(0, frames=True)


def shaded(picture):
    """Columns in which the human's shade is seen, in the lower part: warm, and lighter than any picture."""
    low = picture[-picture.shape[0] // 2 :].astype(int)
    warm = (low.min(axis=2) > 200) & (low[:, :, 0] - low[:, :, 2] > 20)
    return np.flatnonzero(warm.sum(axis=0) > 60)


def test_strips_show_the_recorded_pictures_in_order(episode):
    """The block is seen in each picture of the strip, further down each time, and stands still in the other strip."""
    picture = film(episode)
    near = (np.abs(picture.astype(int) - BLOCK).max(axis=2) < 60).astype(int)
    rows = np.flatnonzero(near.sum(axis=1))
    middle = (rows.min() + rows.max()) / 2
    first = np.argwhere(near[: round(middle)])
    left, right = first[:, 1].min(), first[:, 1].max()
    early = first[first[:, 1] < left + (right - left) / 4, 0].mean()
    late = first[first[:, 1] > right - (right - left) / 4, 0].mean()
    assert late > early + 5
    second = np.argwhere(near[round(middle) :])[:, 0]
    assert second.std() < second.max() - second.min() < 15


def test_interventions_are_shaded(episode):
    """The shade covers a third of the time axis, in the middle; without a human there is none."""
    columns = shaded(film(episode))
    assert 0.30 < (columns.max() - columns.min()) / 1120 < 0.37
    for record in episode.records:
        record.source = Source.POLICY
    columns = shaded(film(episode))
    assert columns.size == 0 or columns.min() > 1180  # the legend alone


def test_curves_follow_the_actions_and_the_reward(episode):
    """Another action or reward is another picture; the same episode is the same picture."""
    plain = film(episode)
    assert (film(episode) == plain).all()
    for change in ({"action": np.full(3, 0.7, np.float32).tobytes()}, {"reward": 0.5}, {"gripper": 0}):
        before = {name: getattr(episode.records[2], name) for name in change}
        for name, value in change.items():
            setattr(episode.records[2], name, value)
        assert (film(episode) != plain).any()
        for name, value in before.items():
            setattr(episode.records[2], name, value)
    assert (film(episode) == plain).all()


def test_without_cameras_the_curves_alone(tmp_path):
    """It is drawn all the same, only lower."""
    path = task_file(tmp_path)
    text = path.read_text()
    path.write_text(text[: text.index("[robot.cameras.front]")])
    bare = open_dataset(demos(path, 1)).episode(0, frames=True)
    assert 350 < film(bare).shape[0] < 420
    assert film(bare).shape[1] == 1300
