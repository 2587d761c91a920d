"""Evaluations by place, from end to end on the simulated arm."""

import shutil
from pathlib import Path

import jobs
import numpy as np
import pytest
from msgspec import to_builtins
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from hilrt.cli.app import app
from hilrt.config import taskfile
from hilrt.data.episodes import read_summaries
from hilrt.data.journal import episode_path, read_episode
from hilrt.data.pictures import decoded
from hilrt.data.places import grid_of
from hilrt.jobs.evaluate import trial_of
from hilrt.policy.saved import checkpoints_of, load_actor
from hilrt.report.sidebyside import side_by_side
from hilrt.step.record import vector

LEARNS = ["learner.online_step_before_learning=0", "learner.online_steps=20"]
SHORT = ["processor.reset.control_time_s=1.0", "learner.checkpoint_every_s=1e6"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder, and the run of the smallest training in it."""
    folder = tmp_path_factory.mktemp("work")
    jobs.record(folder)
    done = jobs.run(folder, "train", jobs.SIM, overrides=[*jobs.SMALL, *SHORT, *LEARNS])
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, jobs.newest_run(folder, "train")


def judged(trained, *words, overrides=()):
    """An evaluation: its folder, what was printed, its summary and its episodes."""
    folder, run = trained
    before = set(run.glob("evals/*"))
    done = jobs.run(folder, "eval", run, *words, overrides=overrides)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = set(run.glob("evals/*")) - before
    return made, " ".join(done.stdout.split()), jobs.summary(made), read_summaries(made / "episodes.jsonl")


def test_success_by_place(trained):
    """Each cell has its episodes, drawn within it; a table, a map, and a film strip of each failure."""
    made, printed, summary, episodes = judged(trained, "--grid", "2x2", "--each", "2")
    grid = grid_of(taskfile.load(made / "config.toml"), 2, 2)
    assert [grid.find(e.spot) for e in episodes] == [0, 1, 2, 3] * 2
    assert len({e.spot for e in episodes}) == 8
    assert [cell["success"]["episodes"] for cell in summary["cells"]] == [2] * 4
    assert [cell["name"] for cell in summary["cells"]] == [
        "left, far",
        "right, far",
        "left, near",
        "right, near",
    ]
    assert np.allclose(summary["cells"][0]["centre_m"], (0.245, 0.025))
    assert sum(cell["success"]["successes"] for cell in summary["cells"]) == sum(e.success for e in episodes)
    assert "│ left, near │ 19.5 cm ahead, 2.5 cm left │" in printed
    pictures = sorted(path.relative_to(made).as_posix() for path in made.rglob("*.png"))
    failures = [f"failures/episode_{e.episode:06d}.png" for e in episodes if not e.success]
    assert pictures == [*failures, "map.png"]
    assert decoded((made / "map.png").read_bytes()).std() > 10


def test_two_policies_on_the_same_places(trained):
    """Each place is the same for both, to the micrometre; words, numbers and a map of each say how they did."""
    words = "--compare", "0", "--grid", "1x2", "--each", "2"
    made, printed, summary, episodes = judged(trained, *words)
    assert [e.policy_version for e in episodes] == [0, 1, 1, 0, 0, 1, 1, 0]
    spots = [[e.spot for e in episodes if e.policy_version == policy] for policy in (0, 1)]
    assert np.allclose(*spots, atol=1e-6)
    assert len(set(spots[0])) == 4
    c, (newest,) = summary["comparison"], summary["evaluations"]
    own, _ = side_by_side([trained[1], trained[1]], set()).results
    assert to_builtins(own.judged) == newest["success"]  # of the first policy alone
    assert (c["places"], c["second"], newest["success"]["episodes"]) == (4, "checkpoint 0", 4)
    assert c["both_won"] + c["only_first"] + c["only_second"] + c["neither"] == 4
    assert [[cell["success"]["episodes"] for cell in cells] for cells in (summary["cells"], c["cells"])] == [
        [2, 2]
    ] * 2
    assert f"on the same 4 places {c['first']} won" in printed
    assert "McNemar" in printed or "nothing tells them apart" in printed
    first, other = decoded((made / "map.png").read_bytes()).shape[:2]
    assert other > 2 * first
    actors = [load_actor(path) for path in reversed(checkpoints_of(trained[1]))]
    for e in episodes:
        first = read_episode(episode_path(made / "journal", e.episode)).records[0]
        acted = [actor.act(vector(first.state).copy(), deterministic=True)[0] for actor in actors]
        assert [np.allclose(a, vector(first.policy_action), atol=1e-6) for a in acted].index(
            True
        ) == e.policy_version


def test_whatever_is_compared_has_a_name(trained, tmp_path, monkeypatch):
    """Named from the folder of checkpoints, copied under a name of its own, set aside, or of another run."""
    run = trained[1]
    first, *_, newest = checkpoints_of(run)
    monkeypatch.chdir(newest.parent)
    assert trial_of(None, newest, Path(f"./{first.name}")).names == ("checkpoint 20", "checkpoint 0")
    places = {
        "best": "best",
        f"pick-train-1/checkpoints/{first.name}": "pick-train-1/0",
        f"pick-train-1/checkpoints/set-aside-2/{first.name}": "set-aside-2/0",
    }
    for place, name in places.items():
        copied = shutil.copytree(first, tmp_path / place)
        assert trial_of(None, newest, copied).names == (f"{run.name}/20", name)


def test_an_arm_that_puts_objects_back_compares_nothing(trained):
    """It does not put one down twice at the same place."""
    folder, run = trained
    done = jobs.run(folder, "eval", run, "--compare", "0", overrides=["processor.reset.scene=self"])
    assert done.returncode == 2
    assert "Compare with --set processor.reset.scene=operator" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "3"], "'3' is no grid; write ROWSxCOLUMNS"),
        (["--grid", "3x3", "--episodes", "4"], "how many episodes there are follows from --each"),
        (["--each", "4"], "--each is for the cells of --grid"),
    ],
)
def test_what_cannot_be_asked(words, message):
    """Ends with status 2 and says why."""
    done = CliRunner().invoke(app, ["eval", "nowhere", *words])
    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())


def test_a_training_that_is_steered(trained):
    """Unseen cells come first, also after a stop; the map is in TensorBoard and in the run's folder."""
    folder, _ = trained
    few = ["processor.reset.next_place=weak", "processor.reset.control_time_s=0.5", "teleop.intervene=false"]
    overrides = [*jobs.SMALL, *SHORT, *few, "learner.online_steps=30"]
    done = jobs.run(folder, "train", jobs.SIM, overrides=overrides)
    assert done.returncode == 0, done.stdout + done.stderr
    run = jobs.newest_run(folder, "train")
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace("online_steps = 30", "online_steps = 45"))
    done = jobs.run(folder, "train", "--resume", run)
    assert done.returncode == 0, done.stdout + done.stderr
    cells = [
        grid_of(taskfile.load(run / "config.toml")).find(e.spot)
        for e in read_summaries(run / "episodes.jsonl")
    ]
    assert len(cells) >= 9
    assert sorted(cells[:9]) == [*range(9)]
    board = EventAccumulator(str(run / "tensorboard"))
    board.Reload()
    shown = board.Images("Places/map")
    assert shown[-1].step == 45
    assert shown[-1].encoded_image_string.startswith(b"\x89PNG")
    assert decoded((run / "places.png").read_bytes()).shape == decoded(shown[-1].encoded_image_string).shape


def test_an_area_is_where_objects_are(trained):
    """Of every episode; a policy that was trained elsewhere is told of it."""
    area = "processor.reset.area={min = [0.2, 0.0], max = [0.22, 0.01]}"
    made, _, _, episodes = judged(trained, "--episodes", "3", overrides=[area])
    assert (
        "processor.reset.area: none before, x 200 .. 220 mm, y 0 .. 10 mm now"
        in (made / "log.txt").read_text()
    )
    spots = np.array([e.spot for e in episodes])
    assert len(spots) == 3
    assert (spots >= (0.2, 0.0)).all()
    assert (spots <= (0.22, 0.01)).all()
