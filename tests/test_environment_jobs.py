"""Jobs in Gymnasium environments: the guide's page as its reader runs it, and one with pictures and a gripper."""

import subprocess
import sys
from pathlib import Path

import jobs
import numpy as np
import pytest
from fromguide import save

from hilrt.data.journal import read_episodes
from hilrt.run.folder import RunFolder
from hilrt.step.record import Mode, Source, vector

TABLE = """
[env]
type = "gymnasium"
task = "grip"
id = "table:Table-v0"
operator = "table:toward"

[dataset]
root = "datasets/table"
num_episodes_to_record = 2

[policy]
encoder = "conv"
embeddings = 1
latent = 8

[processor.image_preprocessing]
resize_size = [16, 16]

[learner]
online_steps = 60
online_step_before_learning = 20
warm_start_steps = 10
critic_warmup_steps = 2
batch_size = 16
utd_ratio = 1.0

[eval]
every_steps = 0
final_episodes = 2
"""
HELP = """
from table import toward


def sometimes(observation, info):
    return toward(observation, info) if observation["inner"]["time"] % 2 else None
"""
SMALL = [
    "learner.warm_start_steps=100",
    "learner.critic_warmup_steps=20",
    "learner.batch_size=64",
    "learner.utd_ratio=1.0",
    "learner.online_steps=300",
    "eval.every_steps=0",
]


def hilrt(folder, *words, overrides=()):
    """A hilrt command in a folder, to its end."""
    flags = [part for text in overrides for part in ("--set", text)]
    command = [sys.executable, "-c", "from hilrt.cli import main; main()", *map(str, words), *flags]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=jobs.PATIENCE_S, check=False
    )
    return done.returncode, done.stdout + done.stderr


def succeed(folder, *words, overrides=()):
    """The same, of one that is to end well; what it printed."""
    status, text = hilrt(folder, *words, overrides=overrides)
    assert status == 0, text
    return text


def lay(folder):
    """An environment of one's own in the working directory, with its task file."""
    source = Path(__file__).parent / "environment" / "table.py"
    (folder / "table.py").write_text(source.read_text())
    (folder / "task.toml").write_text(TABLE)


@pytest.fixture(scope="module")
def maze(tmp_path_factory):
    """The page's environment, with its demonstrations."""
    folder = tmp_path_factory.mktemp("maze")
    save("gymnasium.md", folder)
    assert "10 successful, 0 failed" in succeed(folder, "record", "maze.toml")
    return folder


def test_the_page_trains(maze):
    """With nothing but the page's two files: demonstrations, a training of nobody but the policy, an evaluation."""
    succeed(maze, "train", "maze.toml", overrides=SMALL)
    run = jobs.newest_run(maze, "train")
    summary = jobs.summary(run)
    assert summary["online_steps"] >= 300
    assert summary["updates"] > 100
    assert summary["human_steps"] == 0
    assert jobs.empty_charts(run) == []
    assert not [tag for tag in jobs.figures(run).Tags()["scalars"] if tag.startswith(("6_Motion", "8_Steps"))]
    assert "/3 = " in succeed(maze, "eval", f"runs/{run.name}", "--episodes", "3")


def test_equal_seeds_give_equal_runs(maze):
    """Every record of two trainings is the same."""
    short = [
        "learner.online_steps=120",
        "learner.utd_ratio=1.0",
        "learner.warm_start_steps=20",
        "eval.every_steps=0",
    ]
    runs = []
    for _ in range(2):
        succeed(maze, "train", "maze.toml", overrides=short)
        runs.append(jobs.records(jobs.newest_run(maze, "train")))
    assert runs[0] == runs[1]


def test_pictures_and_a_gripper(tmp_path):
    """An environment of one's own, in the working directory: recorded, trained, stopped short, resumed, judged."""
    lay(tmp_path)
    succeed(tmp_path, "record", "task.toml")
    demos = jobs.demonstrations(tmp_path / "datasets" / "table")
    assert all(e.records[-1].success and e.records[-2].terminated for e in demos)
    assert all(r.source is Source.HUMAN for e in demos for r in e.records if not r.final)
    assert {r.gripper for e in demos for r in e.records[:-1]} == {0, 2}
    succeed(tmp_path, "train", "task.toml", overrides=["teleop.intervene=false"])
    run = jobs.newest_run(tmp_path, "train")
    steps = [r for e in read_episodes(run / "journal") for r in e.records if e.mode is Mode.TRAIN]
    assert {r.source for r in steps if not r.final} == {Source.POLICY}
    config = run / "config.toml"
    config.write_text(config.read_text().replace("online_steps = 60", "online_steps = 90"))
    succeed(tmp_path, "train", "--resume", f"runs/{run.name}")
    assert jobs.summary(run)["online_steps"] >= 90
    succeed(tmp_path, "eval", f"runs/{run.name}", "--episodes", "1")


def test_an_operator_corrects_in_training(tmp_path):
    """Where its function has an action, that is the step's and a person's; where it has None, the policy acts."""
    lay(tmp_path)
    (tmp_path / "help.py").write_text(HELP)
    succeed(tmp_path, "record", "task.toml")
    succeed(
        tmp_path, "train", "task.toml", overrides=["env.operator='help:sometimes'", "eval.every_steps=60"]
    )
    run = jobs.newest_run(tmp_path, "train")
    names = RunFolder.open(run).config().env.spaces.state
    steps = [(e.mode, r) for e in read_episodes(run / "journal") for r in e.records if not r.final]
    for mode, record in steps:
        seen = dict(zip(names, vector(record.state), strict=True))
        corrected = mode is Mode.TRAIN and seen["inner.time"] % 2
        assert record.source is (Source.HUMAN if corrected else Source.POLICY)
        if corrected:  # toward a target at 0, an action of 0.5 being 1
            way = np.array([-seen["point.0"], -seen["point.1"]])
            assert vector(record.action) == pytest.approx(np.clip(way, -0.4, 0.4) / 0.5, abs=1e-5)
    assert {(m, r.source) for m, r in steps} == {
        (Mode.TRAIN, Source.HUMAN),
        (Mode.TRAIN, Source.POLICY),
        (Mode.EVAL, Source.POLICY),
    }
    human = sum(r.source is Source.HUMAN for _, r in steps)
    assert jobs.summary(run)["human_steps"] == human


def test_pictures_alone(tmp_path):
    """An environment without any other number is recorded, trained and judged; a policy that sees none is refused."""
    lay(tmp_path)
    eyes = ["env.id='table:Eyes-v0'", "env.operator='table:look'", "teleop.intervene=false"]
    succeed(tmp_path, "record", "task.toml", overrides=eyes)
    status, text = hilrt(tmp_path, "train", "task.toml", overrides=[*eyes, "policy.encoder=none"])
    assert status == 2
    assert 'policy.encoder: is "none", and the environment observes nothing but pictures' in " ".join(
        text.split()
    )
    succeed(tmp_path, "train", "task.toml", overrides=eyes)
    succeed(tmp_path, "eval", f"runs/{jobs.newest_run(tmp_path, 'train').name}", "--episodes", "1")


@pytest.mark.parametrize(
    ("words", "overrides", "told"),
    [
        (("record",), ["env.operator=''"], "env.operator"),
        (
            ("record",),
            ['env.operator="table:nobody"'],
            "env.operator: table:nobody cannot be made: AttributeError",
        ),
        (
            ("record",),
            ["env.kwargs={broken = true}"],
            "env.id: table:Table-v0 failed in step: ZeroDivisionError",
        ),
        (
            ("record",),
            ["processor.reset.control_time_s=0.1"],  # a step
            "10 demonstrations in a row had no success. See whether table:toward (env.operator) can do it",
        ),
        (("train",), [], "no demonstrations in "),
        (("pipeline",), [], "this command is for arms"),
        (("teleoperate",), [], "this command is for arms"),
        (("record",), ['robot.id="sim"'], '$.robot: is an arm, and env.type is "gymnasium"'),
    ],
)
def test_what_is_wrong_is_told(tmp_path, words, overrides, told):
    """The message names the option, and what was found."""
    lay(tmp_path)
    status, text = hilrt(tmp_path, *words, "task.toml", overrides=overrides)
    assert status == 2, text
    assert told in text


def test_an_encoder_that_nothing_makes_here_is_refused(tmp_path):
    """`hilrt pretrain` is for arms: with cameras another encoder is asked for before anything is recorded."""
    lay(tmp_path)
    status, text = hilrt(tmp_path, "record", "task.toml", overrides=["policy.encoder=pretrained"])
    assert status == 2
    assert "policy.encoder" in text
    assert '"conv", "resnet18" or your own' in " ".join(text.split())
