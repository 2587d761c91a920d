"""From cameras to a policy, as a user does it: record, pretrain, train, resume, eval."""

import shutil
from itertools import pairwise

import jobs
import pytest
import torch
from safetensors.numpy import load_file

from hilrt.config.taskfile import load
from hilrt.data.journal import episode_path, online_steps, read_episodes
from hilrt.learner.training import Training
from hilrt.policy.saved import checkpoints_of, load_meta, newest_checkpoint
from hilrt.policy.sizes import with_sizes
from hilrt.report.metrics import Metrics
from hilrt.step.record import Mode

PIXELS = jobs.ROOT / "configs" / "sim_so100_pixels.toml"
TINY = [
    "processor.image_preprocessing.resize_size=[32, 32]",
    *(f"robot.cameras.{name}={{type='sim', width=40, height=32}}" for name in ("front", "wrist")),
    *jobs.SMALL,
]
SHORT = [*TINY, "learner.online_steps=60"]
ROOT = "datasets/sim_so100_pixels"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with two demonstrations of small pictures."""
    folder = tmp_path_factory.mktemp("work")
    done = jobs.run(folder, "record", PIXELS, overrides=TINY)
    assert done.returncode == 0, done.stderr
    return folder


def test_train_without_an_encoder_says_what_to_run(workplace):
    """No run folder is made, and the message has the command that makes the file."""
    done = jobs.run(workplace, "train", PIXELS, overrides=[*SHORT, "policy.weights=nowhere.safetensors"])
    assert done.returncode == 2
    assert "nowhere.safetensors is not there yet. `hilrt pretrain CONFIG` makes one" in done.stderr
    assert not list(workplace.glob("runs/*-train-*"))


def test_train_without_downloaded_weights_says_where_to_get_them(workplace):
    """The message has the command, and the place where no option is needed."""
    done = jobs.run(workplace, "train", PIXELS, overrides=[*SHORT, "policy.encoder=resnet18"])
    assert done.returncode == 2
    assert "weights/resnet18/model.safetensors is not there. resnet18 wants weights" in done.stderr
    assert "hf download" in done.stderr


def test_nothing_of_the_cube_is_told(workplace):
    """The state has no object in it: where the cube is, only the cameras know."""
    (episode, *_) = jobs.demonstrations(workplace / ROOT)
    assert not [name for name in episode.header.features.state if "object" in name]


def test_pretrain_train_resume_eval(workplace):
    """The commands of the guide follow each other without an option; a run keeps its encoder, wherever it is moved."""
    done = jobs.run(workplace, "pretrain", PIXELS, "--steps", "3", overrides=TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    encoders = workplace / f"{ROOT}.encoder.safetensors"
    assert str(encoders.relative_to(workplace)) in done.stdout
    assert {name.split(".")[0] for name in load_file(encoders)} == {"front", "wrist"}

    with jobs.LiveRun(workplace, "train", PIXELS, overrides=SHORT) as live:
        live.wait_for(lambda: live.status.control.online_steps > 20)
        live.kill("learner")
        live.wait_for(lambda: live.status.control.online_steps > 40)
        text = live.finish()
    assert live.process.returncode == 0, text
    run = live.path
    assert load_meta(newest_checkpoint(run)).vision.encoder == "pretrained"
    assert (run / "features.cache").stat().st_size > 60 * 2 * 2 * 2 * 128 * 2

    (workplace / "moved").mkdir()
    run = run.rename(workplace / "moved" / run.name)
    again = jobs.run(workplace, "pretrain", PIXELS, "--steps", "2", "--set", "seed=9", overrides=TINY)
    assert again.returncode == 0, again.stderr
    judged = jobs.run(workplace, "eval", f"moved/{run.name}", "--episodes", "1")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    resumed = jobs.run(workplace, "train", "--resume", f"moved/{run.name}")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "/1 = " in judged.stdout


def test_encoders_trained_with_the_policy(workplace):
    """With `conv` nothing is pretrained, views travel to the learner, and equal seeds give equal runs."""
    overrides = [
        *SHORT,
        "policy.encoder=conv",
        "learner.online_steps=30",
        "learner.online_step_before_learning=5",
    ]
    runs = []
    for _ in range(2):
        done = jobs.run(workplace, "train", PIXELS, overrides=overrides)
        assert done.returncode == 0, done.stdout + done.stderr
        runs.append(jobs.newest_run(workplace, "train"))
    run, again = runs
    assert run != again
    assert jobs.records(run) == jobs.records(again)
    assert jobs.learned(run) == jobs.learned(again) != {}
    assert not (run / "features.cache").exists()
    assert jobs.summary(run)["updates"] > 0
    steps = [
        r for e in read_episodes(run / "journal") if e.mode is Mode.TRAIN for r in e.records if not r.final
    ]
    assert len({record.policy_version for record in steps}) >= 1


def begins_evaluation(before, episode):
    """Whether an episode is the first that judges what one before it taught."""
    return (before.mode, episode.mode) == (Mode.TRAIN, Mode.EVAL)


def resumed(run, folder):
    """The run as it was when what it had learned was first judged, resumed in `folder`; what is behind that comes."""
    torch.set_num_threads(1)
    shutil.copytree(run, folder)
    episodes = list(read_episodes(run / "journal", frames=True))
    pairs = list(pairwise(episodes))
    first = 1 + next(n for n, pair in enumerate(pairs) if begins_evaluation(*pair))
    for episode in episodes[first:]:
        episode_path(folder / "journal", episode.number).unlink()
    steps = online_steps(folder / "journal")
    for path in checkpoints_of(folder):
        if int(path.name) != steps:
            shutil.rmtree(path)
    config = with_sizes(load(folder / "config.toml"), folder)
    with Metrics(folder / "tensorboard", config) as metrics, Training(config, folder, metrics) as training:
        assert training.load()
        for before, episode in pairs[first - 1 :]:
            if begins_evaluation(before, episode):
                training.judge()
            for index, record in enumerate(episode.records):
                training.take(record, training.eyes.of_disk(episode, index))
                while training.credit.owed:
                    training.step()
        training.close_evaluation()
        training.save()
    return folder


def test_resumed_from_jpeg_is_exact(workplace, tmp_path):
    """Frames on disk are not as the camera gave them; a run that is resumed learns all the same what it would have."""
    overrides = [
        *TINY,
        "policy.encoder=conv",
        "policy.jitter=0.5",
        "dataset.image_format=jpeg",
        "learner.online_steps=40",
        "learner.online_step_before_learning=5",
        "learner.checkpoint_every_s=1e6",
        "processor.reset.control_time_s=1.2",
        "eval.every_steps=20",
        "eval.episodes=1",
    ]
    done = jobs.run(workplace, "train", PIXELS, overrides=overrides)
    assert done.returncode == 0, done.stdout + done.stderr
    run = jobs.newest_run(workplace, "train")
    whole, again = jobs.learned(run), jobs.learned(resumed(run, tmp_path / run.name))
    assert len(whole) > 2
    assert max(again) == max(whole)
    assert again[max(again)] == whole[max(whole)]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["robot.cameras={}"], "the task has no cameras"),
        (["dataset.root=nowhere"], "no demonstrations in nowhere"),
    ],
)
def test_pretrain_of_nothing(workplace, overrides, message):
    """Without cameras or demonstrations there is one clear message."""
    done = jobs.run(workplace, "pretrain", PIXELS, overrides=overrides)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
