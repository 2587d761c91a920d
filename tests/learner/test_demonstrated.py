"""Demonstrations that go on behind their success, and corrected ones, as the learner has them."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from rundir import Run

from hilrt.config import Config
from hilrt.data.labelling import Labelling
from hilrt.errors import NoDemonstrationsError
from hilrt.step.record import Mode

CAMERA = {"front": {"type": "sim", "width": 32, "height": 24}}


@pytest.fixture(params=["state", "pixels"])
def run(tmp_path: Path, make_config: Callable[..., Config], request: pytest.FixtureRequest) -> Run:
    """A demonstration of ten steps, done after the fourth, and one that failed after ten."""
    robot = {"id": "sim", "cameras": CAMERA if request.param == "pixels" else {}}
    config = make_config(robot=robot, policy={"encoder": "conv"}, critic_warmup_steps=0)
    run = Run(tmp_path, config)
    going_on, failed = (run.episode(number, Mode.DEMO, steps=10, success=False) for number in range(2))
    for record in going_on:
        record.success = record.step >= 3
        record.reward = float(record.success and not record.final)
        record.truncated = record.step >= 9
    for record in failed[-2:]:
        record.terminated = True
    run.demonstrate(going_on, failed)
    return run


def demonstrated(run: Run, *, ends: bool = True) -> tuple[int, int, int]:
    """Rows to learn from; of many drawn, how many are rewarded, and how many of these end the future."""
    reset = msgspec.structs.replace(run.config.processor.reset, terminate_on_success=ends)
    processor = msgspec.structs.replace(run.config.processor, reset=reset)
    run.config = msgspec.structs.replace(run.config, processor=processor)
    training = run.training()
    training.load()
    replay = training.replay
    batches = replay.sample(20)
    rows, reward = (torch.cat([getattr(b, name) for b in batches]) for name in ("state", "reward"))
    terminated = torch.cat([batch.terminated for batch in batches])
    kinds = {tuple(row.tolist()): (r, t) for row, r, t in zip(rows, reward, terminated, strict=True)}
    rewarded = [t for r, t in kinds.values() if r]
    assert len(kinds) == replay.statistics().rows["demonstrations"]
    return len(kinds), len(rewarded), sum(map(int, rewarded))


def test_success_ends_a_demonstration_where_it_ends_an_episode(run: Run) -> None:
    """With `terminate_on_success` four of its ten steps are learned from, the last with reward 1 and no future."""
    assert demonstrated(run) == (14, 1, 1)


def test_success_goes_on_where_it_ends_nothing(run: Run) -> None:
    """Without, all ten are, seven of them rewarded, and the future goes on behind the last."""
    assert demonstrated(run, ends=False) == (20, 7, 0)


def test_corrections_are_learned(run: Run) -> None:
    """The next learner that starts has them: success later in one, and in the other, which had failed; or nowhere."""
    labelling = Labelling(run.folder / "demonstrations")
    labelling.success(0, 6)
    labelling.success(1, 10)
    assert demonstrated(run) == (16, 2, 2)
    assert demonstrated(run, ends=False) == (20, 6, 0)
    labelling.undo(1)
    labelling.failure(0)
    with pytest.raises(NoDemonstrationsError, match="ended in success, of 2"):
        run.training().load()
