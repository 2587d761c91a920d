"""What the coach says to whom: each bad habit has its line, and good ones hear none."""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
import numpy as np
import pytest
from rig import load

from hilrt.control.coach import Coach, Line, coach_of
from hilrt.data.episodes import EpisodeSummary
from hilrt.run.job import Job
from hilrt.step.record import Mode

FPS = 10
LIMIT, TASK = 100, 40
"""Steps of an episode at most, and of the task."""


class Operator:
    """Takes over `after` so many steps without progress, for as long as `hold` says, in a share of the episodes."""

    def __init__(
        self, after: int = 18, early: float = 0.7, there: float = 1.0, *, forgets: bool = False
    ) -> None:
        self.after, self.early, self.there, self.forgets = after, early, there, forgets

    def hold(self, rng: np.random.Generator) -> int:
        return int(rng.integers(5, 16)) if rng.random() < self.early else LIMIT


GOOD = Operator()
BAD = {
    Line.LET_GO: Operator(early=0.0),
    Line.HELP: Operator(there=0.1),
    Line.STILL_YOURS: Operator(early=1.0, forgets=True),
    Line.TRY_FIRST: Operator(after=4),
}


def drive(rng: np.random.Generator, who: Operator, skill: float) -> tuple[str, bool]:
    """An episode: `p`olicy, `h`uman or `i`dle human for each step, and whether the task was done.

    The policy gets stuck once in an episode that it does not win, and again after each correction.
    """
    there, stuck_at = rng.random() < who.there, LIMIT if rng.random() < skill else rng.integers(TASK - 5)
    done, stalled, steps, idle = 0, 0, "", False
    left = 0
    while len(steps) < LIMIT and done < TASK:
        if left:
            left, done = left - 1, done + (not idle)
            steps += "i" if idle else "h"
            if left == 0 and who.forgets:
                left, idle = LIMIT, True
            stuck_at = max(stuck_at, done + rng.integers(TASK // 2)) if left == 0 else stuck_at
        else:
            moves = done < stuck_at
            done, stalled = done + moves, 0 if moves else stalled + 1
            steps += "p"
            if there and (stalled == who.after or (who.after < 10 and len(steps) == who.after)):
                left, stalled = who.hold(rng), 0
    return steps, done == TASK


def summary_of(number: int, steps: str, *, success: bool, mode: Mode = Mode.TRAIN) -> EpisodeSummary:
    """As the tally would have it of these steps."""
    human = [step for step, letter in enumerate(steps) if letter != "p"]
    return EpisodeSummary(
        episode=number, mode=mode, steps=len(steps), success=success, autonomous=success and not human,
        human_steps=len(human), interventions=sum(step - 1 not in human for step in human),
        first_human_step=human[0] if human else None, return_=float(success), terminated=success,
        truncated=not success, discarded=False, wall_ns=0, duration_s=len(steps) / FPS, policy_version=0,
        online_steps=0,
    )  # fmt: skip


def play(coach: Coach, number: int, steps: str, *, success: bool) -> list[str]:
    """Have the coach watch an episode; what is to be read at each step, and after it."""
    read = []
    for letter in steps:
        coach.acted(human=letter != "p", active=letter == "h")
        read.append(coach.text)
    coach.ended(summary_of(number, steps, success=success))
    return [*read, coach.text]


def train(who: Operator, skills: Iterable[float], seed: int = 0) -> Coach:
    """Watch a training whose policy is as good as that, episode by episode."""
    rng, coach = np.random.default_rng(seed), Coach(FPS)
    for number, skill in enumerate(skills):
        steps, success = drive(rng, who, skill)
        play(coach, number, steps, success=success)
    return coach


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("skills", [(0.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.95, 0.95)])
def test_a_good_operator_hears_nothing(skills: tuple[float, float], seed: int) -> None:
    """Of 100 episodes: though early most are hers, and three of ten corrections go on to the end."""
    assert train(GOOD, np.linspace(*skills, 100), seed).said == {}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("line", BAD)
def test_each_habit_has_its_line(line: Line, seed: int) -> None:
    """She never lets go, is hardly ever there, keeps the arm, takes over at once: that line, and no other."""
    assert train(BAD[line], np.linspace(0.1, 0.3, 100), seed).said.keys() == {line}


def test_success_that_falls_is_said_once() -> None:
    """With the episode that it began at, about, and how far it is; a good operator has no part in it."""
    skills = np.repeat([0.9, 0.1], [120, 60])
    rng, coach, read = np.random.default_rng(3), Coach(FPS), Counter[str]()
    for number, skill in enumerate(skills):
        steps, success = drive(rng, GOOD, skill)
        read.update(set(play(coach, number, steps, success=success)) - {""})
    assert coach.said == {Line.FALLS: 1}
    (text,) = read
    words = text.replace(",", "").split()
    assert text.startswith("success falls since episode ")
    assert 100 <= int(words[4]) <= 140


@pytest.fixture
def habitual() -> Callable[[str], Coach]:
    """A coach that has seen nine episodes of these steps, successes."""

    def seen(steps: str) -> Coach:
        coach = Coach(FPS)
        for number in range(9):
            play(coach, number, steps, success=True)
        return coach

    return seen


def test_let_go_counts_her_steps(habitual: Callable[[str], Coach]) -> None:
    """From the 31st of a takeover on, as long as it lasts."""
    read = play(habitual("p" * 20 + "h" * 25), 9, "p" * 20 + "h" * 33 + "p", success=True)
    assert read[20 + 29 : 20 + 34] == [
        "", "31 steps by you: let go", "32 steps by you: let go", "33 steps by you: let go", "",
    ]  # fmt: skip


def test_one_long_takeover_is_no_habit(habitual: Callable[[str], Coach]) -> None:
    """Whoever lets go as a rule may finish a task."""
    read = play(habitual("p" * 20 + "h" * 10 + "p" * 10), 9, "p" * 20 + "h" * 60, success=True)
    assert set(read) == {""}


def test_let_it_try_stays_for_an_episode(habitual: Callable[[str], Coach]) -> None:
    """It is read while the scene is put back, and during the next episode."""
    coach = habitual("p" * 4 + "h" * 20 + "p" * 9)
    assert coach.text == "let it try for 20-30 steps first"
    assert set(play(coach, 9, "p" * 30, success=True)[:-1]) == {"let it try for 20-30 steps first"}
    assert coach.text == ""


def test_still_yours_after_three_seconds() -> None:
    """It rings once of a takeover, is read until she moves or lets go, and is said again of the next."""
    coach = Coach(FPS)
    read = play(coach, 0, "ph" + "i" * 30 + "h" + "i" * 30 + "p", success=False)
    still = "still yours: move it, or let go"
    assert [step for step, text in enumerate(read) if text == still] == [31, 62]
    assert coach.bells == 1
    play(coach, 1, "p" + "i" * 40 + "p", success=False)
    assert (coach.bells, coach.said) == (2, {Line.STILL_YOURS: 2})


def test_seconds_are_those_of_the_rate() -> None:
    """At 50 Hz three seconds are 150 steps."""
    coach = Coach(50)
    assert set(play(coach, 0, "p" + "i" * 149, success=False)) == {""}
    play(coach, 1, "p" + "i" * 150, success=False)
    assert coach.said == {Line.STILL_YOURS: 1}


def test_a_line_is_not_repeated_for_ever() -> None:
    """Episodes between two times of saying it double: of 200 that fail alone, after 11, 21, 41, 81 and 161."""
    coach, told = Coach(FPS), []
    for number in range(200):
        before = coach.said[Line.HELP]
        play(coach, number, "p" * 100, success=False)
        told += [number + 1] * (coach.said[Line.HELP] - before)
    assert told == [11, 21, 41, 81, 161]


def test_it_goes_on_from_earlier_starts() -> None:
    """What was seen before a stop counts; a fall that was told then is not told again."""
    failures = [summary_of(number, "p" * 100, success=False) for number in range(10)]
    coach = Coach(FPS, failures)
    assert coach.said == {}
    play(coach, 10, "p" * 100, success=False)
    assert coach.said == {Line.HELP: 1}
    coach = Coach(FPS, [summary_of(n, "p" * 50, success=n < 60) for n in range(80)])
    play(coach, 80, "p" * 50, success=True)
    assert Line.FALLS not in coach.said


def test_only_kept_training_counts() -> None:
    """Evaluations fail without anybody's help."""
    coach = Coach(FPS)
    for number in range(30):
        coach.ended(summary_of(number, "p" * 100, success=False, mode=Mode.EVAL))
    assert coach.said == {}


def test_what_another_run_has_recorded_is_no_history_of_hers() -> None:
    """Its policy acted without noise, so that it seems to fall; and it failed where nobody was there to help."""
    for successes in (57, 0):
        session = [summary_of(n, "p" * 50, success=n < successes) for n in range(60)]
        coach = Coach(FPS, [msgspec.structs.replace(summary, session="session") for summary in session])
        for number in range(60, 80):
            play(coach, number, "p" * 50, success=number % 2 == 0)
        assert coach.said == {}


@pytest.mark.parametrize("job", [Job.TRAIN, Job.RUN, Job.EVAL])
def test_only_a_training_has_a_coach(job: Job) -> None:
    """Whoever takes over at work does so for the work."""
    assert (coach_of(load(), job, []) is not None) == (job is Job.TRAIN)
