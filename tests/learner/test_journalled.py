"""Frames kept as JPEG: what is learnt from is what the journal has, before a restart and after it."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from rundir import Run

from hilrt.config import Config
from hilrt.data.journal import Episode, FileHeader, episode_path, read_episode
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.pictures import packed
from hilrt.learner import intake as module
from hilrt.learner.eyes import Eyes
from hilrt.learner.intake import Arrival, Intake
from hilrt.learner.process import LearnerPhase, _Process
from hilrt.learner.publication import Publication
from hilrt.learner.training import Training
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.run.job import Job, Role, Spec
from hilrt.run.memory import RunMemory
from hilrt.shm.ring import Ring
from hilrt.shm.status import RecorderStatus
from hilrt.shm.weights import WeightsWriter
from hilrt.step.record import Mode, Record, encode_into

CAMERAS = {
    "id": "sim",
    "cameras": {name: {"type": "sim", "width": 32, "height": 24} for name in ("front", "wrist")},
}
PATIENCE_S = 60.0


@pytest.fixture
def run_with(tmp_path: Path, make_config: Callable[..., Config]) -> Iterator[Callable[..., Run]]:
    """A run with two cameras, frames as JPEG and a demonstration; keywords go to [policy]."""
    runs: list[Run] = []

    def make(**policy: object) -> Run:
        if policy["encoder"] == "pretrained":
            torch.manual_seed(5)
            policy["weights"] = str(tmp_path / "encoder.safetensors")
        config = make_config(robot=CAMERAS, policy={"embeddings": 2, "latent": 16, **policy}, batch_size=8)
        dataset = msgspec.structs.replace(config.dataset, image_format="jpeg")
        learner = msgspec.structs.replace(config.learner, online_buffer_capacity=40)
        run = Run(tmp_path, msgspec.structs.replace(config, dataset=dataset, learner=learner))
        if policy["encoder"] == "pretrained":
            views = run.features.views
            write_encoders(tmp_path / "encoder.safetensors", {v.name: Conv() for v in views}, views, {})
        run.demonstrate(run.episode(0, Mode.DEMO))
        runs.append(run)
        return run

    yield make
    for training in (t for run in runs for t in run.trainings):
        training.close()


class World:
    """Control and the recorder, which comes later."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self.run, self.name = run, f"test-{uuid.uuid4().hex[:12]}"
        self.status = stack.enter_context(RunMemory(self.name, run.config, Job.TRAIN)).status
        schema = run.features.schema()
        self.ring, self.other = (
            stack.enter_context(Ring.attach(self.name, "steps-learner", schema)) for _ in range(2)
        )
        self.journal = stack.enter_context(JournalWriter(run.folder / "journal", run.features, "test"))

    def happen(self, *records: Record) -> None:
        """Steps go to the learner."""
        for record in records:
            assert self.ring.try_push(encode_into(record, bytearray()))

    def write(self, *records: Record) -> None:
        """The recorder writes them."""
        for record in records:
            frames = packed(self.run.frames(record), self.run.features.images, "jpeg")
            self.journal.write(bytes(encode_into(record, bytearray())), frames)

    def intake(self, eyes: Eyes, after: Record | None = None) -> Intake:
        """A learner that starts now."""
        recorder = RecorderStatus(memoryview(bytearray(RecorderStatus.blank())))
        return Intake(self.other, self.run.folder / "journal", after, eyes, recorder)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closed at the end."""
    with ExitStack() as stack:
        yield stack


def steps_of(arrivals: Iterator[Arrival]) -> list[tuple[int, int]]:
    return [(arrival.record.episode, arrival.record.step) for arrival in arrivals]


@pytest.mark.parametrize(
    "policy", [{"encoder": "conv"}, {"encoder": "pretrained", "cached_variants": 0}], ids=["conv", "uncached"]
)
def test_a_step_comes_with_the_journals_pictures(
    run_with: Callable[..., Run], stack: ExitStack, policy: dict
) -> None:
    """It waits until the recorder has written it; its views are those that a learner of tomorrow reads from disk."""
    run = run_with(**policy)
    world, eyes = World(run, stack), run.training().eyes
    intake, episode = world.intake(eyes), run.episode(0, Mode.TRAIN)
    world.happen(*episode[:3])
    assert not list(intake.drain())
    assert intake.waiting
    world.write(*episode[:2])
    arrivals = list(intake.drain())
    assert intake.waiting
    world.write(*episode[2:])
    arrivals += intake.drain()
    assert not intake.waiting
    world.happen(*episode[3:])
    arrivals += intake.drain()
    assert [a.record for a in arrivals] == episode
    read = read_episode(episode_path(run.folder / "journal", 0), frames=True)
    for index, arrival in enumerate(arrivals):
        views = eyes.of_disk(read, index)
        assert len(views) == 2
        assert all(torch.equal(a, b) for a, b in zip(arrival.pictures, views, strict=True))
        assert not np.array_equal(
            read.images(index)["front"].ravel(), run.frames(episode[index])[: 32 * 24 * 3]
        )


def test_evaluations_wait_for_nobody(run_with: Callable[..., Run], stack: ExitStack) -> None:
    """Nobody learns from their pictures."""
    run = run_with(encoder="conv")
    world = World(run, stack)
    intake, episode = world.intake(run.training().eyes), run.episode(0, Mode.EVAL)
    world.happen(*episode)
    assert [a.record for a in intake.drain()] == episode


def test_steps_that_the_journal_passed_over_are_not_learnt_from(
    run_with: Callable[..., Run],
    stack: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the middle of an episode and at its end: no later learner would have them either."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    run = run_with(encoder="conv")
    world = World(run, stack)
    intake, first, second = world.intake(run.training().eyes), *(run.episode(n, Mode.TRAIN) for n in (0, 1))
    world.happen(*first, *second)
    world.write(*first[:3], *first[4:-1], *second)
    assert steps_of(intake.drain()) == [(r.episode, r.step) for r in (*first[:3], *first[4:-1], *second)]
    assert "episode 0 step 3 is not in the journal" in caplog.text
    assert "episode 0 step 8 is not in the journal" in caplog.text


def test_a_learner_that_is_restarted_goes_on_within_an_episode(
    run_with: Callable[..., Run], stack: ExitStack
) -> None:
    """What it has read from the journal is not waited for again, and the next step has its own pictures."""
    run = run_with(encoder="conv")
    world, eyes = World(run, stack), run.training().eyes
    episode = run.episode(0, Mode.TRAIN)
    world.write(*episode)
    world.happen(*episode)
    arrivals = list(world.intake(eyes, after=episode[4]).drain())
    assert [a.record for a in arrivals] == episode[5:]
    read = read_episode(episode_path(run.folder / "journal", 0), frames=True)
    assert torch.equal(arrivals[0].pictures[0], eyes.of_disk(read, 5)[0])


def test_the_end_waits_for_the_recorder(run_with: Callable[..., Run], stack: ExitStack) -> None:
    """A run whose work is done learns from its last steps, too, though they are on disk later than in its ring."""
    run = run_with(encoder="conv")
    run.config = msgspec.structs.replace(
        run.config, learner=msgspec.structs.replace(run.config.learner, warm_start_steps=1)
    )
    world = World(run, stack)
    fds = {what: os.eventfd(0, os.EFD_NONBLOCK) for what in ("learner_steps", "updates")}
    for fd in fds.values():
        stack.callback(os.close, fd)
    spec = Spec(role=Role.LEARNER, job=Job.TRAIN, run=world.name, run_dir=str(run.folder), fds=fds)
    process = _Process(spec, run.config, world.status, run.metrics)
    training = stack.enter_context(process.training)
    assert process.start()
    writer = stack.enter_context(WeightsWriter.open(world.name, training.algorithm.actor.to_arrays()))
    arguments = world.intake(training.eyes), Publication(writer, training, run.config)
    thread = threading.Thread(target=process.run, args=arguments)
    episode = run.episode(0, Mode.TRAIN)
    world.status.recorder.pid = os.getpid()
    world.happen(*episode)
    world.status.supervisor.stop = 1
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while world.status.learner.phase != LearnerPhase.WAITING:
        assert time.monotonic() < deadline, "watchdog"
        time.sleep(0.005)
    world.write(*episode)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert training.last == episode[-1]


def as_control_sends(run: Run, training: Training, record: Record) -> tuple[torch.Tensor, ...]:
    """Features of the frame itself."""
    header = FileHeader(episode=record.episode, mode=record.mode, task="t", features=run.features)
    frames = packed(run.frames(record), run.features.images, "png")
    return training.eyes.of_disk(Episode(header=header, records=[record], frames=[frames], torn=None), 0)


def test_features_are_those_that_were_learnt_from(run_with: Callable[..., Run]) -> None:
    """Those of the frame itself, for every row, after more steps than there are rows, and of a success of long ago."""
    run = run_with(encoder="pretrained")
    episodes = [run.episode(n, Mode.TRAIN, success=n == 1) for n in range(15)]
    one = run.training()
    one.load()
    for record in (r for episode in episodes for r in episode):
        one.take(record, as_control_sends(run, one, record))
    one.close()
    run.write("journal", *episodes)
    for _ in range(2):
        other = run.training()
        other.load()
        rows = np.arange(40)
        kept, found = (t.replay._album.draw(rows, None) for t in (one, other))
        assert all(torch.equal(a, b) for a, b in zip(kept, found, strict=True))
        assert np.array_equal(one.replay._rows, other.replay._rows)
        other.close()
