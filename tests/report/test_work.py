"""What a policy at work has won."""

from pathlib import Path

from hilrt.config import taskfile
from hilrt.data.episodes import EpisodeSummary
from hilrt.report.summary import work_of
from hilrt.step.record import Mode

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
LIMIT = 150
"""Steps."""


def episode(steps: int, *, success: bool = False, terminated: bool = False) -> EpisodeSummary:
    """One that ends so, or is cut."""
    return EpisodeSummary(
        episode=0, mode=Mode.TRAIN, steps=steps, success=success, autonomous=success, human_steps=0,
        interventions=0, first_human_step=None, return_=0.0, terminated=success or terminated,
        truncated=not (success or terminated), discarded=False, wall_ns=0, duration_s=1.0, policy_version=0,
        online_steps=0,
    )  # fmt: skip


def test_episodes_that_were_cut_are_not_the_policys() -> None:
    """Wherever they are in the session: the arm was away, or let go; those that failed or took all their time are."""
    config = taskfile.load(SIM, [f"processor.reset.control_time_s={LIMIT / 10}"])
    cut, failed, late, won = (
        episode(40),
        episode(40, terminated=True),
        episode(LIMIT),
        episode(60, success=True),
    )
    success = work_of([won, cut, won, failed, cut, late, won, cut], config).success
    assert (success.successes, success.episodes) == (3, 5)
    assert work_of([cut], config).success.episodes == 0
