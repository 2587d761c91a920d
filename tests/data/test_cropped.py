"""A cropped and resized copy of a dataset."""

from pathlib import Path

import numpy as np
import pytest
from pictured import demos, task_file

from hilrt.config import taskfile
from hilrt.data.cropped import write_cropped
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.rewrite import export
from hilrt.data.lerobot.rules import verify
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import CropError, DatasetExistsError, JournalFeaturesError
from hilrt.setup.crop import crop
from hilrt.step.features import from_config

CROP = (
    "[processor.image_preprocessing]\nresize_size = [64, 48]\ncrop_params_dict = {front = [10, 20, 64, 80]}\n"
)


@pytest.fixture
def task(tmp_path):
    return task_file(tmp_path, CROP)


def test_copy_has_what_the_policy_sees_and_all_else_as_it_was(task, tmp_path):
    """Pictures are those of `crop_resize` to the bit, records are the same, and the format's rules are kept."""
    dataset, config, done = open_dataset(demos(task)), taskfile.load(task), []
    write_cropped(dataset, config, tmp_path / "small", done.append)
    small = open_dataset(tmp_path / "small")
    preprocess = Preprocess(config.processor.image_preprocessing, from_config(config))
    assert [(i.name, i.height, i.width) for i in small.features.images] == [
        ("front", 64, 48),
        ("wrist", 64, 48),
    ]
    assert len(small) == len(dataset) == len(done)
    for number in range(len(dataset)):
        before, after = (d.episode(number, frames=True) for d in (dataset, small))
        assert after.records == before.records
        for i in range(len(before.records)):
            for camera, seen in after.images(i).items():
                assert (seen == preprocess.apply(camera, before.images(i)[camera])).all()
    assert not list(verify(tmp_path / "small", lambda _: None))


def test_a_copy_is_not_cropped_again(task, tmp_path):
    """Even if frames are as large as what the policy sees of them, neither a job nor `hilrt crop` takes the copy."""
    same = "processor.image_preprocessing.resize_size=[96, 128]"
    config = taskfile.load(task, [same, f"dataset.root={tmp_path}/small"])
    write_cropped(open_dataset(demos(task)), config, tmp_path / "small", lambda _: None)
    with pytest.raises(
        JournalFeaturesError, match=r"lacks front 128x96, .* and has front 128x96 \(cropped\)"
    ):
        open_dataset(tmp_path / "small", from_config(config))
    with pytest.raises(CropError, match="is a cropped copy"):
        crop(print, task, [same, f"dataset.root={tmp_path}/small"], rois=["front=0,0,60,60"])


def test_video_stays_video(task, tmp_path):
    """A dataset that keeps its pictures as video gives a copy that does so too."""
    export(demos(task), tmp_path / "filmed", None, lambda _: None, video=True)
    config = taskfile.load(task)
    write_cropped(open_dataset(tmp_path / "filmed"), config, tmp_path / "small", lambda _: None)
    small = open_dataset(tmp_path / "small")
    assert len(small.info.videos) == 2
    picture = small.episode(1, frames=True).images(4)["front"]
    assert picture.shape == (64, 48, 3)
    assert np.ptp(picture) > 100
    assert not list(verify(tmp_path / "small", lambda _: None))


def test_nothing_is_overwritten(task, tmp_path):
    """A folder that holds a dataset is refused, and stays as it is."""
    root = demos(task)
    before = sorted((p, p.read_bytes()) for p in Path(root).rglob("*.*") if p.is_file())
    with pytest.raises(DatasetExistsError):
        write_cropped(open_dataset(root), taskfile.load(task), root, lambda _: None)
    assert before == sorted((p, p.read_bytes()) for p in Path(root).rglob("*.*") if p.is_file())
