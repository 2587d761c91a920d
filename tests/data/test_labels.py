"""Corrections of labels: what they make of an episode, that none is lost, and that damage gives no wrong one."""

import msgspec
import pytest
from mutations import on_disk, survey

from hilrt.data.journalwriter import JournalWriter
from hilrt.data.labels import (
    LABELS,
    SUCCESS,
    Correction,
    add_correction,
    corrected,
    frame_classes,
    in_force,
    read_corrections,
    until_success,
)
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.errors import DatasetDamagedError, DatasetFormatError, LabelError
from hilrt.step.record import Mode, Override

CLASSES = ("nothing", "grasped", SUCCESS)
STEPS = 6


def origin(episode):
    """As folding makes it of the fixture's records."""
    return f"{episode}:0:{10**18}"


def about(episode, **said):
    return Correction(episode=episode, origin=origin(episode), **said)


def success(start, episode=0):
    return about(episode, kind="success", start=start)


def span(start, stop, name, episode=0):
    return about(episode, kind="span", start=start, stop=stop, name=name, rewarded=name == SUCCESS)


def failure(episode=0):
    return about(episode, kind="failure")


def undo(episode=0):
    return about(episode, kind="undo")


@pytest.fixture
def root(tmp_path, features, make_record, encode, make_frames):
    """A dataset of two episodes of six steps, the first a success at its end."""
    plain = msgspec.structs.replace(features, images=(), views=())
    with JournalWriter(tmp_path / "journal", plain, "task") as journal:
        for number in range(2):
            for step in range(STEPS + 1):
                vectors = {} if step == STEPS else {"action": bytes(12), "joint_goal": bytes(24)}
                ends = {"terminated": step >= STEPS - 1, "success": step >= STEPS - 1 and number == 0}
                reward = float(step == STEPS - 1 and number == 0)
                final = step == STEPS
                record = make_record(
                    number, step, final=final, reward=reward, mode=Mode.DEMO, **ends, **vectors
                )
                journal.write(encode(record), b"")
    assert fold(tmp_path).kept == 2
    return tmp_path


@pytest.fixture
def said(root):
    """Corrections are written one after the other; then the classes of an episode of six steps, by initial."""

    def classes(*corrections, rewards=(0, 0, 0, 0, 0, 1), episode=0):
        for correction in corrections:
            add_correction(root, correction)
        found = frame_classes(root, episode, rewards, CLASSES, SUCCESS)
        assert len(found) == len(rewards) + 1
        return "".join(name[0] for name in found)

    return classes


def test_what_the_operator_said_against_a_classifier_is_a_correction(root, features, make_record, encode):
    """It comes with the episode from the journal, by her, behind those that are there, which stay."""
    add_correction(root, success(2))
    plain = msgspec.structs.replace(features, images=(), views=())
    with JournalWriter(root / "journal", plain, "task") as journal:
        for number, override in ((2, Override.SUCCESS), (3, Override.FAILURE), (4, Override.NONE)):
            for step in range(STEPS + 1):
                vectors = {} if step == STEPS else {"action": bytes(12), "joint_goal": bytes(24)}
                record = make_record(number, step, final=step == STEPS, mode=Mode.DEMO, **vectors)
                record.terminated = step >= STEPS - 1
                record.override = override if step == STEPS - 1 else Override.NONE
                journal.write(encode(record), b"")
    assert fold(root).kept == 3
    first, *fresh = read_corrections(root)
    assert first == success(2)
    assert [(c.episode, c.kind, c.start, c.by) for c in fresh] == [
        (2, "success", STEPS, "operator"), (3, "failure", 0, "operator"),
    ]  # fmt: skip
    open_dataset(root)  # which refuses those that are not about its episodes


def test_classes_as_recorded(said):
    """An observation is of the rewarded class where the step before it was rewarded, else of the first."""
    assert said() == "nnnnnns"
    assert said(rewards=[0, 0, 1, 1, 0, 0]) == "nnnssnn"


def test_classes_as_corrected(said):
    """Later corrections lie over earlier ones; those of other episodes do not matter."""
    assert said(span(1, 3, "grasped"), failure(episode=1)) == "nggnnns"
    assert said(success(2)) == "ngsssss"
    assert said(failure()) == "ngnnnnn"
    assert said(span(6, 7, SUCCESS)) == "ngnnnns"
    assert said(episode=1, rewards=[0] * 6) == "nnnnnnn"


def test_every_correction_is_kept_and_undone(said, root):
    """An undo takes back the last correction of its episode that is in force; nothing ever leaves the file."""
    assert said(success(2), span(4, 7, "nothing")) == "nnssnnn"
    assert said(failure(episode=1), undo()) == "nnsssss"
    assert said(undo(), undo()) == "nnnnnns"
    assert [c.kind for c in read_corrections(root)] == [
        "success", "span", "failure", "undo", "undo", "undo",
    ]  # fmt: skip
    assert in_force(read_corrections(root)) == {1: [failure(episode=1)]}


def test_what_an_episode_cannot_have_is_refused(root):
    """A correction of an episode or observation that is not there, or that was another episode, is not written."""
    for wrong in (
        success(7),
        span(3, 8, SUCCESS),
        span(3, 3, SUCCESS),
        undo(2),
        success(2).__class__(episode=1, origin=origin(0), kind="failure"),
    ):
        with pytest.raises(LabelError, match=r"observations 0 to 6|was said of another episode"):
            add_correction(root, wrong)
    assert not (root / LABELS).exists()


def test_an_unknown_class_is_an_error(said):
    """A class that a classifier does not have is named, with what it has and how to take it back."""
    with pytest.raises(
        LabelError, match=r"episode 0 has 1:3 = gone, which is none of nothing, grasped, success.*--undo"
    ):
        said(span(1, 3, "gone"))


@pytest.fixture
def episode(make_record):
    """Six steps and the final record; `reward`: of each step."""

    def make(reward="000001", **ends):
        rewards = [float(digit) for digit in reward]
        records = [
            make_record(0, i, reward=r, success=bool(r), action=b"a") for i, r in enumerate(rewards)
        ] + [make_record(0, STEPS, final=True)]
        for record in records[-2:]:
            record.terminated, record.truncated = ends.get("terminated", True), ends.get("truncated", False)
            record.success = bool(rewards[-1])
        return records

    return make


def told(records):
    """Rewards, and the end: s success, f failure, t truncated; each with what all records agree on."""
    *steps, final = records
    assert final.final
    assert [step.success for step in steps] == [step.reward > 0 for step in steps]
    assert not any(step.terminated or step.truncated for step in steps[:-1])
    ends = [(r.terminated, r.truncated, r.success) for r in (steps[-1], final)]
    assert ends[0] == ends[1]
    assert ends[0][0] != ends[0][1]
    how = "t" if final.truncated else "s" if final.success else "f"
    return "".join(f"{step.reward:.0f}" for step in steps) + how


def test_rewards_and_end_as_corrected(episode):
    """Success from an observation on rewards each step from the one before it; an end that was wrong truncates."""
    assert told(corrected(episode(), [])) == "000001s"
    assert told(corrected(episode(), [success(4)])) == "000111s"
    assert told(corrected(episode(), [failure()])) == "000000f"
    assert told(corrected(episode(), [span(6, 7, "nothing")])) == "000000t"
    assert told(corrected(episode(), [failure(), success(6)])) == "000001s"
    assert told(corrected(episode("000000"), [success(6)])) == "000001t"
    assert told(corrected(episode("000000"), [span(2, 4, SUCCESS)])) == "011000f"
    dropped = episode("001111", terminated=False, truncated=True)
    assert told(corrected(dropped, [span(5, 7, "nothing")])) == "001100t"
    assert told(corrected(dropped, [span(5, 7, "nothing"), failure()])) == "000000f"


def test_what_is_not_corrected_stays_to_the_bit(episode):
    """A penalty off the reward, and all else of a record, outlives a correction of other steps."""
    records = episode("000011", terminated=False, truncated=True)
    records[5].reward, records[1].reward = 0.95, -0.05
    mended = corrected(records, [span(5, 6, "nothing")])
    assert mended[4].reward == 0.0
    mended[4].reward, mended[4].success = 1.0, True
    assert mended == records


def test_an_episode_cut_at_its_first_success(episode):
    """It ends there in success, with the next observation as its last; one that ends so, or never succeeds, stays."""
    records = episode("001111", terminated=False, truncated=True)
    cut = until_success(records)
    assert told(cut) == "001s"
    assert cut[-1].state == records[3].state
    assert cut[-1].action == b""
    assert told(until_success(episode())) == "000001s"
    assert told(until_success(episode("000001", terminated=False, truncated=True))) == "000001s"
    assert until_success(failed := episode("000000")) == failed


def test_damage_gives_no_wrong_label(said, root):
    """What was written is read, or the error says that it is damaged, and what removing the file means."""
    assert said(success(2), span(1, 3, "grasped", episode=1), undo(), failure()) == "nnnnnnn"
    path = root / LABELS
    tried = survey(
        path.read_bytes(),
        on_disk(path, lambda: read_corrections(root)),
        (DatasetDamagedError, DatasetFormatError),
    )
    assert tried.refused > 100
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DatasetDamagedError, match=r"labels.json is damaged: .*all is as it was recorded"):
        frame_classes(root, 0, [0, 1], CLASSES, SUCCESS)
