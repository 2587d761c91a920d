"""A reward classifier as the only reward, in whole jobs on the simulated arm with cameras."""

import jobs
import numpy as np
import pytest
from policy.pictures import encoder_file
from reward.bundles import bundle_for

from hilrt.config.taskfile import load
from hilrt.control.loop import Phase
from hilrt.data.journal import read_episodes
from hilrt.data.labels import read_corrections
from hilrt.policy.device import CPU
from hilrt.reward.bundle import Bundle
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Override

PIXELS = jobs.ROOT / "configs" / "sim_so100_pixels.toml"
TINY = [
    "processor.image_preprocessing.resize_size=[32, 32]",
    *(f"robot.cameras.{name}={{type='sim', width=40, height=32}}" for name in ("front", "wrist")),
    *jobs.SMALL,
]
ALWAYS, NEVER = (f"processor.reward_classifier.success_threshold={p}" for p in ("0.001", "1.0"))
CLASSIFIER = ["reward.type=classifier", "processor.reward_classifier.min_steps=6"]
BY_HAND = ["teleop.type=keyboard", "sim.clock=realtime", "processor.reset.control_time_s=60"]
EPISODE = 12
"""Records of an episode that it always sees as a success: six frames that do not count, and half a second of them."""
ROOT = "datasets/sim_so100_pixels"
ESCAPE = b"\x1b"


@pytest.fixture
def workplace(tmp_path):
    """A folder with an encoder and a classifier, beside where demonstrations will be; they have learned nothing."""
    features = from_config(load(PIXELS, TINY))
    (tmp_path / "datasets").mkdir()
    made = encoder_file(tmp_path, views=features.views)
    weights = made.rename(tmp_path / f"{ROOT}.encoder.safetensors")
    bundle_for(features, weights).save(tmp_path / f"{ROOT}.classifier.safetensors")
    return tmp_path


def terminal(workplace, command, *overrides, words=()):
    """The command, by hand."""
    wanted = [*TINY, *CLASSIFIER, *BY_HAND, *overrides]
    return jobs.WatchedTerminal(workplace, command, PIXELS, *words, overrides=wanted)


def resets(terminal, number):
    """Wait for the reset behind an episode."""
    terminal.until(
        lambda: terminal.control.episode == number + 1 and terminal.control.phase == Phase.RESETTING
    )


def test_a_success_that_is_none_is_taken_back(workplace):
    """Failure, pressed before the next episode, has all of it be a failure, and the dataset says that you said so."""
    wanted = "dataset.num_episodes_to_record=2"
    with terminal(workplace, "record", ALWAYS, wanted) as at_work:
        resets(at_work, 0)
        at_work.until(lambda: at_work.control.appeal)
        at_work.type(ESCAPE)
        at_work.until(lambda: at_work.control.override == Override.FAILURE)
        assert at_work.finish() == 0, at_work.text()
    first, *others = jobs.demonstrations(workplace / ROOT)
    assert len(others) == 2
    for episode, success in ((first, False), *((other, True) for other in others)):
        *_, last, final = episode.records
        assert (last.terminated, last.truncated, last.success, last.reward) == (True, False, success, success)
        assert (final.terminated, final.success) == (True, success)
        assert len(episode.records) == EPISODE
    (correction,) = read_corrections(workplace / ROOT)
    assert (correction.episode, correction.kind, correction.by) == (0, "failure", "operator")
    summary = jobs.summary(jobs.newest_run(workplace, "record"))
    assert summary["overrides"] == {"success": 0, "failure": 1}
    assert summary["successes"]["demo"] == 2
    listed = jobs.run(workplace, "label", ROOT, "--list")
    assert "operator" in listed.stdout, listed.stderr


def hears(terminal, number):
    """Wait until the operator is asked about an episode behind which nothing is put back."""
    terminal.until(lambda: terminal.control.episode == number and terminal.control.phase == Phase.HEARING)


def test_the_last_success_can_be_taken_back(workplace):
    """Behind the last episode the run waits for your word: failure has another one recorded, ready ends the wait."""
    with terminal(workplace, "record", ALWAYS, "dataset.num_episodes_to_record=1") as at_work:
        hears(at_work, 0)
        at_work.wait_for(rb"success\? failure takes it back")
        at_work.type(ESCAPE)
        hears(at_work, 1)
        at_work.type(b"\r")
        assert at_work.finish() == 0, at_work.text()
    assert [e.records[-1].success for e in jobs.demonstrations(workplace / ROOT)] == [False, True]


def test_a_training_with_successes_taken_back(workplace):
    """The learner is given what you say, before an evaluation too; the export's labels and the next classifier have it.

    Behind the evaluation of the clone, six episodes of eleven steps: the first is refused on the way back to the start,
    the second before an evaluation.
    """
    assert jobs.run(workplace, "record", PIXELS, overrides=TINY).returncode == 0
    wanted = ["learner.online_steps=60", "eval.every_steps=20", "eval.episodes=1"]
    with terminal(workplace, "train", ALWAYS, *wanted) as at_work:
        resets(at_work, 1)
        at_work.until(lambda: at_work.control.appeal)
        at_work.type(ESCAPE)
        hears(at_work, 2)
        at_work.type(ESCAPE)
        assert at_work.finish() == 0, at_work.text()
    run = jobs.newest_run(workplace, "train")
    trained = [e.records for e in read_episodes(run / "journal") if e.mode is Mode.TRAIN]
    assert [r[-1].success for r in trained] == [False, False, True, True, True, True]
    assert [(r[-2].reward, r[-2].terminated, r[-2].override) for r in trained[:3]] == [
        (0.0, True, Override.FAILURE),
        (0.0, True, Override.FAILURE),
        (1.0, True, Override.NONE),
    ]
    summary = jobs.summary(run)
    assert summary["overrides"] == {"success": 0, "failure": 2}
    assert summary["successes"]["train"] == 4
    exported = jobs.run(workplace, "dataset", "export", run, "exported")
    assert exported.returncode == 0, exported.stderr
    told = read_corrections(workplace / "exported")
    assert [(c.episode, c.kind, c.by) for c in told] == [
        (1, "failure", "operator"),
        (2, "failure", "operator"),
    ]
    quick = ["processor.reward_classifier.hidden_dim=16"]
    done = jobs.run(workplace, "train-classifier", PIXELS, "exported", overrides=[*TINY, *quick])
    assert done.returncode == 0, done.stderr
    assert "Failed episodes: 2. Record 5 at least" in done.stdout


def test_a_success_that_it_does_not_see_is_one(workplace):
    """The success key ends the episode with reward, and the dataset says from where on."""
    with terminal(workplace, "record", NEVER, "dataset.num_episodes_to_record=1") as at_work:
        at_work.runs_episode(0)
        at_work.type(b"s")
        assert at_work.finish() == 0, at_work.text()
    (episode,) = jobs.demonstrations(workplace / ROOT)
    assert episode.records[-1].success
    (correction,) = read_corrections(workplace / ROOT)
    assert (correction.kind, correction.start) == ("success", len(episode.records) - 1)


def test_beside_the_operators_keys(workplace):
    """`test-classifier --live` drives, records nothing, lets the keys alone end attempts, and counts agreement."""
    with terminal(workplace, "test-classifier", ALWAYS, words=["--live"]) as at_work:
        for number, key in enumerate((b"s", ESCAPE, b"s")):
            at_work.runs_episode(number)
            at_work.until(lambda: at_work.control.step > 14)  # it has said so by then, and ended nothing
            at_work.type(key)
            resets(at_work, number)
        at_work.type(b"q")
        assert at_work.finish() == 0, at_work.text()
    assert "the classifier agreed with you on 2/3 = 66.7% (95 % interval 20.8% .. 93.9%)" in at_work.text()
    assert "said success of your failures: 1/1" in at_work.text()
    assert not (workplace / ROOT).exists()


def test_training_by_it(workplace):
    """Every episode ends as it says; what it said of each step is what its file says of the recorded frames."""
    done = jobs.run(workplace, "record", PIXELS, overrides=TINY)
    assert done.returncode == 0, done.stderr
    short = ["learner.online_steps=60", "eval.every_steps=0"]
    done = jobs.run(workplace, "train", PIXELS, overrides=[*TINY, *CLASSIFIER, ALWAYS, *short])
    assert done.returncode == 0, done.stderr
    run = jobs.newest_run(workplace, "train")
    bundle = Bundle.load(run / "classifier.safetensors", CPU)
    episodes = [e for e in read_episodes(run / "journal", frames=True) if e.records[0].mode is Mode.TRAIN]
    assert len(episodes) >= 4
    for episode in episodes:
        told = [bundle.probabilities(episode.images(i))[1] for i in range(len(episode.records))]
        said = [record.probability for record in episode.records[:-1]]
        assert np.allclose(said, told[1:], rtol=0, atol=1e-5)
        assert len({*said}) > 1
    assert all(len(e.records) == EPISODE and e.records[-1].success for e in episodes[:-1])
    assert jobs.summary(run)["overrides"] == {"success": 0, "failure": 0}


def test_without_the_file_nothing_begins(workplace):
    """No run folder is made, and the message has the command."""
    (workplace / f"{ROOT}.classifier.safetensors").unlink()
    for command in ("record", "train", "teleoperate"):
        done = jobs.run(workplace, command, PIXELS, overrides=[*TINY, *CLASSIFIER])
        assert done.returncode == 2
        assert "classifier.safetensors cannot be read: No such file" in done.stderr
        assert "`hilrt train-classifier CONFIG` makes one" in done.stderr
    assert not (workplace / "runs").exists()


def test_a_file_that_nobody_asks_is_named(workplace):
    """Where it is given, and reward comes from elsewhere."""
    path = workplace / f"{ROOT}.classifier.safetensors"
    named = f"processor.reward_classifier.pretrained_path={path}"
    done = jobs.run(workplace, "record", PIXELS, overrides=[*TINY, named, "dataset.num_episodes_to_record=1"])
    assert done.returncode == 0, done.stderr
    assert f'{path} judges nothing here: reward.type = "classifier" is what asks it' in done.stderr
