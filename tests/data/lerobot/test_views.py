"""A dataset on its way into learning."""

from collections import Counter

import msgspec
import numpy as np
import pytest

from hilrt.config import ImagePreprocessing
from hilrt.data import journal
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.views import episodes_seen
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import DatasetDamagedError
from hilrt.step.features import Image

SETTINGS = ImagePreprocessing(crop_params_dict={"front": (2, 4, 16, 16)}, resize_size=(8, 8))


@pytest.fixture
def preprocess(features):
    """Crops one camera, resizes both."""
    small = (Image("front", 8, 8, 0), Image("wrist", 8, 8, 192))
    return Preprocess(SETTINGS, msgspec.structs.replace(features, views=small))


@pytest.mark.parametrize("video", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_views_are_those_of_each_picture(video, threads, record_session, root, preprocess):
    """Whatever the number of threads, episodes and views come in order, and are what the pictures give one by one."""
    record_session(range(4), steps=19)
    fold(root, video=video)
    dataset = open_dataset(root)
    seen = list(episodes_seen(dataset, preprocess, threads))
    assert [s.episode.number for s in seen] == [0, 1, 2, 3]
    for number, one in enumerate(seen):
        episode = dataset.episode(number, frames=True)
        assert one.episode.records == episode.records
        assert len(one.views) == len(episode.records)
        for index, view in enumerate(one.views):
            for name, picture in episode.images(index).items():
                np.testing.assert_array_equal(view[name], preprocess.apply(name, picture))


def test_each_picture_is_decoded_once(monkeypatch, record_session, root, preprocess):
    """Nothing is decoded twice, however many threads there are."""
    record_session(range(3))
    fold(root)
    counts = Counter()
    plain = journal.decoded
    monkeypatch.setattr(journal, "decoded", lambda file: (counts.update([file]), plain(file))[1])
    pictures = sum(len(view) for one in episodes_seen(open_dataset(root), preprocess) for view in one.views)
    assert counts.total() == pictures == 3 * 6 * 2


def test_a_picture_that_is_none_is_an_error(monkeypatch, record_session, root, preprocess):
    """What a thread stumbles over reaches the caller."""
    record_session(range(1))
    fold(root)
    dataset = open_dataset(root)
    plain = dataset.frames
    monkeypatch.setattr(
        dataset, "frames", lambda number: (piece.replace(b"\x89PNG", b"none") for piece in plain(number))
    )
    with pytest.raises(
        DatasetDamagedError, match=r"file-000\.parquet is damaged: episode 0, step 0: damaged picture"
    ):
        list(episodes_seen(dataset, preprocess))
