"""Records come out of the ring once each, in order, and what it lost comes from the journal."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hilrt.config import Config
from hilrt.data.journal import JournalWriter
from hilrt.learner import intake as module
from hilrt.learner.eyes import Eyes
from hilrt.learner.intake import Arrival, Intake
from hilrt.policy.trunk import Trunk
from hilrt.policy.vision import Sight
from hilrt.shm.ring import Ring
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

    def happens(self, *records: Record) -> None:
        """Steps, to both."""
        for record in records:
            data = bytes(encode_into(record, bytearray()))
            self.journal.write(data)
            self.ring.try_push(data)

    def intake(self, after: Record | None = None) -> Intake:
        """A learner that starts now."""
        return Intake(self.ring, self.folder, after, self.eyes)


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
    for record in cut:
        world.journal.write(bytes(encode_into(record, bytearray())))
    intake = world.intake(after=cut[-1])
    world.happens(*after)
    assert keys(intake.drain()) == keys_of(after)
    assert not caplog.records


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
    for record in episode[:10]:
        world.ring.try_push(bytes(encode_into(record, bytearray())))
    assert keys(intake.drain()) == keys_of(episode[:SLOTS])
    world.happens(*episode[10:])
    assert keys(intake.drain()) == keys_of(episode[10:])
    assert "before episode 0 step 10 are in neither ring nor journal" in caplog.text
