"""Summaries and means of episodes."""

import pytest
from mutations import on_disk, survey

from hilrt.data.episodes import EpisodeSummary, SummaryFile, Tally, read_summaries, wilson
from hilrt.errors import JournalFormatError
from hilrt.step.record import Mode, Source


@pytest.fixture
def play(make_record):
    """Feed a tally one episode: a letter for each step, `p`olicy or `h`uman; flags go on the last."""

    def play(tally, episode, steps, mode=Mode.TRAIN, discarded=False, **flags):
        source = {"p": Source.POLICY, "h": Source.HUMAN}
        for step, letter in enumerate(steps):
            ending = flags if step == len(steps) - 1 else {}
            record = make_record(
                episode, step, mode=mode, source=source[letter], policy_version=step, **ending
            )
            assert tally.add(record) is None
        end = len(steps)
        return tally.add(
            make_record(episode, end, mode=mode, final=True, discarded=discarded, policy_version=end)
        )

    return play


def test_summary_of_an_episode_worked_out_by_hand(play):
    """Ten steps, two takeovers of 2 and 1 steps, success on the last: every field as counted on paper."""
    summary = play(Tally(), 7, "ppphhpphpp", success=True, terminated=True, reward=1.0)
    assert summary == EpisodeSummary(
        episode=7,
        mode=Mode.TRAIN,
        steps=10,
        success=True,
        autonomous=False,
        human_steps=3,
        interventions=2,
        first_human_step=3,
        return_=1.0,
        terminated=True,
        truncated=False,
        discarded=False,
        wall_ns=10**18 + 10,
        duration_s=1.0,
        policy_version=10,
        online_steps=10,
    )


def test_success_is_autonomous_only_without_any_human_step(play):
    """One human step is enough to take an episode's autonomy away."""
    tally = Tally()
    assert play(tally, 0, "ppp", success=True).autonomous
    assert not play(tally, 1, "hpp", success=True).autonomous
    assert not play(tally, 2, "ppp", truncated=True).autonomous
    assert (tally.success_rate, tally.autonomous_rate) == (2 / 3, 1 / 3)
    assert tally.intervention_rate == 1 / 9


@pytest.mark.parametrize(("window", "rate"), [((), 15 / 20), ((16,), 15 / 16), ((25,), 15 / 25)])
def test_means_forget_all_but_their_window(play, window, rate):
    """Ten failures and then fifteen successes: the last twenty, as it is by default, hold five failures."""
    tally = Tally((), *window)
    for episode in range(25):
        play(tally, episode, "pp", success=episode >= 10)
    assert tally.success_rate == rate


def test_modes_are_counted_apart(play):
    """Demonstrations and evaluations have counters of their own and no part in the means or online steps."""
    tally = Tally()
    play(tally, 0, "hh", mode=Mode.DEMO, success=True)
    play(tally, 1, "ppp", mode=Mode.EVAL, success=True)
    play(tally, 2, "pppp")
    assert tally.episodes == {Mode.DEMO: 1, Mode.TRAIN: 1, Mode.EVAL: 1}
    assert tally.successes == {Mode.DEMO: 1, Mode.TRAIN: 0, Mode.EVAL: 1}
    assert (tally.success_rate, tally.intervention_rate, tally.online_steps) == (0, 0, 4)


def test_evaluations_are_told_apart_by_when_they_were(play):
    """One before the first step, one after three; an episode that was discarded is in neither."""
    tally = Tally()
    play(tally, 0, "p", mode=Mode.EVAL)
    play(tally, 1, "p", mode=Mode.EVAL, success=True)
    play(tally, 2, "ppp")
    play(tally, 3, "p", mode=Mode.EVAL, success=True)
    play(tally, 4, "p", mode=Mode.EVAL, success=True, discarded=True)
    assert tally.evaluations == {0: (1, 2), 3: (1, 1)}


def test_discarded_and_cut_off_episodes_count_only_as_steps(play, make_record):
    """An episode to be recorded again and one without an end move no mean, but their steps were taken."""
    tally = Tally()
    assert play(tally, 0, "ppp", success=True, discarded=True).discarded
    tally.add(make_record(1, 0, success=True))
    play(tally, 2, "pp")
    assert (tally.episodes[Mode.TRAIN], tally.success_rate, tally.online_steps) == (1, 0, 6)


def test_a_step_seen_twice_counts_once(make_record):
    """A step repeated after a restart changes nothing, an ended episode's last one included."""
    tally = Tally()
    steps = [make_record(0, 0), make_record(0, 1), make_record(0, 1), make_record(0, 2, final=True)]
    summaries = [tally.add(step) for step in [*steps, steps[-1]]]
    assert [s is not None for s in summaries] == [False, False, False, True, False]
    assert (summaries[3].steps, tally.episodes[Mode.TRAIN]) == (2, 1)


def test_a_tally_goes_on_from_its_summaries(play):
    """A tally built from another's summaries has its counters, evaluations and means."""
    first = Tally()
    history = [play(first, n, "ph", success=bool(n % 2)) for n in range(5)]
    history.append(play(first, 5, "pp", mode=Mode.EVAL, success=True))
    second = Tally(history)
    for name in ("episodes", "successes", "evaluations", "success_rate", "intervention_rate", "online_steps"):
        assert getattr(second, name) == getattr(first, name)


def test_summaries_survive_the_way_to_disk(play, tmp_path):
    """What is appended is read back; an episode gets one line; the next start mends a line cut short."""
    path = tmp_path / "episodes.jsonl"
    tally = Tally()
    summaries = [play(tally, n, "pph", success=True) for n in range(3)]
    file = SummaryFile(path)
    for summary in [*summaries, summaries[0]]:
        file.append(summary)
    assert read_summaries(path) == summaries
    path.write_bytes(path.read_bytes()[:-5])
    assert read_summaries(path) == summaries[:2]
    SummaryFile(path).append(summaries[2])
    assert read_summaries(path) == summaries


def test_a_foreign_line_is_named(tmp_path):
    """A file that holds something else is an error that names it."""
    path = tmp_path / "episodes.jsonl"
    path.write_text('{"episode": "first"}\n')
    with pytest.raises(
        JournalFormatError, match=r"episodes.jsonl: not a list of episodes: line 1 is not what was written"
    ):
        read_summaries(path)


def test_damage_never_makes_other_summaries(play, tmp_path):
    """Whatever happens to the file, each line is read as it was written, or it is refused; its end may be missing."""
    path, tally = tmp_path / "episodes.jsonl", Tally()
    file = SummaryFile(path)
    for number in range(4):
        file.append(play(tally, number, "pph", success=True))

    def read():
        found = read_summaries(path)
        assert found == file.known[: len(found)]
        return True

    assert survey(path.read_bytes(), on_disk(path, read), JournalFormatError).refused


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (100, 100, 0.9630, 1.0),
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (95, 100, 0.8882, 0.9785),
        (0, 0, 0, 1),
    ],
)
def test_wilson_interval_of_known_cases(successes, n, low, high):
    """Values of the published formula, to four places."""
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_has_its_rate_inside():
    """Of every count, the ends included, where rounding would leave it just outside."""
    for n in range(1, 101):
        assert (wilson(0, n)[0], wilson(n, n)[1]) == (0.0, 1.0)
        for successes in range(n + 1):
            low, high = wilson(successes, n)
            assert 0.0 <= low <= successes / n <= high <= 1.0
