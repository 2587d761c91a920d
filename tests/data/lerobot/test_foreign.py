"""Datasets of others as demonstrations."""

import math

import msgspec
import numpy as np
import others
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from format_rules import violations

from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.foreign import import_dataset
from hilrt.data.lerobot.mapping import Wishes
from hilrt.data.lerobot.rules import verify
from hilrt.errors import DatasetDamagedError, ImportedOtherwiseError, OwnDatasetError, UnmappableError
from hilrt.step.features import Features, Image
from hilrt.step.record import Source, vector

LENGTHS = (6, 5)
FEATURES = Features(
    10,
    ("",),
    ("pan.pos", "lift.pos", "setpoint_error.x", "previous.dx", "previous.gripper"),
    ("dx", "dy", "dz"),
    ("close", "stay", "open"),
    (Image("front", others.HEIGHT, others.WIDTH, 0),),
    (),
    (0.02, 0.02, 0.02),
)
WISHES = Wishes(
    state_names=("pan.pos", "lift.pos"),
    rename={"observation.images.front": "observation.images.laptop"},
    convert={"*.pos": (math.pi / 180, 0.0)},
    fill={"setpoint_error.*": 0.0},
)


def columns(**changes):
    """Of the reference workflow: no names, joints in degrees, a success and an episode that ran into its time limit."""
    rng = np.random.default_rng(0)
    total = sum(LENGTHS)
    reward, done = np.zeros(total, np.float32), np.zeros(total, bool)
    reward[LENGTHS[0] - 1] = 1.0
    done[[LENGTHS[0] - 1, total - 1]] = True
    action = np.column_stack([rng.uniform(-1, 1, (total, 3)), rng.integers(0, 3, total)]).astype(np.float32)
    return {
        "observation.state": rng.uniform(-90, 90, (total, 2)).astype(np.float32),
        "action": action,
        "next.reward": reward,
        "next.done": done,
    } | changes


def taken(source, root, wishes=WISHES, features=FEATURES):
    """Import with nobody watching."""
    return import_dataset(
        source,
        root,
        features,
        wishes,
        task="lift",
        image_format="png",
        robot_type="so100_follower",
        advance=lambda _: None,
    )


CHANNELS_FIRST = ("channels", "height", "width")
AS_OTHERS_LEAVE_THEM = [
    {},
    {"video": True},
    {"axes": CHANNELS_FIRST, "video": True},
    {"axes": CHANNELS_FIRST, "lists": True},
    {"axes": CHANNELS_FIRST, "nameless": True},
]
"""As the format has it; by the reference's HIL-SERL recorder; converted from v2.1 or merged; without names."""


@pytest.mark.parametrize("written", AS_OTHERS_LEAVE_THEM)
def test_import(written, tmp_path):
    """Rows become steps by name and unit, the last one the final observation; success and time limit stay apart."""
    theirs, video = columns(), written.get("video")
    others.write(tmp_path / "theirs", theirs, LENGTHS, **written)
    assert list(verify(tmp_path / "theirs", lambda _: None)) == []
    assert bool(violations(tmp_path / "theirs")) == ("axes" in written)
    done = taken(tmp_path / "theirs", tmp_path / "ours")
    assert (done.kept, done.successes, done.known, done.short) == (2, 1, 0, 0)
    assert violations(tmp_path / "ours") == [] == list(verify(tmp_path / "ours", lambda _: None))
    dataset = open_dataset(tmp_path / "ours", FEATURES)
    first = 0
    for number, length in enumerate(LENGTHS):
        episode = dataset.episode(number, frames=True)
        assert episode.header.task == "lift", "the task that they are demonstrations for"
        assert len(episode.records) == length
        for index, record in enumerate(episode.records):
            state = vector(record.state)
            degrees = theirs["observation.state"][first + index]
            np.testing.assert_allclose(state[:2], np.radians(degrees), rtol=1e-6)
            assert state[2] == 0
            before = theirs["action"][first + index - 1]
            previous = (before[0], before[3] - 1) if index else (0, 0)
            np.testing.assert_array_equal(state[3:], np.float32(previous))
            off = np.abs(episode.images(index)["front"].astype(int) - others.picture(first + index))
            assert off.mean() < (5 if video else 1e-9)
            if not record.final:
                action = theirs["action"][first + index]
                np.testing.assert_array_equal(vector(record.action), action[:3])
                assert record.gripper == action[3]
                assert record.source is Source.HUMAN
        before, last = episode.records[-2:]
        assert last.final
        assert (before.success, before.terminated, before.truncated, before.reward) == (
            (True, True, False, 1.0) if number == 0 else (False, False, True, 0.0)
        )
        first += length


def test_imported_twice_is_there_once(tmp_path, record_session):
    """A second import finds its episodes there, and adds only what is new."""
    others.write(tmp_path / "theirs", columns(), LENGTHS)
    taken(tmp_path / "theirs", tmp_path / "ours")
    again = taken(tmp_path / "theirs", tmp_path / "ours")
    assert (again.kept, again.known) == (0, 2)
    assert len(open_dataset(tmp_path / "ours")) == 2


def test_all_that_is_missing_is_told_at_once(tmp_path):
    """Names, cameras and rate that do not fit are listed together, with what there is; nothing is written."""
    names = {"observation.state": {"motors": ["shoulder_pan.pos", "lift.pos"]}}
    others.write(tmp_path / "theirs", columns(), LENGTHS, names=names)
    features = msgspec.structs.replace(FEATURES, fps=30)
    with pytest.raises(UnmappableError) as refused:
        taken(tmp_path / "theirs", tmp_path / "ours", Wishes(), features)
    told = str(refused.value)
    assert "theirs cannot become demonstrations for this config; nothing was written" in told
    assert "its rate is 10 Hz, the config's env.fps 30 Hz" in told
    assert "nothing for the state's pan.pos, setpoint_error.x; near them are " in told
    assert "shoulder_pan.pos" in told
    assert "it has no camera observation.images.front; there are: observation.images.laptop" in told
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize(
    ("changes", "wishes", "told"),
    [
        (
            {},
            {"convert": {}},
            r"episode \d: \w+.pos goes to \d+.\d, which is no angle in rad .*'\*gripper.pos=0.019",
        ),
        ({"action": 2}, {}, r"episode \d: actions go to \d.\d+, and belong in \[-1, 1\]"),
        ({"action": 0.02}, {}, r"its actions never exceed 0.0\d+, .* like metres .* \(--convert 'dx=50'"),
        ({"action": 0}, {}, r"all its actions are 0: nothing was demonstrated"),
        ({"gripper": 0.5}, {}, r"its gripper's commands have 0.5; they are 0 close, 1 stay, 2 open"),
        ({"gripper": -1}, {}, r"its gripper's commands have -1; .*"),
        (
            {"reward": -3.0},
            {},
            r"episode 0: its rewards go from -3 to 1, and hilrt learns .*--success-from",
        ),
        ({"reward": 0.4}, {}, r"episode 0: its rewards go from 0 to 1, .*--success-from"),
        ({"reward": math.nan}, {}, r"episode 0: its next.reward has 1 numbers that are not finite"),
        (
            {"next.reward": None},
            {},
            r"neither next.reward nor next.success \(--success: every episode ended in",
        ),
        ({}, {"state_names": ("pan.pos",)}, r"--state-names has 1 names, its observation.state 2 numbers"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(changes, wishes, told, tmp_path):
    """Degrees for radians, metres for shares of a step, half-open grippers, no rewards: told, nothing is written."""
    theirs = columns()
    if "action" in changes:
        theirs["action"][:, :3] *= changes["action"]
    if "reward" in changes:
        theirs["next.reward"][3] = changes["reward"]
    if "gripper" in changes:
        theirs["action"][2, 3] = changes["gripper"]
    if "next.reward" in changes:
        del theirs["next.reward"]
    others.write(tmp_path / "theirs", theirs, LENGTHS)
    with pytest.raises(UnmappableError, match=told):
        taken(tmp_path / "theirs", tmp_path / "ours", msgspec.structs.replace(WISHES, **wishes))
    assert not (tmp_path / "ours").exists()


def test_success_can_be_vouched_for(tmp_path):
    """Teleoperated data without rewards: the user says that every episode ended in success."""
    theirs = columns()
    del theirs["next.reward"]
    others.write(tmp_path / "theirs", theirs, LENGTHS)
    done = taken(tmp_path / "theirs", tmp_path / "ours", msgspec.structs.replace(WISHES, success=True))
    assert (done.kept, done.successes) == (2, 2)
    assert [e.records[-2].reward for e in open_dataset(tmp_path / "ours")] == [1.0, 1.0]


def test_our_own_needs_no_import(record_session, root, tmp_path, features):
    """A dataset of hilrt is told apart, with what to do instead."""
    record_session(range(1))
    fold(root)
    with pytest.raises(OwnDatasetError, match=r"was written by hilrt and needs no import: set dataset.root"):
        taken(root, tmp_path / "ours", features=features)


def test_names_may_be_an_index(tmp_path):
    """Names given as {name: index} say which number is which, whatever order they come in; others are not guessed."""
    theirs = columns()
    theirs["action"] = theirs["action"][:, [3, 1, 0, 2]]
    names = {"action": {"delta_x": 2, "delta_y": 1, "delta_z": 3, "gripper": 0}}
    others.write(tmp_path / "theirs", theirs, LENGTHS, names=names)
    taken(tmp_path / "theirs", tmp_path / "ours")
    first = open_dataset(tmp_path / "ours").episode(0).records[0]
    np.testing.assert_array_equal([*vector(first.action), first.gripper], theirs["action"][0][[2, 1, 3, 0]])
    joints = {"action": {"pan": 0, "lift": 1, "elbow": 2, "gripper": 3}}
    others.write(tmp_path / "joints", columns(), LENGTHS, names=joints)
    with pytest.raises(UnmappableError, match=r"nothing for the action.s dx, dy, dz; .*"):
        taken(tmp_path / "joints", tmp_path / "ours")


def test_lists_of_several_lengths_are_damage(tmp_path):
    """A column whose rows have different counts of numbers is told, by file and column."""
    others.write(tmp_path / "theirs", columns(), LENGTHS, lists=True)
    path = tmp_path / "theirs/data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    rows = table.column("action").to_pylist()
    rows[3] = rows[3][:2]
    pq.write_table(table.set_column(table.column_names.index("action"), "action", pa.array(rows)), path)
    with pytest.raises(
        DatasetDamagedError, match=r"file-000.parquet is damaged: action has \{2, 4\} numbers"
    ):
        taken(tmp_path / "theirs", tmp_path / "ours")


WITH_SENSORS = Features(
    10,
    ("",),
    ("pan.pos", "gripper.pos", "pan.vel", "pan.current", "ee.x"),
    ("dx", "dy", "dz"),
    ("close", "stay", "open"),
    (),
    (),
    (0.02,) * 3,
)


def sensed(**units):
    """A dataset with every kind of sensor, some in other units."""
    names = WITH_SENSORS.state
    theirs = columns()
    theirs["observation.state"] = np.ones((sum(LENGTHS), len(names)), np.float32)
    for at, name in enumerate(names):
        theirs["observation.state"][:, at] *= units.get(name, 0.5)
    return theirs


@pytest.mark.parametrize(
    ("units", "told"),
    [
        (
            {"gripper.pos": 80},
            r"gripper.pos goes to 80.0, which is no angle .* behind it --convert '\*gripper.pos=0.019",
        ),
        (
            {"pan.vel": 12},
            r"pan.vel goes to 12.0, which is no speed in rad/s .*'\*.vel=0.0174533'",
        ),
        (
            {"pan.current": 49},
            r"pan.current goes to 49.0, which is no current in A .*'\*.current=0.0065'",
        ),
        (
            {"ee.x": 210},
            r"ee.x goes to 210.0, which is out of such an arm's reach in m .*'ee.\*=0.001' from mm",
        ),
    ],
)
def test_units_that_cannot_be_are_refused_with_theirs(units, told, tmp_path):
    """Angles, speeds, currents and places that no such arm has; followed, the hint leads to the right number."""
    others.write(tmp_path / "theirs", sensed(**units), LENGTHS)
    wishes = Wishes(state_names=WITH_SENSORS.state)
    with pytest.raises(UnmappableError, match=told):
        taken(tmp_path / "theirs", tmp_path / "ours", wishes, WITH_SENSORS)
    if "gripper.pos" in units:
        others.write(tmp_path / "degrees", sensed(**units, **{"pan.pos": 90}), LENGTHS)
        hint = {"*.pos": (0.0174533, 0.0), "*gripper.pos": (0.0191986, -0.174533)}
        wishes = msgspec.structs.replace(wishes, convert=hint)
        taken(tmp_path / "degrees", tmp_path / "ours", wishes, WITH_SENSORS)
        state = vector(open_dataset(tmp_path / "ours").episode(0).records[0].state)
        np.testing.assert_allclose(state[:2], [math.pi / 2, 0.8 * 1.91986 - 0.174533], rtol=1e-5)


def test_what_should_be_known_is_told(tmp_path):
    """Episodes in which nothing moves, and grippers that never say 2."""
    theirs = columns()
    theirs["action"][: LENGTHS[0], :3] = 0
    theirs["action"][:, 3] = np.arange(sum(LENGTHS)) % 2
    others.write(tmp_path / "theirs", theirs, LENGTHS)
    still, gripper = taken(tmp_path / "theirs", tmp_path / "ours").notes
    assert still == "nothing moves in episodes 0: all their actions are 0"
    assert "0 and 1 alone, taken for close and stay" in gripper
    assert "--convert gripper=2" in gripper


def test_a_success_less_a_penalty_is_one(tmp_path):
    """The reference takes 0.02 off for a change of the gripper, at the last step too; the reward stays as it is."""
    theirs = columns()
    theirs["next.reward"][[1, LENGTHS[0] - 1]] -= 0.02
    others.write(tmp_path / "theirs", theirs, LENGTHS)
    assert taken(tmp_path / "theirs", tmp_path / "ours").successes == 1
    first = open_dataset(tmp_path / "ours").episode(0)
    assert first.records[-2].success
    np.testing.assert_allclose([r.reward for r in first.records[:-1]], [0, -0.02, 0, 0, 0.98], atol=1e-7)


def test_graded_rewards_need_a_threshold(tmp_path):
    """With one, the last reward says what succeeded, and rewards are 0, and 1 at success."""
    theirs = columns()
    theirs["next.reward"] = np.linspace(-4, 3, sum(LENGTHS)).astype(np.float32)
    others.write(tmp_path / "theirs", theirs, LENGTHS)
    wishes = msgspec.structs.replace(WISHES, success_from=2.0)
    assert taken(tmp_path / "theirs", tmp_path / "ours", wishes).successes == 1
    rewards = [[r.reward for r in e.records[:-1]] for e in open_dataset(tmp_path / "ours")]
    assert rewards == [[0, 0, 0, 0, 0], [0, 0, 0, 1]]


def test_imported_again_in_other_units_is_refused(tmp_path):
    """The same numbers made into other ones would stand there twice: told with what to do, and nothing is written."""
    others.write(tmp_path / "theirs", columns(), LENGTHS)
    taken(tmp_path / "theirs", tmp_path / "ours")
    other = msgspec.structs.replace(WISHES, convert={"*.pos": (0.01, 0.0)})
    with pytest.raises(
        ImportedOtherwiseError, match=r"theirs episode 0 was imported before, .*: episode 0 there"
    ):
        taken(tmp_path / "theirs", tmp_path / "ours", other)
    assert len(open_dataset(tmp_path / "ours")) == 2


def test_several_tasks_are_not_mixed(tmp_path):
    """They are told apart by name, and one is chosen."""
    others.write(tmp_path / "theirs", columns(), LENGTHS, tasks=("lift it", "push it"))
    with pytest.raises(
        UnmappableError, match=r"its episodes are of 2 tasks: 'lift it', 'push it' \(--task THEIRS"
    ):
        taken(tmp_path / "theirs", tmp_path / "ours")
    with pytest.raises(UnmappableError, match=r"it has no task 'lift'; there are 'lift it', 'push it'"):
        taken(tmp_path / "theirs", tmp_path / "ours", msgspec.structs.replace(WISHES, task="lift"))
    assert (
        taken(tmp_path / "theirs", tmp_path / "ours", msgspec.structs.replace(WISHES, task="push it")).kept
        == 1
    )
    (episode,) = open_dataset(tmp_path / "ours")
    assert (len(episode.records), episode.header.task) == (LENGTHS[1], "lift")


def driven(pairing, rows=60, lag=0.3):
    """An arm that follows its actions, a little late, in rows that pair it so; and the true states and actions."""
    rng = np.random.default_rng(1)
    action = np.clip(np.cumsum(rng.normal(0, 0.4, (rows + 1, 4)), axis=0), -1, 1).astype(np.float32)
    action[:, 3] = 1
    moves = 0.1 * action[:, :2] * (1 - lag)
    moves[1:] += 0.1 * lag * action[:-1, :2]
    state = np.cumsum(np.vstack([np.zeros((1, 2)), moves]), axis=0).astype(np.float32)
    seen = state[1:] if pairing == "after" else state[:-1]
    reward = np.zeros(rows, np.float32)
    reward[-1] = 1
    theirs = {"observation.state": seen[:rows], "action": action[:rows], "next.reward": reward}
    return theirs, state, action


@pytest.mark.parametrize(
    ("pairing", "asked"), [("before", False), ("before", True), ("after", False), ("after", True)]
)
def test_the_observation_before_an_action_is_found(pairing, asked, tmp_path):
    """The data tell where an observation is of after its action; steps are then what truly followed each other."""
    theirs, state, action = driven(pairing)
    others.write(tmp_path / "theirs", theirs, [len(theirs["action"])])
    wishes = msgspec.structs.replace(WISHES, convert={}, pairing=pairing if asked else None)
    done = taken(tmp_path / "theirs", tmp_path / "ours", wishes)
    assert (done.pairing, done.told, done.successes) == (pairing, asked or pairing == "after", 1)
    first = pairing == "after"  # what was seen before the very first action is in no row
    episode = open_dataset(tmp_path / "ours").episode(0, frames=True)
    *steps, final = episode.records
    assert len(steps) == len(theirs["action"]) - 1
    for index, record in enumerate(steps, first):
        found = vector(record.state)
        np.testing.assert_array_equal(found[:2], state[index])
        np.testing.assert_array_equal(vector(record.action), action[index, :3])
        np.testing.assert_array_equal(found[3], action[index - 1, 0] if index else 0)
    np.testing.assert_array_equal(vector(final.state)[:2], state[len(steps) + first])
    assert [r.reward for r in steps] == [0] * (len(steps) - 1) + [1]
    np.testing.assert_array_equal(episode.images(0)["front"], others.picture(0))


@pytest.mark.parametrize("pairing", ["before", "after"])
@pytest.mark.parametrize("lag", [0.7, 1.0])
def test_an_arm_that_is_late_tells_nothing(pairing, lag, tmp_path):
    """A tick late, rows after their actions look as rows before them do of a prompt arm: neither is said to be told."""
    theirs, _, _ = driven(pairing, lag=lag)
    others.write(tmp_path / "theirs", theirs, [len(theirs["action"])])
    done = taken(tmp_path / "theirs", tmp_path / "ours", msgspec.structs.replace(WISHES, convert={}))
    assert (done.pairing, done.told) == ("before", False)


def test_data_that_do_not_tell_are_taken_as_the_format_means(tmp_path):
    """Where actions explain no displacement, rows hold the observation before the action, and the result says so."""
    others.write(tmp_path / "theirs", columns(), LENGTHS)
    done = taken(tmp_path / "theirs", tmp_path / "ours")
    assert (done.pairing, done.told) == ("before", False)
