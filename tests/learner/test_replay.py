"""Replay: links, tiers, eviction and what a batch is made of."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilrt.learner.replay import Replay, Tier
from hilrt.step.features import Features
from hilrt.step.record import GripperCommand, Mode, Record, Source

FIXTURES = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def transitions(replay: Replay, tier: Tier) -> set[tuple[int, int, int, int]]:
    """(episode, step) of every row that can be drawn and of its next row, read from their states."""
    rows = replay._rows
    pairs = set()
    for index in replay.tiers[tier]:
        now, after = rows[index], rows[replay._next[index]]
        pairs.add((int(now[0]), int(now[1]), int(after[0]), int(after[1])))
    return pairs


def consecutive(records: list[Record]) -> set[tuple[int, int, int, int]]:
    """What a naive reader would link."""
    return {
        (a.episode, a.step, b.episode, b.step)
        for a, b in zip(records, records[1:], strict=False)
        if not a.final and a.episode == b.episode and b.step == a.step + 1
    }


@FIXTURES
@given(
    lengths=st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans()), min_size=1, max_size=30),
    lost=st.sets(st.integers(0, 250)),
)
def test_next_never_crosses_an_end_or_a_gap(
    features: Features,
    make_episode: Callable[..., list[Record]],
    lengths: list[tuple[int, bool, bool]],
    lost: set[int],
) -> None:
    """The links are exactly those of consecutive steps, whatever steps are missing and whatever is discarded."""
    records = []
    for episode, (steps, success, discarded) in enumerate(lengths):
        records += make_episode(episode, steps, success=success, discarded=discarded)
    seen = [record for position, record in enumerate(records) if position not in lost]
    replay = Replay(features, 1000, 8, 0)
    for record in seen:
        replay.add(record)
    gone = {record.episode for record in seen if record.discarded}
    kept = [record for record in seen if record.episode not in gone]
    assert transitions(replay, Tier.ONLINE) == consecutive(kept)


@FIXTURES
@given(lengths=st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=20, max_size=60))
def test_links_stay_true_when_the_ring_wraps(
    features: Features, make_episode: Callable[..., list[Record]], lengths: list[tuple[int, bool]]
) -> None:
    """However rows are overwritten and successes spared, a drawn row's next is its own, and the newest are there."""
    replay = Replay(features, 100, 8, 0)
    records = []
    for episode, (steps, success) in enumerate(lengths):
        for record in make_episode(episode, steps, success=success):
            replay.add(record)
            records.append(record)
    drawn = transitions(replay, Tier.ONLINE)
    assert drawn <= consecutive(records)
    assert drawn >= consecutive(records[-50:])
    successes = [r for r in records if lengths[r.episode][1]]
    newest = [r for r in successes if sum(s.episode >= r.episode for s in successes) <= 50]
    assert (
        transitions(replay, Tier.SUCCESSES)
        == consecutive(newest)
        == transitions(replay, Tier.SUCCESSES) & drawn
    )


def test_tiers_hold_what_their_names_say(
    features: Features, make_episode: Callable[..., list[Record]]
) -> None:
    """Demonstrations, human rows and unaided successes go to their tiers; rescued successes are no successes."""
    replay = Replay(features, 1000, 8, 0)
    rescued = make_episode(1, 4, success=True)
    rescued[1].source = Source.HUMAN
    for record in (
        *make_episode(0, 3, success=True, mode=Mode.DEMO, source=Source.HUMAN),
        *make_episode(0, 5, success=True),
        *rescued,
        *make_episode(2, 6),
    ):
        replay.add(record)
    assert {pair[0] for pair in transitions(replay, Tier.DEMONSTRATIONS)} == {0}
    assert len(replay.tiers[Tier.DEMONSTRATIONS]) == 3
    assert transitions(replay, Tier.INTERVENTIONS) == {(1, 1, 1, 2)}
    assert transitions(replay, Tier.SUCCESSES) == {(0, t, 0, t + 1) for t in range(5)}
    assert len(replay.tiers[Tier.ONLINE]) == 5 + 4 + 6


@pytest.mark.parametrize("ending", ["success", "failure", "cut"])
def test_only_successful_demonstrations_are_imitated(
    features: Features, make_episode: Callable[..., list[Record]], ending: str
) -> None:
    """What a person did on the way to a failure, or to an end unknown, teaches the critics and is no example."""
    replay = Replay(features, 1000, 16, 0)
    records = make_episode(0, 6, success=ending == "success", mode=Mode.DEMO, source=Source.HUMAN)
    for record in records[:-1] if ending == "cut" else records:
        replay.add(record)
    (batch,) = replay.sample(1)
    assert batch.counts == (0, 16, 0, 0)
    assert batch.shown.tolist() == [float(ending == "success")] * 16


def test_success_with_a_gap_is_not_counted_as_unaided(
    features: Features, make_episode: Callable[..., list[Record]]
) -> None:
    """A step that was lost may have been the human's, so its episode joins no tier of successes."""
    replay = Replay(features, 1000, 8, 0)
    for record in make_episode(0, 5, success=True):
        if record.step != 2:
            replay.add(record)
    assert len(replay.tiers[Tier.SUCCESSES]) == 0


def test_demonstrations_outlive_any_number_of_steps(
    features: Features, make_episode: Callable[..., list[Record]]
) -> None:
    """The ring wraps many times, the store of demonstrations grows, and every demonstration is still there."""
    replay = Replay(features, 50, 8, 0)
    shown = [r for e in range(120) for r in make_episode(e, 12, mode=Mode.DEMO, source=Source.HUMAN)]
    for record in shown:
        replay.add(record)
    for episode in range(40):
        for record in make_episode(episode, 9):
            replay.add(record)
    assert transitions(replay, Tier.DEMONSTRATIONS) == consecutive(shown)
    assert replay.statistics().evicted == 40 * 10 - 50


@pytest.mark.parametrize(
    ("human", "success", "expected"),
    [
        (False, False, (32, 32, 0, 0)),
        (True, False, (32, 20, 12, 0)),
        (False, True, (32, 23, 0, 9)),
        (True, True, (32, 16, 10, 6)),
    ],
)
def test_batch_is_half_online_half_human_tiers(
    features: Features,
    make_episode: Callable[..., list[Record]],
    human: bool,
    success: bool,
    expected: tuple[int, ...],
) -> None:
    """The human half is 50, 30 and 20 %, renormalised over the tiers that have rows."""
    replay = Replay(features, 1000, 64, 0)
    aided = make_episode(0, 5)
    if human:
        for record in aided[:4]:
            record.source = Source.HUMAN
    shown = make_episode(0, 5, success=True, mode=Mode.DEMO, source=Source.HUMAN)
    for record in (*shown, *aided, *make_episode(1, 5, success=success)):
        replay.add(record)
    (batch,) = replay.sample(1)
    assert batch.counts == expected
    assert batch.shown[32 : 32 + expected[1] + expected[2]].all()
    assert len(batch.state) == 64


def test_a_few_corrections_are_not_drawn_more_often_than_demonstrations(
    features: Features, make_episode: Callable[..., list[Record]]
) -> None:
    """One corrected step beside 99 demonstrated ones is a hundredth of what is drawn of both, not 3 in 8."""
    replay = Replay(features, 1000, 400, 0)
    aided = make_episode(0, 100)
    aided[2].source = Source.HUMAN
    shown = make_episode(0, 99, success=True, mode=Mode.DEMO, source=Source.HUMAN)
    for record in (*shown, *aided):
        replay.add(record)
    (batch,) = replay.sample(1)
    assert batch.counts == (200, 198, 2, 0)


def test_batch_without_online_rows_is_all_demonstrations(
    features: Features, make_episode: Callable[..., list[Record]]
) -> None:
    """Before the first online step a batch is made of demonstrations alone."""
    replay = Replay(features, 1000, 16, 0)
    for record in make_episode(0, 5, mode=Mode.DEMO, source=Source.HUMAN):
        replay.add(record)
    (batch,) = replay.sample(1)
    assert batch.counts == (0, 16, 0, 0)


def test_batch_carries_what_was_recorded(
    features: Features, make_episode: Callable[..., list[Record]]
) -> None:
    """State, action, command, reward, end flag and next state of a drawn row are those of its records."""
    replay = Replay(features, 1000, 64, 0)
    records = make_episode(3, 9, success=True)
    for record in records:
        replay.add(record)
    (batch,) = replay.sample(1)
    for row in range(64):
        record = records[int(batch.state[row, 1])]
        assert batch.action[row].numpy().tobytes() == record.action
        assert batch.next_state[row].numpy().tobytes() == records[record.step + 1].state
        assert batch.gripper[row] == record.gripper
        assert (batch.reward[row], batch.terminated[row]) == (record.reward, record.terminated)


def test_gripper_change_is_counted_against_the_last_real_command(
    features: Features, make_record: Callable[..., Record]
) -> None:
    """`stay` is no change and forgets nothing; repeating a command is none either; a new episode starts afresh."""
    close, stay, open_ = GripperCommand.CLOSE, GripperCommand.STAY, GripperCommand.OPEN
    commands = [stay, open_, open_, stay, open_, close, stay, close, open_]
    expected = [0, 1, 0, 0, 0, 1, 0, 0, 1]
    replay = Replay(features, 1000, 400, 0)
    for episode in (0, 1):
        for step, command in enumerate(commands):
            replay.add(make_record(episode, step, gripper=command))
        replay.add(make_record(episode, len(commands), final=True))
    (batch,) = replay.sample(1)
    places = [(int(episode), int(step)) for episode, step in batch.state[:, :2]]
    changes = dict(zip(places, batch.change.tolist(), strict=True))
    for episode in (0, 1):
        assert [changes[episode, step] for step in range(len(commands))] == expected


def test_rows_of_a_success_know_how_far_it_was(
    features: Features, make_record: Callable[..., Record]
) -> None:
    """Steps and gripper changes are counted to the next reward; with none, or a step missing, both are infinite."""
    replay = Replay(features, 1000, 400, 0)
    opened, closed = GripperCommand.OPEN, GripperCommand.CLOSE
    for episode, (missing, success) in enumerate([(None, True), (2, True), (None, False)]):
        for step, command in enumerate([opened, closed, closed, opened, opened, closed]):
            if step != missing:
                reward = float(success and step in {2, 4})
                replay.add(make_record(episode, step, gripper=command, reward=reward))
        replay.add(make_record(episode, 6, final=True, success=success))
    (batch,) = replay.sample(1)
    left = torch.stack((batch.steps_left, batch.changes_left), dim=1).tolist()
    told = {(int(e), int(s)): tuple(x) for (e, s), x in zip(batch.state[:, :2], left, strict=True)}
    never = (float("inf"),) * 2
    assert [told[0, step] for step in range(6)] == [(2, 2), (1, 1), (0, 0), (1, 1), (0, 0), never]
    assert {told[place] for place in told if place[0]} == {never}


def test_equal_seeds_draw_equal_batches(
    features: Features, make_episode: Callable[..., list[Record]]
) -> None:
    """Two stores filled alike draw alike; another seed draws differently."""

    def draw(seed: int) -> bytes:
        replay = Replay(features, 1000, 16, seed)
        for record in make_episode(0, 50):
            replay.add(record)
        return b"".join(batch.state.numpy().tobytes() for batch in replay.sample(3))

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


@pytest.mark.parametrize("by_hand", [True, False])
def test_gripper_that_the_policy_moved_is_not_imitated(
    features: Features, make_episode: Callable[..., list[Record]], by_hand: bool
) -> None:
    """Where the operator's device leaves the gripper to the policy, her corrections show how to move, not to grip."""
    replay = Replay(features, 1000, 8, 0, gripper_by_hand=by_hand)
    for record in make_episode(0, 6):
        record.source = Source.HUMAN
        replay.add(record)
    (batch,) = replay.sample(1)
    assert batch.shown.all()
    assert batch.gripper_shown.tolist() == [float(by_hand)] * 8


def test_a_row_knows_its_session(features: Features, make_episode: Callable[..., list[Record]]) -> None:
    """Rows that can be drawn are counted by the recording that they are from; who is overwritten is not counted."""
    replay = Replay(features, 50, 8, 0)
    shown = make_episode(0, 6, success=True, mode=Mode.DEMO)
    for session, records in (("shown", shown), ("before", make_episode(0, 20)), ("now", make_episode(1, 10))):
        for record in records:
            replay.add(record, session=session)
    assert replay.statistics().sessions == {"shown": 6, "before": 20, "now": 10}
    for record in make_episode(2, 38):
        replay.add(record, session="now")
    assert replay.statistics().sessions == {"shown": 6, "before": 0, "now": 48}
