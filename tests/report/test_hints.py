"""Which keys the screen says do what."""

from pathlib import Path

import pytest

from hilrt.config import taskfile
from hilrt.devices.keyboard import SEQUENCES, Key
from hilrt.report.hints import DEVICES, MEANINGS, hints
from hilrt.run.job import Job

CONFIGS = Path(__file__).parents[2] / "configs"


def told(job, *overrides, name="sim_so100.toml"):
    """The lines for a task file."""
    return hints(taskfile.load(CONFIGS / name, list(overrides)), job)


def test_recording_by_keyboard():
    """The axes that the task has, the gripper, and the keys that end an episode or the run."""
    assert told(Job.RECORD, "teleop.type=keyboard") == (
        "↑↓ x   ←→ y   shift+↑↓ z   ctrl+→← gripper",
        "s success   esc failure   r again   q stop",
    )


def test_training_with_a_gamepad_and_two_arms():
    """Whoever may take over is told how, and how to drive the other arm."""
    assert told(Job.TRAIN, "teleop.type=gamepad", name="sim_bimanual.toml") == (
        "left stick ↕ x   left stick ↔ y   right stick ↕ z   triggers gripper",
        "right bumper take over   top success   bottom failure   left again   back stop   left bumper other arm",
    )


@pytest.mark.parametrize(("job", "overrides"), [(Job.EVAL, []), (Job.TRAIN, ["teleop.intervene=false"])])
def test_who_may_not_drive_is_not_told_how(job, overrides):
    """In an evaluation, and in training without interventions, keys judge and nothing else."""
    assert told(job, "teleop.type=keyboard", *overrides) == ("s success   esc failure   r again   q stop",)


def test_a_leader_arm_moves_what_keys_judge():
    """Beside a leader arm the keys take over and judge; none of them moves an arm."""
    assert told(Job.TRAIN, name="so100_leader.toml") == (
        "the leader arm moves it",
        "enter ready   space take over   s success   esc failure   r again   q stop",
    )


@pytest.mark.parametrize(
    "teleop", [[], ["teleop.type=so101_leader", "teleop.id=sim"]], ids=["script", "hand"]
)
def test_a_script_needs_no_keys(teleop):
    """With the scripted operator, or its hand at simulated leader arms, the one key is that which stops."""
    assert told(Job.RECORD, *teleop) == ("q stop",)


def test_no_key_is_forgotten():
    """Each key of the keyboard has its name, and so has its pair on the gamepad; every job has its meanings."""
    for device in DEVICES.values():
        paired = [key for pair in device.pairs for key in pair]
        assert sorted([*device.keys, *paired]) == sorted(Key)
    for sequence, key in SEQUENCES.items():
        if len(sequence) == 1 and sequence.isalpha() and not key.held:
            assert DEVICES["keyboard"].keys[key] == sequence.decode()
    assert set(MEANINGS) == set(Job)
