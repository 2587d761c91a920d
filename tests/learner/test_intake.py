"""Records come out of the ring once each, in order, and what it lost comes from the journal."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hilrt.config import Config
from hilrt.data.journalwriter import JournalWriter
from hilrt.learner import intake as module
from hilrt.learner.eyes import Eyes
from hilrt.learner.intake import Arrival, Intake
from hilrt.policy.trunk import Trunk
from hilrt.policy.vision import Sight
from hilrt.shm.ring import Ring
from hilrt.shm.status import RecorderStatus
from hilrt.step.features import Features
from hilrt.step.record import Record, encode_into

SLOTS = 8


@pytest.fixture
def ring(features: Features) -> Iterator[Ring]:
    """A ring of eight steps."""
    run = f"test-{uuid.uuid4().hex[:12]}"
    ring = Ring.create(run, "steps-learner", SLOTS, features.header_bytes, 0, features.schema())
    yield ring
    ring.close()
    Path(f"/dev/shm/hilrt-{os.getuid()}-{run}-steps-learner").unlink()


@pytest.fixture
def world(
    ring: Ring, tmp_path: Path, features: Features, make_config: Callable[..., Config]
) -> Iterator["World"]:
    blind = Eyes(make_config(), features, Trunk(features), Sight())
    with JournalWriter(tmp_path, features, "test") as journal:
        yield World(ring, journal, tmp_path, blind)


class World:
    """Control and recorder: what happens goes to ring and journal."""

    def __init__(self, ring: Ring, journal: JournalWriter, folder: Path, eyes: Eyes) -> None:
        self.ring, self.journal, self.folder, self.eyes = ring, journal, folder, eyes
        self.recorder = RecorderStatus(memoryview(bytearray(RecorderStatus.blank())))

    def happens(self, *records: Record) -> None:
        """Steps, to both."""
        for record in records:
            self.pushed(record)
            self.written(record)

    def pushed(self, *records: Record) -> None:
        """Steps, to the ring."""
        for record in records:
            self.ring.try_push(bytes(encode_into(record, bytearray())))

    def written(self, *records: Record) -> None:
        """Steps, to the journal."""
        for record in records:
            self.journal.write(bytes(encode_into(record, bytearray())))

    def intake(self, after: Record | None = None) -> Intake:
        """A learner that starts now."""
        return Intake(self.ring, self.folder, after, self.eyes, self.recorder)


def keys(arrivals: Iterator[Arrival]) -> list[tuple[int, int]]:
    return [(arrival.record.episode, arrival.record.step) for arrival in arrivals]


def keys_of(records: list[Record]) -> list[tuple[int, int]]:
    return [(record.episode, record.step) for record in records]


def test_steps_pass_in_order(world: World, make_episode: Callable[..., list[Record]]) -> None:
    """What was pushed is drained, once."""
    intake, episode = world.intake(), make_episode(0, 4)
    world.happens(*episode[:3])
    assert keys(intake.drain()) == keys_of(episode[:3])
    world.happens(*episode[3:])
    assert keys(intake.drain()) == keys_of(episode[3:])
    assert intake.gaps_filled == 0


def test_full_ring_is_filled_from_the_journal(
    world: World, make_episode: Callable[..., list[Record]]
) -> None:
    """Steps that did not fit, an episode's end among them, come back in their place."""
    intake, first, second = world.intake(), make_episode(0, 9), make_episode(1, 4)
    world.happens(*first, *second[:2])  # 12 records, of which 4 do not fit
    drained = keys(intake.drain())
    world.happens(*second[2:])
    drained += keys(intake.drain())
    assert drained == keys_of([*first, *second])
    assert intake.gaps_filled == 12 - SLOTS


def test_steps_known_from_the_journal_are_not_taken_twice(
    world: World, make_episode: Callable[..., list[Record]]
) -> None:
    """A learner that was restarted has read the journal; the ring's old steps are left out."""
    episode = make_episode(0, 6)
    world.happens(*episode)
    assert keys(world.intake(after=episode[3]).drain()) == keys_of(episode[4:])


def test_steps_a_dead_learner_popped_are_read_back(
    world: World, make_episode: Callable[..., list[Record]]
) -> None:
    """What the learner before this one took from the ring and the journal did not have yet is not lost."""
    episode = make_episode(0, 6)
    world.happens(*episode[:4])
    list(world.intake().drain())
    world.happens(*episode[4:])
    intake = world.intake(after=episode[1])
    assert keys(intake.drain()) == keys_of(episode[2:])
    assert intake.gaps_filled == 2


def test_cut_episode_is_no_gap(
    world: World, make_episode: Callable[..., list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control that died leaves an episode without an end; nothing is waited for, as the ring lost nothing."""
    monkeypatch.setattr(module, "PATIENCE_S", 1e9)
    cut, after = make_episode(0, 5)[:3], make_episode(1, 2)
    intake = world.intake()
    world.happens(*cut, *after)
    assert keys(intake.drain()) == keys_of([*cut, *after])


def test_episode_cut_with_the_run_before_is_no_gap(
    world: World,
    make_episode: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A resumed run goes on behind an episode without an end; it waits for the recorder alone, and misses nothing."""
    monkeypatch.setattr(module, "PATIENCE_S", 1e9)
    cut, after = make_episode(0, 5)[:3], make_episode(1, 2)
    world.written(*cut)
    intake = world.intake(after=cut[-1])
    world.happens(*after)
    assert keys(intake.drain()) == keys_of(after)
    assert not caplog.records


@pytest.mark.parametrize("written", [0, 2])
def test_gap_waits_for_a_recorder_that_is_behind(
    world: World,
    make_episode: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    written: int,
) -> None:
    """What a killed learner took from the ring, and a full disk not yet, comes once it has, before what is later."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    episode = make_episode(0, 6)
    world.written(*episode[:written])
    world.pushed(*episode[:4])
    list(world.intake().drain())
    world.pushed(*episode[4:6])
    world.recorder.lag = 6
    intake = world.intake(after=episode[written - 1] if written else None)
    for record in episode[written:4]:
        assert not keys(intake.drain())
        world.written(record)
    assert keys(intake.drain()) == keys_of(episode[written:6])
    world.pushed(*episode[6:])
    assert keys(intake.drain()) == keys_of(episode[6:])
    assert not caplog.records


def test_end_comes_from_the_journal(world: World, make_episode: Callable[..., list[Record]]) -> None:
    """Of the last steps of a run, those that only a killed learner has had, or none, are in the journal."""
    first, second = make_episode(0, 6), make_episode(1, 9)
    world.happens(*first)
    list(world.intake().drain())
    intake = world.intake(after=first[3])
    assert not keys(intake.drain())
    world.happens(*second)  # two more than fit
    assert keys(intake.drain()) == keys_of([*first[4:], *second[:SLOTS]])
    assert keys(intake.rest()) == keys_of(second[SLOTS:])
    assert not keys(intake.rest())


def test_gap_nobody_can_fill_is_passed_over(
    world: World,
    make_episode: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Steps that are in neither ring nor journal are given up after a while, and the rest goes on."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    episode = make_episode(0, 12)
    intake = world.intake()
    world.pushed(*episode[:10])
    assert keys(intake.drain()) == keys_of(episode[:SLOTS])
    world.pushed(*episode[10:])
    drained: list[tuple[int, int]] = []
    while not drained:
        drained = keys(intake.drain())
    assert drained == keys_of(episode[10:])
    assert "before episode 0 step 10 are in neither ring nor journal" in caplog.text


def test_gap_that_the_recorder_has_got_past_is_passed_over(
    world: World,
    make_episode: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Steps that the recorder never got are not waited for, however much it has still to write."""
    monkeypatch.setattr(module, "PATIENCE_S", 1e9)
    episode = make_episode(0, 12)
    intake = world.intake()
    world.pushed(*episode[:10])
    list(intake.drain())
    world.recorder.lag = 7
    world.happens(*episode[10:])
    assert keys(intake.drain()) == keys_of(episode[10:])
    assert "before episode 0 step 10 are in neither ring nor journal" in caplog.text
