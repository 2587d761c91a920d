"""The learner process as control sees it: through ring, weights and status block."""

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
from rundir import Run

from hilrt.config import Config
from hilrt.learner.intake import Intake
from hilrt.learner.process import _Process
from hilrt.learner.publication import Publication
from hilrt.policy.saved import Evaluation, checkpoints_of, load_actor, load_meta
from hilrt.run.job import Job, Role, Spec
from hilrt.run.memory import RunMemory
from hilrt.shm.ring import Ring
from hilrt.shm.weights import WeightsReader, WeightsWriter
from hilrt.step.record import Mode, encode_into

PATIENCE_S = 60.0


class Control:
    """What control does to the learner, which runs in a thread."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.run, self.status = run, stack.enter_context(RunMemory(name, run.config, Job.TRAIN)).status
        schema = run.features.schema()
        self.ring, ring = (stack.enter_context(Ring.attach(name, "steps-learner", schema)) for _ in range(2))
        fds = {what: os.eventfd(0, os.EFD_NONBLOCK) for what in ("learner_steps", "updates")}
        for fd in fds.values():
            stack.callback(os.close, fd)
        self.wake = fds["learner_steps"]
        spec = Spec(role=Role.LEARNER, job=Job.TRAIN, run=name, run_dir=str(run.folder), fds=fds)
        process = _Process(spec, run.config, self.status, run.metrics)
        training = stack.enter_context(process.training)
        process.start()
        writer = stack.enter_context(WeightsWriter.open(name, training.algorithm.actor.to_arrays()))
        publication = Publication(writer, training, run.config)
        intake = Intake(ring, run.folder / "journal", None, training.eyes, self.status.recorder)
        self.thread = threading.Thread(target=process.run, args=(intake, publication))
        stack.callback(self.stop)
        self.thread.start()
        reader = WeightsReader.try_attach(name)
        assert reader
        self.reader = stack.enter_context(reader)

    def plays(self, number: int, mode: Mode) -> None:
        """An episode goes to the learner."""
        for record in self.run.episode(number, mode):
            self.ring.try_push(encode_into(record, bytearray()))
        os.eventfd_write(self.wake, 1)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait, under a watchdog."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.thread.is_alive()
            assert time.monotonic() < deadline, "watchdog"
            time.sleep(0.005)

    def stop(self) -> None:
        """The run ends."""
        self.status.supervisor.stop = 1
        self.thread.join()


@pytest.fixture
def control(tmp_path: Path, make_config: Callable[..., Config]) -> Iterator[Control]:
    """Of a run in real time whose learner has far more to do than it can."""
    config = make_config(
        online_step_before_learning=0,
        utd_ratio=1000.0,
        warm_start_steps=2,
        critic_warmup_steps=2,
        policy_parameters_push_frequency=0.0,
    )
    run = Run(
        tmp_path, msgspec.structs.replace(config, sim=msgspec.structs.replace(config.sim, clock="realtime"))
    )
    run.demonstrate(run.episode(0, Mode.DEMO))
    with ExitStack() as stack:
        yield Control(run, stack)


def test_busy_learner_keeps_what_control_is_about_to_judge(control: Control) -> None:
    """The answer is a checkpoint and the weights of it; learning goes on, and the score comes to that checkpoint."""
    learner = control.status.learner
    control.plays(0, Mode.TRAIN)
    control.until(lambda: learner.updates > 60)
    control.status.control.asked += 1
    control.until(lambda: learner.answered == 1)
    adopted = control.reader.adopt()
    assert adopted
    path = checkpoints_of(control.run.folder)[-1]
    answered = load_meta(path).updates
    kept = load_actor(path).to_arrays()
    assert all(np.array_equal(adopted.arrays[name], value) for name, value in kept.items())
    control.until(lambda: learner.updates > answered + 120)
    assert control.reader.version == adopted.version
    control.plays(1, Mode.EVAL)
    control.until(lambda: control.reader.version > adopted.version)
    control.plays(2, Mode.TRAIN)
    control.until(lambda: load_meta(path).evaluation is not None)
    assert load_meta(path).evaluation == Evaluation(1, 1)
    assert load_meta(path).updates == answered
