"""What recorded episodes tell: where the arm goes, and where it is when the gripper is told something new."""

import numpy as np
import pytest

from hilrt.data.journal import Episode, FileHeader
from hilrt.pretrain.examples import Examples, examples, pose_columns
from hilrt.step.features import GRIPPER, Features, Image
from hilrt.step.record import GripperCommand, Mode, Record, gripper_index

VIEWS = (Image("front", 4, 4, 0),)
STATE = ("pan.pos", "pan.vel", "ee.x", "ee.y", "ee.z", "previous.dx")
FEATURES = Features(10, ("",), STATE, ("dx", "dy"), GRIPPER, VIEWS, VIEWS)
CLOSE, STAY, OPEN = GripperCommand


def episode(commands: list[int], features: Features = FEATURES, number: int = 0) -> Episode:
    """One whose pose at step t is t, t^2 ..., with these commands."""
    records = [
        Record(
            episode=number, step=t, mode=Mode.DEMO, monotonic_ns=t, wall_ns=t, final=t == len(commands),
            state=np.float32([t, -1, t**2, 2 * t, 3 * t, 5]).tobytes(),
            action=b"" if t == len(commands) else np.float32([t, -t]).tobytes(),
            gripper=STAY if t == len(commands) else commands[t],
        )
        for t in range(len(commands) + 1)
    ]  # fmt: skip
    header = FileHeader(episode=number, mode=Mode.DEMO, task="t", features=features)
    return Episode(header=header, records=records, frames=[], torn=None)


def told(*episodes: Episode, features: Features = FEATURES) -> Examples:
    """Their examples; each picture is as grey as its step."""
    pairs = [
        (e, [[np.full((4, 4, 3), t, np.uint8) for t in range(len(e.records))] for _ in features.views])
        for e in episodes
    ]
    return examples(pairs, features)


def test_pose_is_joints_and_end_effector() -> None:
    """Velocities and what was done before are no pose."""
    assert [STATE[i] for i in pose_columns(FEATURES)] == ["pan.pos", "ee.x", "ee.y", "ee.z"]


def test_future_is_where_the_arm_will_be_less_where_it_is() -> None:
    """At 0.1, 0.2, 0.4 and 0.8 s, no further than the episode's end, and at the gripper's next new command."""
    found = told(episode([STAY] * 3 + [CLOSE] + [STAY] * 8))
    assert found.future.shape == (13, 5 * 4)
    pan = found.future.reshape(13, 5, 4)[:, :, 0]
    assert pan[0].tolist() == [1, 2, 4, 8, 3]
    assert pan[2].tolist() == [1, 2, 4, 8, 1]
    assert pan[3].tolist() == [1, 2, 4, 8, 9]  # nothing new comes: the end
    assert pan[11].tolist() == [1, 1, 1, 1, 1]
    assert pan[12].tolist() == [0, 0, 0, 0, 0]
    squares = found.future.reshape(13, 5, 4)[:, :, 1]
    assert squares[2].tolist() == [9 - 4, 16 - 4, 36 - 4, 100 - 4, 9 - 4]
    assert found.commanded.tolist() == [True] * 3 + [False] * 10
    assert np.allclose(found.left[:, 0], np.arange(12, -1, -1) / 20)


def test_a_command_is_new_when_that_gripper_was_told_otherwise_before() -> None:
    """`stay` and a repeated command are none; with two arms each counts by itself."""
    one = told(episode([OPEN, STAY, OPEN, CLOSE, CLOSE, OPEN]))
    assert one.future.reshape(7, 5, 4)[:, 4, 0].tolist() == [3, 2, 1, 2, 1, 1, 0]
    both = Features(10, ("l", "r"), STATE, ("dx", "dy"), tuple("abcdefghi"), VIEWS, VIEWS)
    pairs = [(OPEN, STAY), (OPEN, CLOSE), (OPEN, CLOSE), (CLOSE, CLOSE)]
    two = told(episode([gripper_index(p) for p in pairs], both), features=both)
    assert two.future.reshape(5, 5, 4)[:, 4, 0].tolist() == [1, 2, 1, 1, 0]


def test_everything_stays_with_its_step() -> None:
    """Views, actions, commands and episodes of several episodes lie in one order; last observations act on nothing."""
    found = told(episode([STAY, CLOSE]), episode([OPEN] * 3, number=9))
    assert found.episode.tolist() == [0] * 3 + [1] * 4
    assert found.acted.tolist() == [1, 1, 0, 1, 1, 1, 0]
    assert found.action[:, 0].tolist() == [0, 1, 0, 0, 1, 2, 0]
    assert found.views[0][:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1, 2, 3]
    late = found.of(found.episode == 1)
    assert late.state[:, 0].tolist() == [0, 1, 2, 3]
    assert late.views[0].shape == (4, 4, 4, 3)


@pytest.mark.parametrize("fps", [1, 30])
def test_horizons_are_times(fps: int) -> None:
    """0.4 s are 12 steps at 30 Hz, and never less than one."""
    features = Features(fps, ("",), STATE, ("dx", "dy"), GRIPPER, VIEWS, VIEWS)
    found = told(episode([STAY] * 40, features), features=features)
    assert found.future.reshape(41, 5, 4)[0, 2, 0] == max(1, round(0.4 * fps))
