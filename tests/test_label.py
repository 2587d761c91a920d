"""`hilrt label` as a user types it, and what becomes of demonstrations that go on behind their success."""

import jobs
import pytest
from pictured import demos, task_file

from hilrt.data.labels import read_corrections
from hilrt.data.lerobot.dataset import open_dataset

BEYOND = "processor.reset.terminate_on_success=false"


@pytest.fixture
def label(tmp_path):
    """Run it on a dataset; what it printed, or its error, on one line without the lines of tables."""

    def run(*words, status=0, root="demos"):
        done = jobs.run(tmp_path, "label", root, *words)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        told = done.stderr if status else done.stdout
        return " ".join(told.replace("│", " ").split())

    return run


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Two successes of twelve steps each; there is no display."""
    monkeypatch.delenv("DISPLAY", raising=False)
    return demos(task_file(tmp_path))


def test_corrections_in_words(root, label):
    """Each is written at once, listed with who made it, and taken back in the order in which they were made."""
    assert "0 12 success from 12 1 12 success from 12" in label("--list")
    assert label("--episode", "0", "--success-from", "5").startswith(
        "episode 0: success from 5 (recorded: success from 12;"
    )
    label("--episode", "1", "--span", "11:13=failure")
    told = label("--episode", "0", "--span", "0:3=grasped")
    assert told.endswith("corrections: success from 5; 0:3 = grasped)")
    assert label("--episode", "1", "--failure").startswith("episode 1: failure")
    assert [e.succeeded for e in open_dataset(root)] == [True, False]
    listed = label("--list")
    assert "label" in listed
    assert "failure" in listed
    assert label("--undo").startswith("taken back: failure episode 1: time limit (recorded: success from 12;")
    assert label("--episode", "0", "--undo").startswith("taken back: 0:3 = grasped episode 0: success from 5")
    assert label("--episode", "1", "--success").startswith("episode 1: success from 12")
    assert len(read_corrections(root)) == 7


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--episode", "2", "--failure"], "has episodes 0 to 1; there is no 2"),
        (["--episode", "0", "--success-from", "13"], "success from 13, and it has observations 0 to 12"),
        (["--episode", "0", "--span", "7:7=x"], "7:7 = x, and it has observations 0 to 12"),
        (["--episode", "0", "--span", "7=x"], "no span of observations; write 60:80=failure"),
        (["--failure"], "--failure: of which episode? Add --episode NUMBER"),
        (["--undo", "--list"], "--undo and --list: one at a time"),
        (["--undo"], "no correction that could be undone"),
        ([], "no display for a window (DISPLAY is not set"),
    ],
)
def test_one_clear_message(root, label, words, message):
    """What cannot work ends with status 2 and one message, and nothing is written."""
    assert message in label(*words, status=2)
    assert not read_corrections(root)


def test_a_dataset_without_pictures_has_no_window(tmp_path, label):
    """It can be corrected in words alone."""
    jobs.record(tmp_path)
    told = label(status=2, root="datasets/sim_so100")
    assert "recorded without cameras" in told
    assert "--success-from OBSERVATION" in told


def test_demonstrations_that_go_on_behind_success(tmp_path, label):
    """A cube that was dropped is told; a training learns from each to its first success, and from labels as they are.

    Corrected between two starts, the next one says so, and reads them anew.
    """
    root = jobs.record(tmp_path, BEYOND)
    first = next(i for i, r in enumerate(open_dataset(root).episode(0).records, 1) if r.reward)
    told = label("--episode", "0", "--span", f"{first + 5}:101=failure", root=root)
    assert told.startswith(
        f"episode 0: time limit, after success from {first} (recorded: success from {first};"
    )
    overrides = [*jobs.SMALL, "learner.online_steps=40"]
    assert jobs.run(tmp_path, "train", jobs.SIM, overrides=overrides).returncode == 0
    run = jobs.newest_run(tmp_path, "train")
    assert "labels were corrected" not in (run / "log.txt").read_text()
    for number in "01":
        label("--episode", number, "--failure", root=root)
    done = jobs.run(tmp_path, "train", "--resume", run)
    words = " ".join((done.stdout + done.stderr).split())
    assert "demonstrations 0-1: labels were corrected after" in words
    assert "no demonstrations that ended in success, of 2 in" in words
