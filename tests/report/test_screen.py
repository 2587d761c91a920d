"""What the terminal shows of a run."""

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

import hilrt
from hilrt.control.loop import Phase
from hilrt.learner.process import LearnerPhase
from hilrt.report import boards
from hilrt.report.panel import render
from hilrt.report.screen import Pace, Screen
from hilrt.report.view import CONTROL_PHASES, LEARNER_PHASES, LIMITS, line, messages, view
from hilrt.run.job import Job
from hilrt.shm.status import ControlStatus, Status
from hilrt.step.extent import Extent, encode
from hilrt.step.record import Limit, Override

SECOND = 1_000_000_000


@pytest.fixture
def status():
    """The status block of a healthy run at 100 s, an hour's figures in it."""
    with Status.create(f"test-{uuid.uuid4().hex[:12]}") as block:
        block.supervisor.started_ns = 40 * SECOND
        block.supervisor.job, block.supervisor.goal = Job.TRAIN, 10_000
        for region in (block.supervisor, block.control, block.learner, block.recorder, block.sim):
            region.pid, region.heartbeat_ns = 1, 100 * SECOND
        control, learner = block.control, block.learner
        control.phase, control.mode, control.episode, control.step = Phase.RUNNING, 1, 12, 34
        control.online_steps, control.ticks, control.misses = 4_000, 12_345, 0
        control.success_rate, control.autonomous_rate, control.intervention_rate = 0.75, 0.6, 0.125
        control.judged, control.judged_successes = 20, 17
        control.judged_first, control.judged_first_successes = 20, 9
        control.lateness_p50_us, control.lateness_p99_us, control.lateness_max_us = 81, 250, 1300
        control.weight_age_ms = 350
        control.driver = "you: left"
        control.limited_box, control.limited_reach = 312, 14
        control.jerk_rms, control.behind_rms_deg, control.behind_rms_mm = 341.6, 3.85, 18.3
        control.behind_worst_deg, control.behind_worst_mm = 17.04, 32.7
        control.steps_us = '{"joints": 8.0, "inverse_kinematics": 210.4, "joint_limits": 20.0}'
        learner.updates_per_s, learner.utd, learner.phase = 123, 4, 2
        yield block
        block.unlink()


@pytest.fixture
def look(status):
    """The panel as text for 80 columns, at 100 s."""

    def look(job=Job.TRAIN, pace=5.0, hints=()):
        status.supervisor.job = job
        console = Console(file=io.StringIO(), width=80, height=24)
        console.print(render(at_100_s(status, pace), hints))
        return console.file.getvalue()

    return look


def at_100_s(status, pace=5.0):
    """What there is to see at that time."""
    return msgspec.structs.replace(view(status, "so100-train"), now_ns=100 * SECOND, pace=pace)


def squeezed(text):
    """Single spaces, so that a test does not depend on the layout."""
    return re.sub(r"\s+", " ", text)


def test_a_training_run_at_a_glance(look):
    """Phase, progress, time left, rates, updates, lateness and health are all on the panel."""
    text = squeezed(look())
    for part in (
        "hilrt train · so100-train",
        "running, episode 12 (train), step 34, you: left",
        "0:01:00, 0:20:00 left",
        "4,000 / 10,000 steps, 5.0/s",
        "success 75% lately",
        "autonomous 60%",
        "interventions 12%",
        "evaluation 17/20; at first 9/20",
        "learner learning",
        "updates 123/s",
        "updates per step 4.00",
        "350 ms old",
        "late p50/p99/max 81/250/1300 us",
        "ticks missed 0 of 12,345",
        "limits box 312, reach 14 ",
        "slowest step inverse_kinematics 210 us of 238",
        "behind goals 3.9 deg, 18.3 mm; worst 17.0 deg, 32.7 mm; jerk 342 rad/s3",
        "control ok recorder ok learner ok simulator ok",
    ):
        assert part in text


def test_a_policy_at_work_at_a_glance(look, status):
    """What it has won, and what of that without anybody's help; a bar only where there is a number to reach."""
    control = status.control
    control.episodes_train, control.successes, control.autonomous, control.human_steps = 12, 10, 8, 34
    control.last_episode = "success, 41 steps"
    status.supervisor.goal = 0
    text = squeezed(look(Job.RUN))
    for part in (
        "hilrt run · so100-train",
        "running, episode 12, step 34, you: left",
        "success 10 of 12",
        "without you 8",
        "interventions 34 steps",
        "last episode success, 41 steps",
    ):
        assert part in text
    assert "episodes/min" not in text
    assert "learner" not in text
    status.supervisor.goal = 20
    assert "12 / 20 episodes" in squeezed(look(Job.RUN))
    assert "12/20 episodes" in line(at_100_s(status))
    assert "10 succeeded, 8 without you" in line(at_100_s(status))


def test_rows_of_other_sessions_are_told(look, status):
    """Where a training learns from others, the panel says how many rows are whose."""
    assert "rows " not in squeezed(look())
    status.learner.sessions = "lift 212, so100-train-1 4,000, so100-run-2 640"
    assert "rows lift 212, so100-train-1 4,000, so100-run-2 640" in squeezed(look())


def test_the_panel_fits_a_small_terminal(look, status):
    """With every process complaining at full length the panel is at most 80 x 24, and nothing else is cut."""
    control, learner, recorder = status.control, status.learner, status.recorder
    control.dropped, control.human_steps, control.ticks, control.weight_version = (
        123_456,
        98_765,
        999_999,
        14_400,
    )
    control.lateness_p50_us, control.lateness_p99_us, learner.updates = 9_999, 99_999, 1_234_567
    recorder.records, recorder.bytes = 123_456, 98_765_000_000
    for limit in Limit:
        setattr(control, f"limited_{limit.name.lower()}", 9_999)
    status.cameras.pid = 1
    for region in (status.supervisor, status.control, status.learner, status.recorder, status.cameras):
        region.message = "No space left on device: /" + "x" * 60 + " " + "y" * 60
    control.frame_ages_ms = '{"front": 12, "wrist": 31}'
    learner.sessions = "x" * 400
    control.probability, control.threshold, control.override = 0.123, 0.987, Override.SUCCESS
    control.advice = "one episode in three should end in reward: take over when it is stuck"
    lines = look(hints=["x" * 76] * 2).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) == 80
    assert "…" not in look()


def test_another_view_than_the_demonstrations_is_told(look, status):
    """On panel and line, in yellow, behind trouble; at its full length hints and advice still fit."""
    status.recorder.unlike = "unlike the demonstrations (surroundings/front-colour-000012.png): " + "x " * 99
    status.control.advice, status.control.judged = "one episode in three should end in reward", 0
    status.control.probability, status.control.threshold, status.cameras.pid = 0.123, 0.987, 1
    status.control.frame_ages_ms, status.learner.sessions = '{"front": 12, "wrist": 31}', "x" * 400
    lines = look(hints=["x" * 76] * 2).splitlines()
    assert len(lines) <= 24
    assert "cameras: unlike the demonstrations (surroundings/" in look()
    assert "cameras: unlike the demonstrations (surroundings/" in line(at_100_s(status))
    status.recorder.message = "No space left on device"
    drawn = dict(messages(at_100_s(status)))
    assert list(drawn.values()) == ["bold red", "yellow"]


def test_the_coach_has_a_line(look, status):
    """The longest that it may say is on one line of the panel and of the log, unless trouble needs the room."""
    advice = "success falls since episode 123456, 100% to 100%: light, camera, scene?"
    status.control.advice = advice
    assert f" {advice} " in look()
    assert f"missed 0; {advice}" in line(at_100_s(status))
    status.recorder.message = status.control.message = "No space left on device"
    assert advice not in look()


def test_cameras_have_their_say(look, status):
    """Where real ones are read, how they are is on the panel, and what is the matter with one."""
    assert "cameras" not in look()
    status.cameras.pid, status.cameras.heartbeat_ns = 1, 100 * SECOND
    status.cameras.message = "front gives 7.1 pictures/s of 30"
    assert "learner ok cameras ok simulator ok" in squeezed(look())
    assert "cameras: front gives 7.1 pictures/s of 30" in look()


def test_recording_and_evaluation_show_no_learner(look):
    """Jobs without a learner count episodes and say nothing about updates."""
    for job in (Job.RECORD, Job.EVAL):
        text = look(job)
        assert ("demonstrations" if job is Job.RECORD else "episodes") in text
        assert "learner" not in text
        assert "updates" not in text


def test_a_teleoperation_shows_how_far_the_arms_have_been(look, status):
    """Minimum, position and maximum of two arms, beside the messages, still fit 80 x 24."""
    far = Extent(np.outer([-123.456, 0.0, 123.456], np.ones(9)))
    status.control.extents = encode([far, far])
    status.control.probability, status.control.threshold = 0.5, 0.75
    for region in (status.supervisor, status.control):
        region.message = "x" * 60 + " " + "y" * 50
    text = look(Job.TELEOPERATE)
    assert len(text.splitlines()) <= 24
    assert "end effector x [m] -123.456 0.000 123.456 -123.456 0.000 123.456" in squeezed(text)
    assert "gripper [0 .. 100] -123.5 0.0 123.5 -123.5 0.0 123.5" in squeezed(text)
    assert "ticks missed 0 of 12,345" in squeezed(text)


@pytest.mark.parametrize("job", [Job.TRAIN, Job.RECORD, Job.EVAL, Job.TELEOPERATE])
def test_what_the_classifier_says(look, status, job):
    """A bar of how probable success is, what it has to reach, and what the operator says against it; else nothing."""
    control = status.control
    assert "classifier" not in look(job)
    control.probability, control.threshold = 0.5, 0.75
    assert f"classifier {'█' * 6}{'░' * 6} 0.50 of 0.75" in squeezed(look(job))
    control.appeal = 1
    assert "0.50 of 0.75 failure takes it back" in squeezed(look(job))
    control.override = Override.FAILURE
    text = squeezed(look(job))
    assert "0.50 of 0.75 you say no success" in text
    assert "takes it back" not in text


def test_a_grasp_can_be_taken_back(look, status):
    """Once it has said success the panel says so, and that failure takes it back; else it has no line."""
    assert "grasp" not in look(Job.RECORD)
    status.control.appeal = 1
    assert "grasp success failure takes it back" in squeezed(look(Job.RECORD))


def test_a_recording_says_what_became_of_the_last_episode(look, status):
    """Successful demonstrations are counted towards the target, failures apart; the last ending is named."""
    control = status.control
    status.supervisor.goal = 20
    control.episodes_demo, control.demo_successes = 5, 3
    control.last_episode = "failure, 81 steps"
    text = squeezed(look(Job.RECORD))
    assert "3 / 20 demonstrations" in text
    assert "failed 2, kept as failures" in text
    assert "last episode failure, 81 steps" in text
    assert "last: failure, 81 steps" in line(at_100_s(status))


def test_the_time_to_put_the_scene_back_is_counted_down(look, status):
    """While a person has time left the screen says so; afterwards the arm is still on its way."""
    status.control.phase, status.control.reset_until_ns = Phase.RESETTING, 103 * SECOND + 1
    assert "resetting: put the scene back, 4 s" in look(Job.RECORD)
    status.control.reset_until_ns = 99 * SECOND
    assert "resetting, episode 12" in look(Job.RECORD)


def test_the_screen_says_where_the_object_goes(look, status):
    """In full, however long; the time left gives way."""
    control = status.control
    control.phase, control.reset_until_ns = Phase.RESETTING, 103 * SECOND + 1
    control.put = "put it back: row 2, column 2 (22.0 cm ahead, 13.3 cm right)"
    text = look(Job.EVAL)
    assert f"{control.put}, 4 s" in text
    assert max(map(len, text.splitlines())) == 80


def test_the_pace_of_a_resumed_run_is_its_own(status):
    """What earlier starts have reached, told when control is ready, was not done in the first seconds of this one."""
    screen, control = Screen(status, "so100-train"), status.control
    for at_s, ready, steps in ((0.0, 0, 0), (10.0, 1, 4_000), (20.0, 1, 4_050)):
        control.ready, control.online_steps = ready, steps
        seen = screen._look(at_s)
    assert seen.pace == 5.0


@pytest.mark.parametrize("job", [Job.RECORD, Job.EVAL])
def test_the_pace_of_episodes_counts_from_the_start(status, job):
    """The first one has taken all the time since control was ready, not the moment in which it ended."""
    screen, control = Screen(status, "so100-eval"), status.control
    status.supervisor.job, control.ready = job, 1
    for at_s, episodes in ((0.0, 0), (30.0, 0), (60.0, 0), (61.0, 1), (80.0, 1)):
        control.episodes_eval = control.demo_successes = episodes
        seen = screen._look(at_s)
    assert seen.pace == 1 / 80


def test_keys_are_at_the_foot(look, status):
    """Hints are on the panel unless trouble needs the room."""
    assert "s success" in look(Job.RECORD, hints=["s success"])
    status.recorder.message = status.control.message = "No space left on device"
    assert "s success" not in look(Job.RECORD, hints=["s success"])


def test_a_ring_that_fills_is_red(status):
    """Steps that wait for the disk are named with the room there is; beyond half of it they alarm."""
    status.supervisor.job = Job.RECORD
    status.recorder.lag, status.recorder.room = 160, 291
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    console.print(render(at_100_s(status)))
    assert "\x1b[31m160 of 291" in console.file.getvalue()


def test_a_silent_process_is_flagged(look, status):
    """A heartbeat older than two seconds is named with its age; one that is done has merely ended."""
    status.learner.heartbeat_ns = 90 * SECOND
    assert "learner silent for 10 s" in look()
    status.learner.done = 1
    assert "learner ended" in look()
    status.recorder.pid = 0
    assert "recorder starting" in look()


def test_trouble_is_red(status):
    """A message of a process and a missed tick are drawn in red."""
    status.control.misses = 3
    status.recorder.message = "No space left on device"
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    console.print(render(at_100_s(status)))
    drawn = console.file.getvalue()
    assert "\x1b[1;31mrecorder: No space left on device" in drawn
    assert "\x1b[31m3 of 12,345" in drawn
    assert "\x1b[31m" not in drawn.replace("\x1b[31m3 of", "")


def test_what_a_learner_needs_is_no_alarm(status):
    """Before it is ready its message says what its pictures take, in grey; from then on what it says is trouble."""
    status.learner.message = "pictures: online 20,000 steps = 655.4 MB"
    for ready, colour in ((0, "\x1b[2m"), (1, "\x1b[1;31m")):
        status.learner.ready = ready
        console = Console(
            file=io.StringIO(), width=80, height=24, force_terminal=True, color_system="standard"
        )
        console.print(render(view(status, "r")))
        assert f"{colour}learner: pictures: online" in console.file.getvalue()


def test_unknown_pace_leaves_the_time_open(look):
    """Without a pace there is no promise."""
    assert "-:--:-- left" in look(pace=None)


def test_one_line_says_it_too(status):
    """The line for logs holds progress, rates and every complaint."""
    status.learner.heartbeat_ns = 90 * SECOND
    status.recorder.message = "No space left on device"
    text = line(at_100_s(status))
    assert text == (
        "train: running, episode 12 (train), step 34, you: left; 4000/10000 steps, left 0:20:00; "
        "success 75%, autonomous 60%, human 12%; 123 updates/s; late p99 250 us, missed 0; "
        "learner silent for 10 s; recorder: No space left on device"
    )


def test_pace_is_that_of_the_last_minutes():
    """Ten a second, then one a second: after five minutes only the latter counts; restarts begin anew."""
    pace = Pace()
    assert pace.per_s is None
    for second in range(1000):
        pace.add(second, min(10 * second, 6000 + second - 600), from_first=True)
    assert pace.per_s == pytest.approx(1.0)
    pace.add(1000, 0, from_first=True)
    assert pace.per_s is None
    for second in range(1000, 1031):  # it waits, and then goes at 2 a second
        pace.add(second, max(0, 2 * (second - 1020)), from_first=True)
    assert pace.per_s == pytest.approx(2.0)


@pytest.mark.parametrize(("texts", "phases"), [(CONTROL_PHASES, Phase), (LEARNER_PHASES, LearnerPhase)])
def test_phase_names_follow_the_enums(texts, phases):
    """Each phase of control and learner has its text, in the order of their numbers."""
    assert len(texts) == len(phases)
    for text, phase in zip(texts, phases, strict=True):
        assert text.replace(" ", "_").startswith(phase.name.lower())


SHOW = """
import sys
from hilrt.report.screen import Screen
from hilrt.shm.status import Status
with Status.attach(sys.argv[1]) as status:
    with Screen(status, "mine") as screen:
        for _ in range(5):
            screen.update()
"""


def show(run, stdout, script=SHOW):
    """A process with a screen on the given output."""
    environment = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1]), "TERM": "xterm"}
    return subprocess.Popen([sys.executable, "-c", script, run], stdout=stdout, env=environment)


@pytest.fixture
def run(status):
    """The run's name, from its segment's."""
    for region in (status.control, status.learner, status.recorder, status.sim):
        region.heartbeat_ns = time.monotonic_ns()
    return status._segment.name.split("-", 2)[2].removesuffix("-status")


def drawn_by(run, script=SHOW):
    """All that a terminal gets."""
    master, slave = pty.openpty()
    with show(run, slave, script) as child, os.fdopen(master, "rb", buffering=0) as terminal:
        os.close(slave)
        drawn = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while chunk := terminal.read(4096):
                drawn += chunk
    assert child.returncode == 0
    return drawn


EPISODE_BEGINS = """
import sys, time
from hilrt.report.screen import REDRAW_S, Screen
from hilrt.shm.status import Status
with Status.attach(sys.argv[1]) as status, Screen(status, "mine") as screen:
    status.control.reset_until_ns = UNTIL
    for phase in (2, 3, 3):
        status.control.phase = phase
        time.sleep(REDRAW_S)
        screen.update()
"""


@pytest.mark.parametrize(("until", "rings"), [(1, 1), (0, 0)])
def test_it_rings_when_an_episode_begins(run, until, rings):
    """Once, when a person has had to put the scene back; a simulated scene needs nobody's attention."""
    assert drawn_by(run, EPISODE_BEGINS.replace("UNTIL", str(until))).count(b"\a") == rings


BELLS = """
import sys, time
from hilrt.report.screen import REDRAW_S, Screen
from hilrt.shm.status import Status
with Status.attach(sys.argv[1]) as status, Screen(status, "mine") as screen:
    for bells in (0, 1, 1, 2, 0):
        status.control.advice_bells = bells
        time.sleep(REDRAW_S)
        screen.update()
"""


def test_it_rings_for_the_coach(run):
    """Once each time that the coach wants to be heard; a control that was restarted counts anew."""
    assert drawn_by(run, BELLS).count(b"\a") == 2


def test_a_terminal_gets_the_panel(run):
    """On a terminal the screen draws the panel, and leaves the cursor visible."""
    drawn = drawn_by(run)
    assert "hilrt train · mine".encode() in drawn
    assert drawn.rindex(b"\x1b[?25h") > drawn.rindex(b"\x1b[?25l")


def test_a_file_gets_plain_lines(run, tmp_path):
    """Elsewhere it writes a line at the start and one at the end, without escape codes."""
    with (tmp_path / "out").open("wb") as file, show(run, file) as child:
        pass
    assert child.returncode == 0
    lines = (tmp_path / "out").read_text().splitlines()
    assert len(lines) == 2
    assert all(text.startswith("train: running, episode 12") for text in lines)


def test_limits_are_those_of_the_record():
    """Every limit that a command may meet is counted in the status block, on screen and in TensorBoard."""
    names = tuple(limit.name.lower() for limit in Limit)
    assert names == LIMITS
    assert tuple(f"limited_{name}" for name in names) == boards.LIMITS
    assert {*boards.LIMITS, *boards.MOTION} <= set(ControlStatus.fields)
