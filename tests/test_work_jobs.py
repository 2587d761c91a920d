"""A trained policy at work, with a person who may take over, and a training that learns from it afterwards."""

import re
import subprocess
import time

import jobs
import pytest

from hilrt.control.phase import Phase
from hilrt.data.journal import episode_files, read_episodes
from hilrt.step.record import Mode, Source

ENDED_BY_KEYS = ["processor.reset.control_time_s=3600", "processor.reset.terminate_on_success=false"]
TRAINING = [*jobs.SMALL, "learner.online_steps=110", "learner.online_step_before_learning=60"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a training that has ended."""
    folder = tmp_path_factory.mktemp("work")
    jobs.record(folder)
    done = jobs.run(folder, "train", jobs.SIM, overrides=TRAINING)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def trained(workplace):
    """Its folder, as a user names it."""
    return f"runs/{jobs.newest_run(workplace, 'train').name}"


@pytest.fixture(scope="module")
def session(workplace, trained):
    """Two episodes of its policy: the session's folder, and what was printed."""
    overrides = ["sim.object_scale=1.1"]
    done = jobs.run(workplace, "run", trained, "--episodes", "2", overrides=overrides)
    assert done.returncode == 0, done.stdout + done.stderr
    return jobs.newest_run(workplace, "run"), done


def squeezed(text):
    return " ".join(text.split())


def steps(run, source=None):
    """Training steps in a journal, each once: where they are from, and their time."""
    return [
        (episode.header.origin and episode.header.origin.session, record.wall_ns)
        for episode in read_episodes(run / "journal")
        if episode.mode is Mode.TRAIN
        for record in episode.records
        if not record.final and source in (None, record.source)
    ]


def test_a_policy_at_work(workplace, trained, session):
    """It does as many episodes as asked for, with the person's help, without noise, warned as an evaluation is."""
    folder, done = session
    found = jobs.summary(folder)
    assert found["work"]["success"]["episodes"] == 2
    assert found["work"]["success"]["successes"] == found["successes"]["train"]
    assert f"succeeded:   {found['successes']['train']}/2 = " in done.stdout
    assert found["human_steps"] == len(steps(folder, Source.HUMAN)) > 0
    assert found["online_steps"] == len(steps(folder)) > found["human_steps"]
    assert f"hilrt train --resume {trained} --with runs/{folder.name}" in done.stdout
    assert "sim.object_scale: 1 before, 1.1 now" in squeezed(done.stderr)
    numbers = [episode.number for episode in read_episodes(folder / "journal")]
    assert numbers[0] == len(
        episode_files(workplace / trained / "journal")
    )  # other scenes than those it learned on
    assert not (folder / "checkpoints").exists()


def test_a_person_takes_over_and_ends_it(workplace, trained):
    """Without a number it goes on until q; space takes over; the episode that q cuts is recorded and not judged."""
    overrides = ["teleop.type=keyboard", *ENDED_BY_KEYS]
    with jobs.WatchedTerminal(workplace, "run", trained, overrides=overrides) as terminal:
        control = terminal.control
        terminal.until(lambda: control.phase == Phase.RUNNING)
        first = control.episode
        for number in range(2):
            terminal.runs_episode(first + number)
            if number == 1:
                terminal.type(b" ")
                terminal.until(lambda: control.driver == "you" and control.human_steps > 0)
            terminal.type(b"\x1b")  # escape: failure
            terminal.until(lambda ended=number + 1: control.episodes_train == ended)
        terminal.runs_episode(first + 2)
        terminal.type(b"q")
        assert terminal.finish() == 0, terminal.text()
    folder = jobs.newest_run(workplace, "run")
    episodes = list(read_episodes(folder / "journal"))
    assert jobs.summary(folder)["work"]["success"]["episodes"] == len(episodes) - 1
    assert episodes[-1].complete
    assert not episodes[-1].discarded
    (helped,) = [e for e in episodes if Source.HUMAN in {r.source for r in e.records}]
    assert Source.POLICY in {r.source for r in helped.records}
    assert re.search(r"space take over", terminal.text())


def test_learning_from_it_comes_once_though_it_is_killed(workplace, trained, session):
    """`--with` is refused where no steps are left to take; killed (-9) and asked again, each step is there once."""
    run, (folder, _) = workplace / trained, session
    own, its = steps(run), steps(folder)
    words = ["train", "--resume", trained, "--with", f"runs/{folder.name}"]
    refused = jobs.run(workplace, *words)
    assert refused.returncode == 2
    total = len(own) + len(its)
    assert f"has {total} online steps, with the {len(its)} of --with" in squeezed(refused.stderr)
    assert steps(run) == own

    words += ["--steps", str(total + 5)]
    files = len(episode_files(run / "journal"))
    with subprocess.Popen(
        jobs.command(*words), cwd=workplace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as killed:
        while killed.poll() is None and not (
            list(run.glob("taking*")) or len(episode_files(run / "journal")) > files
        ):
            time.sleep(0.001)
        killed.kill()
    resumed = jobs.run(workplace, *words)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert re.search(
        rf"from runs/{folder.name}: \d episodes, \d+ steps, \d+ of them by a person", resumed.stderr
    )
    taken = [step for step in steps(run) if step[0]]
    assert taken == [(folder.name, wall_ns) for _, wall_ns in its]
    assert steps(run)[: len(own)] == own
    found = jobs.summary(run)
    assert found["online_steps"] == len(steps(run)) >= total + 5
    assert found["updates"] >= found["online_steps"] - 60 - 2  # what came was paid for, too
    assert found["episodes"]["train"] == len(episode_files(run / "journal"))
    assert "go on:" not in resumed.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", jobs.SIM, "--steps", "5"], "are for a run that is resumed"),
        (["train", jobs.SIM, "--with", "x"], "are for a run that is resumed"),
        (["train", "--resume", "RUN", "--steps", "5"], "and is to take 5 in all"),
        (
            ["train", "--resume", "RUN", "--with", "nowhere"],
            "nowhere has no episode that could be learned from",
        ),
        (["train", "--resume", "RUN", "--with", "RUN"], "is the run itself"),
        (["run", "nowhere"], "nowhere: is not a run"),
        (["run", "RUN", "--checkpoint", "77"], "has no checkpoint after 77 online steps"),
    ],
)
def test_what_cannot_be_done_is_said(workplace, trained, words, message):
    """With status 2 and one message."""
    done = jobs.run(workplace, *(trained if word == "RUN" else word for word in words))
    assert done.returncode == 2
    assert message in re.sub(r"[\s│]+", " ", done.stderr)
    assert "Traceback" not in done.stderr
