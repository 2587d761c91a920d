"""`hilrt crop` without a window: regions given or computed, previews, the table, the task file."""

import cv2
import jobs
import pytest
from pictured import HEIGHT, WIDTH, demos, journal, task_file

from hilrt.config import taskfile
from hilrt.data.lerobot.change import locked
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.errors import (
    ConfigError,
    CropError,
    DatasetAbsentError,
    DatasetExistsError,
    PictureFileError,
    RegionAbsentError,
    RegionError,
)
from hilrt.report.regionwindow import CHOSEN, SUGGESTED
from hilrt.setup.crop import crop

ROI = "front=18,30,40,60"


@pytest.fixture
def task(tmp_path, monkeypatch):
    """A task file with a dataset; there is no display."""
    monkeypatch.delenv("DISPLAY", raising=False)
    path = task_file(tmp_path)
    demos(path)
    return path


@pytest.fixture
def said(task, tmp_path):
    """Run it on that task file; what it says, line by line."""

    def run(**options):
        lines = []
        crop(lines.append, task, pictures=tmp_path / "crop", **options)
        return "\n".join(lines)

    return run


def regions(task):
    return taskfile.load(task).processor.image_preprocessing.crop_params_dict


def picture(path):
    return cv2.imread(str(path))[:, :, ::-1]


def test_given_region_is_shown_and_printed(said, task, tmp_path):
    """Before: three frames side by side with the region drawn; after: the policy's views. The file is not touched."""
    text = task.read_text()
    words = said(rois=[ROI])
    assert "[processor.image_preprocessing.crop_params_dict]\nfront = [18, 30, 40, 60]" in words
    before, after = (picture(tmp_path / f"crop/front_{when}.png") for when in ("before", "after"))
    assert before.shape == (HEIGHT, 3 * WIDTH, 3)
    assert all((before[17, WIDTH * i + 30 : WIDTH * i + 90] == CHOSEN).all() for i in range(3))
    assert after.shape == (128, 3 * 128, 3)
    assert not (tmp_path / "crop/wrist_before.png").exists()
    assert task.read_text() == text


def test_what_a_crash_left_in_the_journal_is_seen_too(tmp_path):
    """Recording was killed before it made a dataset."""
    path = task_file(tmp_path)
    root = journal(path)
    with pytest.raises(
        DatasetAbsentError, match=f"`hilrt dataset recover {root}` makes one of the 2 episodes"
    ):
        open_dataset(root)
    crop(print, path, pictures=tmp_path / "crop", rois=[ROI])
    assert len(open_dataset(root)) == 2


def test_a_recording_that_goes_on_is_left_alone(tmp_path):
    """Regions can be chosen on what the dataset has while more is recorded."""
    path = task_file(tmp_path)
    root = demos(path)
    journal(path)
    before = sorted((root / "journal").iterdir())
    with locked(root / "journal"):
        crop(print, path, pictures=tmp_path / "crop", rois=[ROI])
    assert len(open_dataset(root)) == 2
    assert sorted((root / "journal").iterdir()) == before


def test_written_region_keeps_the_rest_of_the_file(said, task):
    """The table is added, all else stays, comments too; written again, only the numbers change."""
    before = task.read_text()
    assert f"written into {task}" in said(rois=[ROI], write=True)
    assert regions(task) == {"front": (18, 30, 40, 60)}
    once = task.read_text()
    assert [line for line in once.splitlines() if line not in before.splitlines()] == [
        "[processor.image_preprocessing.crop_params_dict]",
        "front = [18, 30, 40, 60]",
    ]
    assert once.count("# as it came") == before.count("# as it came")
    said(rois=["wrist=1,2,30,40"], write=True)
    assert regions(task) == {"front": (18, 30, 40, 60), "wrist": (1, 2, 30, 40)}


def test_suggestion_holds_the_block(task, tmp_path):
    """Without a display it is taken as it is, and drawn; beside a given region it is drawn in its own colour."""
    (tmp_path / "moving").mkdir()
    moving = task_file(tmp_path / "moving")
    demos(moving, still=())
    lines = []
    crop(lines.append, moving, suggest=True, write=True, pictures=tmp_path / "crop")
    for top, left, height, width in regions(moving).values():
        assert (top, left) <= (20, 30)
        assert (top + height, left + width) >= (60, 90)
        assert height * width < HEIGHT * WIDTH / 2
    crop(lines.append, moving, rois=["front=0,0,96,100"], suggest=True, pictures=tmp_path / "both")
    seen = picture(tmp_path / "both/front_before.png")
    assert (seen == SUGGESTED).all(axis=2).any()
    assert (seen == CHOSEN).all(axis=2).any()


def test_a_camera_in_which_nothing_moves_has_no_suggestion(said):
    """It is named, with what to do: the still wrist camera wants a region by hand."""
    with pytest.raises(RegionAbsentError, match=r"no region for wrist.*DISPLAY is not set.*--roi wrist="):
        said(suggest=True)


def test_failures_suggest_nothing(tmp_path):
    """Where no episode succeeded there is nothing to learn from where things moved."""
    path = task_file(tmp_path)
    demos(path, success=False)
    with pytest.raises(CropError, match="no successful episode"):
        crop(print, path, suggest=True, pictures=tmp_path)


def test_copy_is_made_before_the_file_is_written(said, task, tmp_path):
    """`--dataset` leaves a cropped copy; where that cannot be made, the task file stays as it was."""
    assert "2 episodes, cropped and resized" in said(rois=[ROI], copy=tmp_path / "small")
    assert open_dataset(tmp_path / "small").features.images[0].height == 128
    text = task.read_text()
    with pytest.raises(DatasetExistsError):
        said(rois=[ROI], copy=tmp_path / "small", write=True)
    assert task.read_text() == text


@pytest.mark.parametrize(
    ("roi", "error", "message"),
    [
        ("front=1,2,3", RegionError, "expected CAMERA=TOP,LEFT,HEIGHT,WIDTH"),
        ("front=1,2,3,x", RegionError, "expected CAMERA=TOP,LEFT,HEIGHT,WIDTH"),
        ("front", RegionError, "expected CAMERA=TOP,LEFT,HEIGHT,WIDTH"),
        ("top=1,2,3,4", RegionError, "Cameras: front, wrist"),
        ("front=60,0,60,60", ConfigError, "reaches to row 120, column 60 of a frame of 96 x 128"),
        ("front=0,0,0,60", ConfigError, "height, width >= 1"),
    ],
)
def test_a_region_that_is_none_is_refused(said, task, tmp_path, roi, error, message):
    """Malformed, of no camera, or outside the frame: said in words, and nothing is written."""
    text = task.read_text()
    with pytest.raises(error, match=message):
        said(rois=[roi], write=True)
    assert task.read_text() == text
    assert not (tmp_path / "crop").exists()


def test_other_pictures_than_the_task_files(task, said, tmp_path):
    """A dataset of other cameras, of none, or none at all is named with what it has."""
    task.write_text(task.read_text().replace("width = 128", "width = 64"))
    with pytest.raises(CropError, match=r"recorded with front 96 x 128, wrist 96 x 128 .* has front 96 x 64"):
        said(rois=[ROI])
    with pytest.raises(DatasetAbsentError):
        crop(print, task, [f"dataset.root={tmp_path}/nowhere"])


def test_unwritable_folder_for_pictures(task, tmp_path):
    """A preview that cannot be saved is named, and the task file stays as it was."""
    (tmp_path / "file").write_text("")
    text = task.read_text()
    with pytest.raises(PictureFileError, match=r"front_before\.png cannot be written"):
        crop(print, task, rois=[ROI], write=True, pictures=tmp_path / "file")
    assert task.read_text() == text


def test_the_command(task, tmp_path):
    """`hilrt crop` from the command line, with the options as documented."""
    done = jobs.run(tmp_path, "crop", task, "--roi", ROI, "--roi", "wrist=0,0,96,96", "--write")
    assert done.returncode == 0, done.stderr
    assert regions(task) == {"front": (18, 30, 40, 60), "wrist": (0, 0, 96, 96)}
    assert sorted(p.name for p in (tmp_path / "crop").iterdir()) == [
        f"{camera}_{when}.png" for camera in ("front", "wrist") for when in ("after", "before")
    ]
