"""Exact resume: after any history, a learner that was stopped goes on as one that was not."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rundir import Run
from safetensors.numpy import save as to_safetensors

from hilrt.config import Config
from hilrt.config.constants import Networks
from hilrt.data.history import set_aside
from hilrt.errors import CheckpointError, CheckpointsUnusableError
from hilrt.learner import checkpoint
from hilrt.learner.replay import Tier
from hilrt.learner.training import Training
from hilrt.policy.saved import (
    Evaluation,
    checkpoints_of,
    load_arrays,
    load_meta,
    newest_checkpoint,
    write_checkpoint,
)
from hilrt.step.record import Mode, Record, Source

CAPACITY = 40
"""Rows, so that histories are long enough for evictions, and protected rows stand in their way."""


class Plot(msgspec.Struct, frozen=True):
    """How an episode goes."""

    steps: int
    success: bool
    human: tuple[int, ...]
    discarded: bool
    mode: Mode
    ended: bool
    """Whether its final record came; control that was killed leaves none."""
    lost: int | None
    """A step that reached neither ring nor journal."""


plots = st.builds(
    Plot,
    steps=st.integers(1, 9),
    success=st.booleans(),
    human=st.sampled_from([(), (), (0, 1), (3, 4, 5)]),
    discarded=st.sampled_from([False, False, False, True]),
    mode=st.sampled_from([Mode.TRAIN, Mode.TRAIN, Mode.TRAIN, Mode.EVAL]),
    ended=st.sampled_from([True, True, True, False]),
    lost=st.sampled_from([None, None, None, 2]),
)


def played(run: Run, number: int, plot: Plot) -> list[Record]:
    """The records of an episode."""
    records = run.episode(number, plot.mode, steps=plot.steps, success=plot.success)
    for record in records:
        record.source = Source.HUMAN if record.step in plot.human else Source.POLICY
        record.gripper = (number + record.step) % 3
        record.discarded = record.final and plot.discarded
    return [r for r in records if r.step != plot.lost and (plot.ended or not r.final)]


def learn(training: Training, records: list[Record]) -> list[object]:
    """Take records in and learn what they pay for; figures reported, and in the end all that was learned."""
    figures: list[object] = []
    for record in records:
        training.take(record)
        while training.credit.due:
            figures.append(training.step())
    return [
        *figures,
        {name: value.numpy().tobytes() for name, value in training.algorithm.state_dict().items()},
    ]


@pytest.fixture
def make_run(tmp_path: Path, make_config: Callable[..., Config]) -> Callable[[], Run]:
    """A run with a demonstration and a small ring, in a new folder at each call."""
    count = itertools.count()

    def make() -> Run:
        config = make_config(online_step_before_learning=3, batch_size=8, utd_ratio=1.0, bc="qfilter")
        learner = msgspec.structs.replace(config.learner, online_buffer_capacity=CAPACITY)
        run = Run(tmp_path / str(next(count)), msgspec.structs.replace(config, learner=learner))
        run.demonstrate(run.episode(0, Mode.DEMO))
        return run

    return make


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(plots, min_size=2, max_size=16), st.data())
def test_stopped_run_learns_what_it_would_have(
    make_run: Callable[[], Run], plot: list[Plot], data: st.DataObject
) -> None:
    """Stopped after any record, among evictions, discards, cuts, gaps and evaluations: same rows, networks, bits."""
    run = make_run()
    records = [record for number, p in enumerate(plot) for record in played(run, number, p)]
    stop = data.draw(st.integers(0, len(records)), label="stopped after")
    whole = run.training()
    whole.load()
    learn(whole, records[:stop])
    whole.save()
    run.write("journal", records[:stop])
    again = run.training()
    assert again.load()
    for tier in Tier:
        assert list(again.replay.tiers[tier]) == list(whole.replay.tiers[tier])
    for name in ("_rows", "_next", "_previous", "_protected"):
        assert np.array_equal(getattr(again.replay, name), getattr(whole.replay, name)), name
    assert again.bc_weight == whole.bc_weight
    shutil.rmtree(run.folder / "journal", ignore_errors=True)
    assert learn(again, records[stop:]) == learn(whole, records[stop:])


def test_stop_between_two_looks_changes_no_figure(make_run: Callable[[], Run]) -> None:
    """Means that are reported every 50 updates are those of all 50, though the learner stopped and resumed after 40."""
    run = make_run()
    records = [r for n in range(4) for r in run.episode(n, Mode.TRAIN)]
    whole = run.training()
    whole.load()
    for record in records:
        whole.take(record)
    run.write("journal", records)
    for _ in range(20):
        whole.step()
    whole.save()
    again = run.training()
    again.load()
    ours, theirs = ([training.step() for _ in range(5)] for training in (again, whole))
    assert ours[-1] is not None
    assert ours == theirs


def test_evaluation_stays_with_its_checkpoint(make_run: Callable[[], Run]) -> None:
    """A run that is resumed and stopped again at once writes the same checkpoint, evaluation included."""
    run = make_run()
    episode = run.episode(0, Mode.TRAIN)
    judged = run.episode(1, Mode.EVAL)
    first = run.training()
    first.load()
    learn(first, episode)
    first.judge()
    learn(first, judged)
    run.write("journal", episode)
    first.close_evaluation()
    before = load_meta(newest_checkpoint(run.folder))
    again = run.training()
    again.load()
    again.save()
    assert load_meta(newest_checkpoint(run.folder)) == before
    assert before.evaluation == Evaluation(1, 1)


def everything(training: Training) -> dict[str, bytes]:
    """All that a checkpoint would hold, optimisers included."""
    return {
        name: value.tobytes() for name, value in checkpoint._learner_arrays(training.algorithm).items()
    } | {name: value.tobytes() for name, value in training.algorithm.actor.to_arrays().items()}


def changed(run: Run, **learner: object) -> Run:
    """The run with other settings of its learner."""
    settings = msgspec.structs.replace(run.config.learner, **learner)
    run.config = msgspec.structs.replace(run.config, learner=settings)
    return run


def stopped(run: Run) -> Run:
    """A run with one checkpoint, made after a few learner steps."""
    training = run.training()
    training.load()
    episode = run.episode(0, Mode.TRAIN)
    learn(training, episode)
    run.write("journal", episode)
    training.save()
    return run


def test_checkpoint_of_another_ensemble_changes_nothing(make_run: Callable[[], Run]) -> None:
    """A learner of more critics refuses it before a network or an optimiser is touched."""
    run = changed(stopped(make_run()), num_critics=4)
    training = run.training()
    training.algorithm.normalise_by(np.ones((2, len(run.features.state)), np.float32))
    before = everything(training)
    with pytest.raises(CheckpointError, match=r"is \(2, .*should be \(4, .*num_critics"):
        checkpoint.load_networks(newest_checkpoint(run.folder), training.algorithm)
    assert everything(training) == before


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        ({"hidden": 128}, r"networks with hidden = 256 \(now 128\); set policy.networks back"),
        ({"state_clip": 3.0}, r"networks with state_clip = 5 \(now 3\)"),
        (
            {"std_initial": 0.05, "std_max": 0.1},
            r"std_max = 0.12 \(now 0.1\), std_initial = 0.1 \(now 0.05\)",
        ),
    ],
)
def test_checkpoint_of_other_networks_is_refused_by_name(
    make_run: Callable[[], Run], networks: dict, said: str
) -> None:
    """Also where sizes are the same: the same weights would decide otherwise."""
    run = stopped(make_run())
    policy = msgspec.structs.replace(run.config.policy, networks=Networks(**networks))
    run.config = msgspec.structs.replace(run.config, policy=policy)
    training = run.training()
    before = everything(training)
    with pytest.raises(CheckpointError, match=said):
        checkpoint.load_networks(newest_checkpoint(run.folder), training.algorithm)
    assert everything(training) == before


def test_going_on_with_another_constant_is_said(
    make_run: Callable[[], Run], caplog: pytest.LogCaptureFixture
) -> None:
    """The digest of all values tells; learning goes on with the new one, and of the same nothing is said."""
    run = stopped(make_run())
    path = newest_checkpoint(run.folder)
    said = f"{path} was made with other settings; learning goes on with those of now"
    assert run.training().load()
    assert load_meta(path).config == checkpoint.config_digest(run.config)
    assert said not in caplog.messages
    constants = msgspec.structs.replace(run.config.learner.constants, epsilon=0.03)
    changed(run, constants=constants)
    assert load_meta(path).config != checkpoint.config_digest(run.config)
    assert run.training().load()
    assert caplog.messages.count(said) == 1


def test_run_without_usable_checkpoint_does_not_begin_anew(make_run: Callable[[], Run]) -> None:
    """It stops with the reason, its checkpoints are there as before; asked to, it begins anew."""
    run = changed(stopped(make_run()), num_critics=4)
    path = newest_checkpoint(run.folder)
    files = {file.name: file.read_bytes() for file in path.iterdir()}
    with pytest.raises(CheckpointsUnusableError, match=r"none of the 1 .*num_critics.*--anew"):
        run.training().load()
    assert {file.name: file.read_bytes() for file in path.iterdir()} == files
    set_aside(run.folder, checkpoints_of(run.folder))
    assert not run.training().load()


def test_older_checkpoint_is_used_and_said(make_run: Callable[[], Run]) -> None:
    """Where the newest is damaged, learning goes on from the one before, and whoever looks on is told why."""
    run = stopped(make_run())
    older = newest_checkpoint(run.folder)
    newer = older.with_name("00000999")
    shutil.copytree(older, newer)
    (newer / "learner.safetensors").write_bytes(b"torn")
    training = run.training()
    assert training.load()
    assert "learner.safetensors: is damaged" in training.notice


def test_noise_of_another_device_is_begun_anew(make_run: Callable[[], Run]) -> None:
    """A checkpoint whose generator is a GPU's (16 bytes of state) gives its networks to a learner on a CPU."""
    run = stopped(make_run())
    path = newest_checkpoint(run.folder)
    meta = load_meta(path)
    arrays = load_arrays(path, meta, "learner.safetensors") | {"generator": np.zeros(16, np.uint8)}
    data = to_safetensors(arrays)
    digests = meta.digests | {"learner.safetensors": xxhash.xxh3_64_hexdigest(data)}
    files = {"actor.safetensors": (path / "actor.safetensors").read_bytes(), "learner.safetensors": data}
    write_checkpoint(path.parent, msgspec.structs.replace(meta, digests=digests), files)
    training = run.training()
    assert training.load()
    assert training.step() is None
