"""When control gets new weights."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from rundir import Run

from hilrt.config import Config
from hilrt.learner.publication import LEAST_UPDATES, Publication
from hilrt.learner.training import Training
from hilrt.run.lockstep import LAG
from hilrt.shm.weights import WeightsReader, WeightsWriter, claim_weights
from hilrt.step.record import Mode


class Wires:
    """A learner of one demonstration, and what control would get of it."""

    def __init__(self, training: Training, config: Config, stack: ExitStack) -> None:
        name = f"test-{uuid.uuid4().hex[:12]}"
        stack.enter_context(claim_weights(name))
        stack.callback(Path(f"/dev/shm/hilrt-{os.getuid()}-{name}-weights").unlink)
        writer = stack.enter_context(WeightsWriter.open(name, training.algorithm.actor.to_arrays()))
        reader = WeightsReader.try_attach(name)
        assert reader
        self.reader, self.training = stack.enter_context(reader), training
        self.publication = Publication(writer, training, config)

    def learn(self, updates: int) -> None:
        """In steps of two."""
        for _ in range(updates // 2):
            self.training.step()

    def are_the_learners(self) -> bool:
        """Whether the newest weights are."""
        adopted = self.reader.adopt()
        assert adopted
        own = self.training.algorithm.actor.to_arrays()
        return all((adopted.arrays[name] == value).all() for name, value in own.items())


@pytest.fixture
def wires(tmp_path: Path, make_config: Callable[..., Config]) -> Iterator[Callable[..., Wires]]:
    """In real time or not; keywords go to the learner."""
    with ExitStack() as stack:

        def make(*, lockstep: bool = False, **settings: object) -> Wires:
            config = make_config(online_step_before_learning=0, **settings)
            assert config.sim
            sim = msgspec.structs.replace(config.sim, clock="lockstep" if lockstep else "realtime")
            run = Run(tmp_path, msgspec.structs.replace(config, sim=sim))
            run.demonstrate(run.episode(0, Mode.DEMO))
            training = run.training()
            training.load()
            return Wires(training, run.config, stack)

        yield make


def test_first_weights_are_there_at_once(wires: Callable[..., Wires]) -> None:
    """Control need not wait for an update."""
    assert wires().are_the_learners()


def test_nothing_is_kept_back_while_the_learner_is_idle(wires: Callable[..., Wires]) -> None:
    """A few updates wait for more while there are more to come, and no longer."""
    w = wires(policy_parameters_push_frequency=0.0)
    w.learn(4)
    w.publication.keep_up(idle=False)
    assert w.publication.version == 1
    for _ in range(2):  # once is enough
        w.publication.keep_up(idle=True)
        assert w.publication.version == 2
    assert w.are_the_learners()
    w.learn(LEAST_UPDATES)
    w.publication.keep_up(idle=False)
    assert w.publication.version == 3


def test_shortest_time_between_two_publications_is_kept(wires: Callable[..., Wires]) -> None:
    """However much is new, and however idle the learner."""
    w = wires(policy_parameters_push_frequency=1e6)
    w.learn(LEAST_UPDATES)
    w.publication.keep_up(idle=True)
    assert w.publication.version == 1


def test_restored_networks_are_published_at_once(wires: Callable[..., Wires]) -> None:
    """After a rollback control gets the networks of then, without another update and before its time."""
    w = wires(policy_parameters_push_frequency=1e6)
    run = Run(w.training._run_dir, w.training._config)
    plot = [(Mode.TRAIN, True)] * 60 + [(Mode.EVAL, True)] * 2 + [(Mode.TRAIN, False)] * 20
    for number, (mode, success) in enumerate(plot):
        assert w.publication.version == 1
        if number == 60:
            w.training.judge()
            w.learn(2)
        for record in run.episode(number, mode, steps=2, success=success):
            w.training.take(record)
        w.publication.keep_up(idle=False)
    assert "went back to the networks" in w.training.notice
    assert w.publication.version == 2
    assert w.are_the_learners()


def test_what_is_to_be_judged_is_not_replaced(wires: Callable[..., Wires]) -> None:
    """Nothing newer is published before the first step that was decided with what control has asked for."""
    w = wires(policy_parameters_push_frequency=0.0)
    w.learn(4)
    w.publication.hold()
    assert w.publication.version == 2
    assert w.are_the_learners()
    w.learn(LEAST_UPDATES)
    w.publication.keep_up(idle=True)
    w.publication.hold()
    assert w.publication.version == 3  # asked again, as by a control that was restarted
    w.learn(LEAST_UPDATES)
    w.publication.keep_up(idle=True)
    assert w.publication.version == 3
    w.publication.taken_in()
    w.publication.keep_up(idle=True)
    assert w.publication.version == 4


def test_in_lockstep_steps_alone_count(wires: Callable[..., Wires]) -> None:
    """Weights come at least `LAG` steps after the last ones, if anything was learned since."""
    w = wires(lockstep=True, policy_parameters_push_frequency=1e6)
    versions = []
    for step in range(4 * LAG):
        if step > LAG:
            w.learn(2)
        w.publication.keep_up(idle=True)
        w.publication.taken_in()
        versions.append(w.publication.version)
    assert versions == [1] * (LAG + 1) + [2] * LAG + [3] * LAG + [4] * (LAG - 1)
