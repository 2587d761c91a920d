"""A person's part in a training, counted on paper."""

from hilrt.data.episodes import EpisodeSummary
from hilrt.report.person import Phase, person
from hilrt.step.record import Mode


def episode(
    number: int,
    steps: int,
    ends: int,
    *,
    success: bool = False,
    human: tuple[int, int, int] | None = None,
    mode: Mode = Mode.TRAIN,
    discarded: bool = False,
    session: str = "",
) -> EpisodeSummary:
    """`ends`: online steps at its end; `human`: her steps, takeovers, and steps before the first."""
    mine, times, first = human or (0, 0, None)
    return EpisodeSummary(
        episode=number, mode=mode, steps=steps, success=success, autonomous=success and not mine,
        human_steps=mine, interventions=times, first_human_step=first, return_=0.0, terminated=success,
        truncated=not success, discarded=discarded, wall_ns=0, duration_s=1.0, policy_version=0,
        online_steps=ends, session=session,
    )  # fmt: skip


def test_figures_of_four_episodes() -> None:
    """Seconds count all her steps; all else what was kept, by thirds of the steps."""
    told = person(
        [
            episode(0, 30, 30, success=True, human=(12, 2, 20)),
            episode(1, 5, 30, success=True, mode=Mode.EVAL),
            episode(2, 10, 40, human=(8, 1, 0), discarded=True),
            episode(3, 20, 60, human=(6, 1, 10)),
            episode(4, 30, 90, success=True),
        ],
        fps=10,
    )
    assert (told.seconds, told.interventions, told.intervention_steps, told.first_human_step) == (
        2.6,
        3,
        6,
        15,
    )
    assert told.phases == [
        Phase(until_steps=30, episodes=1, success_rate=1.0, autonomous_rate=0.0, intervention_rate=0.4),
        Phase(until_steps=60, episodes=1, success_rate=0.0, autonomous_rate=0.0, intervention_rate=0.3),
        Phase(until_steps=90, episodes=1, success_rate=1.0, autonomous_rate=1.0, intervention_rate=0.0),
    ]


def test_nobody_took_over() -> None:
    """Then there is no mean; without a training there are no phases either."""
    told = person([episode(0, 30, 30)], fps=10)
    assert (told.seconds, told.intervention_steps, told.first_human_step) == (0.0, None, None)
    assert person([], fps=10).phases == []


def test_a_session_is_no_part_of_it() -> None:
    """What she did beside another policy tells nothing of this one's training."""
    own = [episode(0, 30, 30, success=True, human=(12, 2, 20)), episode(2, 30, 90, success=True)]
    taken = episode(1, 30, 60, human=(30, 1, 0), session="sim-so100-run-20260101-120000")
    assert person([own[0], taken, own[1]], fps=10) == person(own, fps=10)
