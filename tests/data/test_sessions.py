"""Episodes of another run in a run's journal: each once, whoever is killed, and known by where they are from."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from take_killed import taken

import hilrt
from hilrt.data.episodes import read_summaries
from hilrt.data.journal import episode_files, online_steps, read_episode, read_episodes
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.sessions import finish, look, take
from hilrt.errors import SessionError
from hilrt.step.record import Mode, Source

CHILD = Path(__file__).with_name("take_killed.py")
STEPS = 4


@pytest.fixture
def write(tmp_path, features, make_record, make_frames, encode):
    """Put episodes into a run's journal, each with a time of its own; a person takes the last step of each."""

    def write(name, numbers, *, mode=Mode.TRAIN, final=True, **fields):
        seed = sum(map(ord, name))
        with JournalWriter(tmp_path / name / "journal", features, "lift") as journal:
            for number in numbers:
                for step in range(STEPS + final):
                    record = make_record(number, step, mode=mode, final=step == STEPS)
                    record.wall_ns += 10**9 * (1000 * seed + number)
                    record.source = Source.HUMAN if step == STEPS - 1 else Source.POLICY
                    for field, value in fields.items():
                        setattr(record, field, value)
                    journal.write(encode(record), make_frames(seed + step))
        return tmp_path / name

    return write


def contents(run):
    """Every record of the journal and its pictures, but for the number of its episode."""
    return [
        (msgspec.structs.replace(record, episode=0), frames)
        for episode in read_episodes(run / "journal", frames=True)
        for record, frames in zip(episode.records, episode.frames, strict=True)
    ]


def test_what_was_done_elsewhere_is_steps_of_the_run(write):
    """Records and pictures to the byte, behind those that are there, with the name of where they are from, counted."""
    run, session = write("train", range(2)), write("session", range(5, 8))
    before, new = contents(run), contents(session)
    taken(run, session)
    assert contents(run) == before + new
    assert online_steps(run / "journal") == 5 * STEPS
    episodes = list(read_episodes(run / "journal"))
    assert [e.number for e in episodes] == list(range(5))
    assert all(r.episode == e.number for e in episodes for r in e.records)
    assert [e.header.origin and e.header.origin.session for e in episodes] == [None, None, *["session"] * 3]
    lines = read_summaries(run / "episodes.jsonl")
    assert [(s.episode, s.online_steps, s.human_steps) for s in lines] == [(2, 12, 1), (3, 16, 1), (4, 20, 1)]
    assert {s.session for s in lines} == {"session"}


def test_it_comes_once(write, features):
    """Asked again nothing comes, under whatever name the folder goes, nor by way of a third run; what is new does."""
    run, session = write("train", range(2)), write("session", range(3))
    taken(run, session)
    session = session.rename(session.with_name("other"))
    found = look(run, session, features)
    assert (found.fresh, found.steps) == ([], 0)
    assert str(found) == "0 episodes, 0 steps, 0 of them by a person; 3 episodes were there already"
    third = write("third", range(1))
    taken(third, session)
    assert look(run, third, features).steps == STEPS
    write("other", range(3, 4))
    assert [path.name for path in look(run, session, features).fresh] == ["episode_000003.hilrt"]


def test_what_nobody_learns_from_stays(write, features):
    """Evaluations and episodes to be recorded again are not taken; one that a crash has cut is."""
    run = write("train", range(1))
    session = write("session", range(1), mode=Mode.EVAL)
    write("session", range(1, 2), discarded=True)
    with pytest.raises(SessionError, match="no episode that could be learned from"):
        look(run, session, features)
    write("session", range(2, 3), final=False)
    taken(run, session)
    assert not read_episode(episode_files(run / "journal")[-1]).complete
    assert online_steps(run / "journal") == 2 * STEPS
    assert read_summaries(run / "episodes.jsonl") == []


def test_steps_from_before_a_run_are_not_its_own(write, features):
    """They are in its journal, and count neither as its steps nor as its episodes."""
    run, session = write("train", range(1)), write("session", range(2))
    take(run, session, look(run, session, features).fresh, earlier=True)
    assert len(episode_files(run / "journal")) == 3
    assert online_steps(run / "journal") == STEPS
    assert read_summaries(run / "episodes.jsonl") == []


def test_other_features_are_refused_in_words(write, features):
    """And so is a run as its own session."""
    run, session = write("train", range(1)), write("session", range(1))
    others = msgspec.structs.replace(features, state=("a.pos", "c.pos"))
    with pytest.raises(SessionError, match=r"its state lacks c\.pos and has b\.pos"):
        look(run, session, others)
    with pytest.raises(SessionError, match="is the run itself"):
        look(run, run, features)


def test_killed_at_any_touch_of_the_disk(tmp_path, write):
    """The next start has none of the session or all of it, and asked again it is there once."""
    run, session = write("train", range(1)), write("session", range(2))
    old, new = contents(run), contents(run) + contents(session)
    (tmp_path / "copies").mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1])}
    words = [sys.executable, str(CHILD), str(run), str(session), str(tmp_path / "copies")]
    subprocess.run(words, env=environment, check=True)
    *killed, finished = sorted((tmp_path / "copies").iterdir())
    assert contents(finished) == new
    assert len(killed) > 10
    seen = []
    for copy in killed:
        finish(copy)
        assert contents(copy) in (old, new), copy
        seen.append(contents(copy) == new)
        taken(copy, session)
        assert contents(copy) == new, copy
        assert [s.episode for s in read_summaries(copy / "episodes.jsonl")] == [1, 2], copy
        assert {p.name for p in copy.iterdir()} == {"journal", "episodes.jsonl"}, copy
    assert seen == sorted(seen)
    assert set(seen) == {True, False}
