"""Learner steps recorded and replayed: the same learning, and nothing of it waits for the host."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from batches import batch_of
from policy.pictures import FEATURES, TRAINED, views, vision
from rundir import Run
from tape import HostDependencyError, Tape

from hilrt.config import Config
from hilrt.learner.batch import Batch
from hilrt.learner.checkpoint import load_networks
from hilrt.learner.sac import Sac
from hilrt.learner.stepper import WARM, Stepper
from hilrt.policy.actor import Actor
from hilrt.policy.saved import newest_checkpoint
from hilrt.step.record import Mode

CPU = torch.device("cpu")


def batches(seed: int) -> list[Batch]:
    """Those of one learner step."""
    generator = torch.Generator().manual_seed(seed)
    return [
        batch_of(
            32,
            state=torch.randn(32, 3, generator=generator),
            shown=(torch.rand(32, generator=generator) > 0.5).float(),
            reward=(torch.rand(32, generator=generator) > 0.8).float(),
        )
        for _ in range(3)
    ]


def learned(sac: Sac, drawn: Callable[[int], list[Batch]], *, recorded: bool) -> tuple[dict, dict]:
    """Figures and state after ten steps with falling weight of imitation."""
    tape = Tape(sac.generator)
    stepper = Stepper(sac, sac._learner, tape if recorded else None)
    for step in range(10):
        stepper(drawn(step), 1.0 - 0.05 * step)
    assert (len(tape) > 300) == recorded
    return sac.scalars.read(), {name: value.clone() for name, value in sac.state_dict().items()}


def assert_same(make: Callable[[], Sac], drawn: Callable[[int], list[Batch]] = batches) -> None:
    replayed, one_by_one = (learned(make(), drawn, recorded=recorded) for recorded in (True, False))
    assert replayed[0] == one_by_one[0]
    for name, value in one_by_one[1].items():
        assert torch.equal(replayed[1][name], value), name


@pytest.mark.parametrize(
    "settings",
    [{}, {"num_critics": 10}, {"bc": "qfilter"}, {"precision": "bfloat16"}],
    ids=["plain", "ten critics", "qfilter", "bfloat16"],
)
def test_replayed_steps_learn_the_same(make_sac: Callable[..., Sac], settings: dict) -> None:
    """A step recorded once and replayed on other batches, weights and noise is the step itself, bit for bit.

    So it needs nothing from the host: no value, no shape, no branch, and all it changes stays where it is in memory.
    """
    assert_same(lambda: make_sac(**settings))


@pytest.mark.parametrize("encoder", ["trained", "frozen"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_so_do_steps_with_pictures(
    make_config: Callable[..., Config], tmp_path: Path, encoder: str, precision: str, jitter: float
) -> None:
    """Views shifted, and in other light, through an encoder that is trained, and through one that is frozen."""
    seen = TRAINED if encoder == "trained" else vision(tmp_path)

    def make() -> Sac:
        torch.manual_seed(0)
        config = make_config(precision=precision, policy={"jitter": jitter})
        return Sac(Actor(FEATURES, seen), config, CPU)

    def drawn(seed: int) -> list[Batch]:
        generator = torch.Generator().manual_seed(seed)
        pictures = [
            tuple(torch.randint(256, v.shape, dtype=torch.uint8, generator=generator) for v in views(32))
            for _ in range(2)
        ]
        return [b._replace(pictures=pictures[0], next_pictures=pictures[1]) for b in batches(seed)]

    assert_same(make, drawn)


def test_waiting_would_be_seen() -> None:
    """Positive control: a value read, a mask, and a number handed over are each found."""
    tape, x = Tape(torch.Generator()), torch.ones(3)
    for work in (
        lambda: x.sum().item(),
        lambda: x[x > 0],
        lambda: x.add_(torch.tensor(2.0)),
        lambda: float(x[0]),
    ):
        with pytest.raises(HostDependencyError):
            tape.record(work)


def test_what_moves_would_be_seen(make_sac: Callable[..., Sac]) -> None:
    """Positive control: with optimisers' states put elsewhere after recording, replaying learns something else."""
    sac = make_sac()
    stepper = Stepper(sac, sac._learner, Tape(sac.generator))
    for step in range(WARM + 1):
        stepper(batches(step), 1.0)
    adam = sac.descents["policy"].adam
    moments = next(iter(adam.state.values()))
    moments["exp_avg"] = torch.zeros_like(moments["exp_avg"])
    stepper(batches(99), 1.0)
    assert not moments["exp_avg"].any()


def test_networks_loaded_later_are_learned_on(tmp_path: Path, make_config: Callable[..., Config]) -> None:
    """Going back to a checkpoint after recording: the next step is that of a learner that takes each by itself."""
    traces = []
    for name, recorded in (("recorded", True), ("one by one", False)):
        run = Run(tmp_path / name, make_config(online_step_before_learning=0))
        run.demonstrate(run.episode(0, Mode.DEMO), run.episode(1, Mode.DEMO))
        training = run.training()
        training.load()
        if recorded:
            training._stepper = Stepper(
                training.algorithm, run.config.learner, Tape(training.algorithm.generator)
            )
        for _ in range(WARM + 2):
            training.step()
        training.save()
        training.step()
        load_networks(newest_checkpoint(run.folder), training.algorithm)
        training.step()
        traces.append({k: v.numpy().tobytes() for k, v in training.algorithm.state_dict().items()})
    assert traces[0] == traces[1]


def test_last_layers_keep_their_precision(make_sac: Callable[..., Sac]) -> None:
    """In bfloat16, values and actions still come in float32, and weights stay float32."""
    sac = make_sac(precision="bfloat16")
    Stepper(sac, sac._learner, None)(batches(0), 1.0)
    with torch.autocast("cpu", torch.bfloat16):
        latent = sac.actor.trunk(torch.randn(4, 3))
        assert sac.critics(latent, torch.zeros(4, 2)).dtype is torch.float32
        assert sac.actor.policy(latent).mean.dtype is torch.float32
        assert sac.actor.gripper_net(latent).dtype is torch.float32
    assert {p.dtype for p in sac.parameters()} == {torch.float32}
