"""`hilrt dataset` as a user types it."""

import json
import shutil

import jobs
import pytest

from hilrt.data.journal import episode_path

CAMERAS = [f"robot.cameras.{name}={{type='sim', width=48, height=32}}" for name in ("front", "wrist")]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with two demonstrations with pictures."""
    folder = tmp_path_factory.mktemp("work")
    jobs.record(folder, *CAMERAS)
    return folder


@pytest.fixture
def root(workplace, tmp_path):
    """A copy of its dataset."""
    return shutil.copytree(workplace / "datasets/sim_so100", tmp_path / "demos")


def dataset(folder, *words, status=0):
    """Run a command; what it printed, or its error."""
    done = jobs.run(folder, "dataset", *words)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stderr if status == 2 else done.stdout).split())


def test_info(root, tmp_path):
    """What a dataset has is told, and what its journal still holds."""
    told = dataset(tmp_path, "info", "demos")
    assert "demos: LeRobotDataset v3.0 of so100_follower" in told
    assert "2 episodes, " in told
    assert "tasks: pick_lift" in told
    assert "success: 2 of 2; steps by a human: 100%" in told
    assert "observation.images.front │ image │ 32x48x3" in told
    assert "journal" not in told
    (root / "journal").mkdir(exist_ok=True)
    episode_path(root / "journal", 7).write_bytes(b"")
    assert "journal: 1 episodes that cannot be read" in dataset(tmp_path, "info", "demos")


def test_info_answers_scripts(root, tmp_path):
    """The same as one JSON document."""
    told = json.loads(dataset(tmp_path, "info", "demos", "--json"))
    found = told["dataset"]
    assert (told["root"], found["version"], found["episodes"], found["tasks"]) == (
        "demos",
        "v3.0",
        2,
        ["pick_lift"],
    )
    assert found["outcomes"] == {"successes": 2, "episodes": 2, "corrected": 0, "human_share": 1.0}
    assert found["columns"]["observation.images.front"]["shape"] == [32, 48, 3]
    assert found["sessions"][0]["episodes"] == [0, 1]
    assert told["journal"] == {"whole": 0, "cut": 0, "damaged": 0}
    (root / "journal").mkdir(exist_ok=True)
    episode_path(root / "journal", 7).write_bytes(b"")
    assert json.loads(dataset(tmp_path, "info", "demos", "--json"))["journal"]["damaged"] == 1


def test_verify(root, tmp_path):
    """A sound dataset ends with status 0, one with a damaged file with 1 and the file's name."""
    assert dataset(tmp_path, "verify", "demos") == "demos: every rule of the format is kept"
    data = root / "data/chunk-000/file-000.parquet"
    data.write_bytes(data.read_bytes()[:-100])
    told = dataset(tmp_path, "verify", "demos", status=1)
    assert "data/chunk-000/file-000.parquet" in told
    assert "is damaged" in told


def test_merge_delete_export(root, tmp_path):
    """Datasets are joined, thinned out and exported as video, and stay sound."""
    assert dataset(tmp_path, "merge", "both", "demos", "demos") == "both has 4 episodes"
    assert (
        dataset(tmp_path, "delete-episodes", "both", "0", "2") == "both has 2 episodes, numbered anew from 0"
    )
    assert (
        dataset(tmp_path, "export", "both", "film", "--episodes", "0-1", "--video") == "film has 2 episodes"
    )
    for name in ("both", "film"):
        assert "every rule" in dataset(tmp_path, "verify", name)


def test_recover(root, tmp_path):
    """What a crash left in a journal is brought in."""
    told = dataset(tmp_path, "recover", "demos")
    assert told == "0 episodes brought into demos; 0 were discarded or had no whole step"


def test_training_from_video_and_exporting_the_run(tmp_path):
    """`dataset.video` records into videos; a run trained from them is exported, as others can read it."""
    overrides = [*jobs.SMALL, *CAMERAS, "learner.online_steps=60", "dataset.video=true"]
    root = jobs.record(tmp_path, *CAMERAS, "dataset.video=true")
    assert list(root.glob("videos/observation.images.front/chunk-000/*.mp4"))
    shown = jobs.run(tmp_path, "pretrain", jobs.SIM, "--steps", "5", overrides=overrides)
    assert shown.returncode == 0, shown.stderr
    done = jobs.run(tmp_path, "train", jobs.SIM, overrides=overrides)
    assert done.returncode == 0, done.stderr
    run = jobs.newest_run(tmp_path, "train")
    told = dataset(tmp_path, "export", run, "steps", "--episodes", "0,900", status=2)
    assert "there is no 900" in told
    told = dataset(tmp_path, "export", run, "steps")
    assert "steps has " in told
    assert "every rule" in dataset(tmp_path, "verify", "steps")
    assert "of so100_follower" in dataset(tmp_path, "info", "steps")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "nowhere"], "no dataset in nowhere"),
        (["verify", "nowhere"], "no dataset in nowhere"),
        (["merge", "demos", "demos"], "demos is there already and not empty"),
        (["merge", "out", "demos", "nowhere"], "no dataset in nowhere"),
        (["delete-episodes", "demos", "9"], "demos has episodes 0 to 1; there is no 9"),
        (["recover", "nowhere"], "nowhere is neither a dataset"),
        (["recover", "demos", "--journal", "nowhere"], "nowhere is neither a dataset"),
        (["export", "nowhere", "out"], "nowhere is neither a dataset"),
        (["export", "nowhere", "demos"], "demos is there already and not empty"),
        (["export", "demos", "out", "--episodes", "1-x"], "no list of episodes; write 0-4,7"),
        (["export", "demos", "out", "--episodes", ""], "no list of episodes; write 0-4,7"),
        (["export", "demos", "out", "--episodes", "3-1"], "3-1 is no range; write 1-3"),
        (["view", "demos", "--episodes", "3-1"], "3-1 is no range; write 1-3"),
        (["view", "demos", "--tensorboard", jobs.SIM], "sim_so100.toml cannot be written: it is a file"),
        (["view", "demos", "--png", jobs.SIM], "sim_so100.toml cannot be written: it is a file"),
        (["import", "demos", "out", "--config", jobs.SIM], "demos was written by hilrt and needs no import"),
        (["import", "nowhere", "out", "--config", jobs.SIM], "no dataset in nowhere"),
        (["import", "nowhere", "out", "--config", jobs.SIM, "--fill", "x"], "'x': write OURS=VALUE"),
    ],
)
def test_one_clear_message(root, tmp_path, words, message):
    """What cannot work ends with status 2 and one message, and nothing is made."""
    told = dataset(tmp_path, *words, status=2)
    assert message in " ".join(told.replace("│", " ").split())
    assert [p.name for p in tmp_path.iterdir()] == ["demos"]
