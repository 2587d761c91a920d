"""The jobs from end to end, as a user runs them, on the simulated arm."""

import contextlib
import itertools
import json
import os
import re
import select
import signal
import threading
import time

import jobs
import numpy as np
import pytest
from emptyshm import emptied

from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.devices.calibration import Calibration
from hilrt.report import boards
from hilrt.run.folder import RunFolder
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servos import ServoBank
from hilrt.step.record import Mode, Source

REAL = jobs.ROOT / "configs" / "so100.toml"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with two demonstrations."""
    folder = tmp_path_factory.mktemp("work")
    jobs.record(folder)
    return folder


def test_record(workplace):
    """`hilrt record` leaves complete, successful demonstrations by the operator, and a summary."""
    episodes = jobs.demonstrations(workplace / "datasets" / "sim_so100")
    assert [e.number for e in episodes] == [0, 1]
    assert all(e.complete and e.mode is Mode.DEMO and e.records[-1].success for e in episodes)
    assert all(r.source is Source.HUMAN for e in episodes for r in e.records if not r.final)
    assert jobs.summary(jobs.newest_run(workplace, "record"))["episodes"]["demo"] == 2


def test_run_folder_has_the_tasks_name(tmp_path):
    """`env.name` begins the name of the run's folder, then comes the job."""
    folder = RunFolder.create(jobs.SIM, ["env.name=abc", f"runs_dir={tmp_path}"], "record")
    assert folder.path.name.startswith("abc-record-")


def test_jobs_of_one_second_have_folders_of_their_own(tmp_path):
    """Two terminals may start the same job at once."""
    folders = [RunFolder.create(jobs.SIM, [f"runs_dir={tmp_path}"], "train") for _ in range(8)]
    assert len({folder.path for folder in folders}) == 8
    assert all(RunFolder.open(folder.path).config() for folder in folders)


def test_record_goes_on(tmp_path):
    """A second `hilrt record` adds to the dataset."""
    jobs.record(tmp_path)
    jobs.record(tmp_path, "dataset.num_episodes_to_record=1")
    assert [e.number for e in jobs.demonstrations(tmp_path / "datasets" / "sim_so100")] == [0, 1, 2]


TRAINING = [
    *jobs.SMALL,
    "learner.online_steps=200",
    "learner.checkpoint_every_s=1e6",  # that clock is on the wall
    "eval.every_steps=100",
    "eval.episodes=2",
]


@pytest.fixture(scope="module")
def trained(workplace):
    """A training that nobody disturbed: its folder, and what was printed."""
    done = jobs.run(workplace, "train", jobs.SIM, overrides=TRAINING)
    assert done.returncode == 0, done.stdout + done.stderr
    return jobs.newest_run(workplace, "train"), done.stdout


def test_train_then_eval(workplace, trained):
    """`hilrt train` leaves all that its run folder promises; `hilrt eval` judges it with an interval."""
    run, printed = trained
    assert {p.name for p in run.iterdir()} >= {
        "config.toml", "provenance.json", "journal", "checkpoints", "tensorboard", "log.txt", "episodes.jsonl",
        "summary.json",
    }  # fmt: skip
    summary = jobs.summary(run)
    assert summary["online_steps"] >= 200
    assert [e["success"]["episodes"] for e in summary["evaluations"]] == [2, 2, 2]
    assert summary["updates"] >= summary["online_steps"] - 100 - 2
    assert f"hilrt eval runs/{run.name}" in printed
    first = summary["evaluations"][0]
    assert first["online_steps"] == 0
    assert f"before the first step: autonomous success {first['success']['successes']}/2 = " in printed
    steps = sum(
        not r.final for e in read_episodes(run / "journal") if e.mode is Mode.TRAIN for r in e.records
    )
    assert steps == summary["online_steps"]

    judged = jobs.run(workplace, "eval", f"runs/{run.name}", "--episodes", "3")
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "/3 = " in judged.stdout
    assert "95 % interval" in judged.stdout
    (folder,) = (run / "evals").iterdir()
    found = jobs.summary(folder)
    assert found["success_rate"] == found["autonomous_rate"] == found["evaluations"][0]["success"]["rate"]
    assert found["checkpoint"] == str(max((run / "checkpoints").glob("0*")).resolve())
    assert not any(r.source is Source.HUMAN for e in read_episodes(folder / "journal") for r in e.records)


@pytest.fixture(scope="module")
def events(trained):
    """TensorBoard's figures of that training."""
    return jobs.figures(trained[0])


def test_evaluations_are_shown(trained, events):
    """TensorBoard has success of the clone at step 0, then of each evaluation, as the summary says."""
    told = jobs.summary(trained[0])["evaluations"]
    shown = events.Scalars("2_Evaluation/success")
    assert shown[0].step == 0
    assert [(e.step, e.value) for e in shown] == [
        (e["online_steps"], e["success"]["successes"] / 2) for e in told
    ]


def test_how_the_arm_follows_is_shown(events):
    """TensorBoard has jerk, and what the arm is behind: less than a step's centimetres, or it would not do its task."""
    most = {name: max(e.value for e in events.Scalars(f"6_Motion/{name}")) for name in boards.MOTION}
    assert 50 < most["jerk_rms"] < 2_000
    assert 0.1 < most["behind_rms_deg"] <= most["behind_worst_deg"] < 30
    assert 0.1 < most["behind_rms_mm"] <= most["behind_worst_mm"] < 60


RARE = {"4_Episodes/classifier_probability", "4_Episodes/classifier_overrides", "5_Learning/q_successes"}
"""Figures of a run with a classifier, and of a policy that has won alone."""


def test_every_figure_is_explained(events):
    """The page on the dashboard has each figure that a run writes, and no others; `*` stands for a name."""
    text = (jobs.ROOT / "docs" / "guide" / "dashboard.md").read_text()
    told = set(re.findall(r"^\| `(\d_\w+/\S+)` \|", text, re.MULTILINE))
    names = ((r"^8_Steps/.*", "8_Steps/*"), (r"^9_Storage/session_.*", "9_Storage/session_*"))
    written = set(events.Tags()["scalars"])
    for pattern, name in names:
        written = {re.sub(pattern, name, tag) for tag in written}
    assert written <= told
    assert told - written <= RARE


def test_no_chart_is_empty(trained, events):
    """Each chart of the boards has a figure of this run, and each figure is in a chart, or always 0 in lockstep."""
    assert jobs.empty_charts(trained[0]) == []
    charts = boards.layout(RunFolder(trained[0]).config())
    wanted = [pattern for board in charts.values() for _, patterns in board.values() for pattern in patterns]
    left = {tag for tag in events.Tags()["scalars"] if not any(re.match(pattern, tag) for pattern in wanted)}
    assert {event.value for tag in left for event in events.Scalars(tag)} == {0.0}
    assert left == {f"7_Timing/{n}" for n in boards.TICKS if n.startswith(("lateness", "misses"))}


def test_the_task_file_is_shown(trained, events):
    """As it was used."""
    (shown,) = events.Tensors("Task/file/text_summary")
    text = shown.tensor_proto.string_val[0].decode()
    lines = (trained[0] / "config.toml").read_text().splitlines()
    assert text.splitlines() == [f"    {line}" for line in lines]


def hinder(live):
    """Stop learner and control by turns, each for a while, until the run has ended, as a busy machine does."""
    roles, pauses_s = itertools.cycle(("learner", "learner", "control")), (0.02, 0.11, 0.05, 0.17)
    for role, pause_s in zip(roles, itertools.cycle(pauses_s), strict=False):
        if live.process.poll() is not None:
            return
        if pid := getattr(live.status, role).pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(pause_s)
                os.kill(pid, signal.SIGCONT)
        time.sleep(0.03)


def test_equal_seeds_give_equal_trainings(workplace, trained):
    """In lockstep, though learner and control come to a halt by turns: same records, weights and scores, to the bit."""
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=TRAINING) as live:
        hinder(live)
        text = live.finish()
    assert live.process.returncode == 0, text
    run, _ = trained
    assert len(jobs.records(run)) > 200
    assert jobs.records(live.path) == jobs.records(run)
    assert jobs.learned(live.path) == jobs.learned(run)
    assert [meta.evaluation.episodes for meta, *_ in jobs.learned(run).values() if meta.evaluation] == [
        2,
        2,
        2,
    ]

    few = ["learner.online_steps=20", "eval.every_steps=0"]
    other = jobs.run(workplace, "train", jobs.SIM, overrides=[*TRAINING, "seed=1", *few])
    assert other.returncode == 0, other.stdout + other.stderr
    actions = [
        [r.policy_action for r in jobs.records(r)[:20]] for r in (run, jobs.newest_run(workplace, "train"))
    ]
    assert actions[0] != actions[1]


def test_checkpoints_are_listed_and_restored(workplace):
    """A run that is alive is left alone; one that has ended goes on from the checkpoint it is sent back to."""
    overrides = [*jobs.SMALL, "learner.online_steps=240", "eval.every_steps=120", "eval.episodes=2"]
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=overrides) as live:
        live.wait_for(lambda: live.status.learner.ready)
        run = f"runs/{live.path.name}"
        asked = ["checkpoint", "restore", run, "0"], ["train", "--resume", run, "--anew"]
        refused = [jobs.run(workplace, *words) for words in asked]
        text = live.finish()
    assert live.process.returncode == 0, text
    assert [one.returncode for one in refused] == [2, 2]
    assert all("is going on; stop it first" in " ".join(one.stderr.split()) for one in refused)
    assert not list((live.path / "checkpoints").glob("set-aside-*"))
    listed = jobs.run(workplace, "checkpoint", "list", run)
    assert listed.returncode == 0, listed.stderr
    assert "newest" in listed.stdout
    assert "best" in listed.stdout
    assert listed.stdout.count("/2 = ") == 3
    absent = jobs.run(workplace, "checkpoint", "restore", run, "77")
    assert absent.returncode == 2
    assert "has no checkpoint after 77 online steps" in " ".join(absent.stderr.split())

    steps = sorted(int(p.name) for p in (live.path / "checkpoints").iterdir())
    done = jobs.run(workplace, "checkpoint", "restore", run, str(steps[0]))
    assert done.returncode == 0, done.stderr
    assert re.search(rf"hilrt train --resume {run} --steps N     \(N: in all, more than \d+\)", done.stdout)
    resumed = jobs.run(workplace, "train", "--resume", run)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    (aside,) = (live.path / "checkpoints").glob("set-aside-*")
    assert [int(p.name) for p in sorted(aside.iterdir())] == steps[1:]
    before = jobs.summary(live.path)
    again = jobs.run(workplace, "train", "--resume", run)  # it has nothing to do, and says what was done
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"{before['online_steps']} online steps" in again.stdout
    assert "go on:" not in again.stdout
    assert f"hilrt train --resume {run} --steps N" in again.stdout
    assert jobs.summary(live.path)["online_steps"] == before["online_steps"]


def test_same_seed_same_demonstrations(tmp_path):
    """In lockstep, demonstrations are the same bytes on every machine: same seed, same states."""
    states = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        root = jobs.record(folder, "dataset.num_episodes_to_record=1")
        states.append([r.state for r in jobs.demonstrations(root)[0].records])
    assert states[0] == states[1]


@pytest.mark.parametrize("clock", ["lockstep", "realtime"])
def test_cameras(tmp_path, clock):
    """Pictures of both simulated cameras are in every record, as old as it says, and they change as the arm moves."""
    cameras = [f"robot.cameras.{name}={{type='sim', width=48, height=32}}" for name in ("front", "wrist")]
    cameras += [f"sim.clock={clock}", "sim.arm.camera_latency_ms=80.0"]
    root = jobs.record(tmp_path, *cameras, "dataset.num_episodes_to_record=1")
    episode = open_dataset(root).episode(0, frames=True)
    for name in ("front", "wrist"):
        pictures = [episode.images(i)[name] for i in range(len(episode.records))]
        assert {picture.shape for picture in pictures} == {(32, 48, 3)}
        assert all(picture.std() > 5 for picture in pictures)
        assert not (pictures[0] == pictures[-1]).all()
    ages = np.array([record.frame_ages_ms for record in episode.records if not record.final])
    assert ages.shape[1] == 2
    assert (ages == 80.0).all() if clock == "lockstep" else (ages >= 80.0).all()


def test_silent_servo(tmp_path):
    """A servo that does not answer is named, with what to check, and the status is 2."""
    calibration = Calibration.load(jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json")
    servos = ServoBank.calibrated(calibration).servos
    bank = ServoBank([servo for servo in servos if servo.id != 4])
    ended = threading.Event()
    with PseudoTerminal() as pty:

        def serve():
            while not ended.is_set():
                if select.select([pty.fd], [], [], 0.05)[0]:
                    pty.exchange(bank.feed)

        server = threading.Thread(target=serve)
        server.start()
        overrides = [f"robot.port={pty.path}", "robot.id=sim", "robot.cameras={}"]
        with jobs.InTerminal(tmp_path, "record", REAL, overrides=overrides) as terminal:
            status = terminal.finish()
        ended.set()
        server.join()
    assert status == 2, terminal.text()
    assert "motor 4 (wrist_flex)" in terminal.text()
    assert "Traceback" not in terminal.text()


def test_absent_port(tmp_path):
    """A serial port that is not there is named."""
    overrides = ["robot.id=sim", "robot.port=/dev/ttyNONE", "robot.cameras={}"]
    with jobs.InTerminal(tmp_path, "record", REAL, overrides=overrides) as terminal:
        assert terminal.finish() == 2
    assert "no serial port /dev/ttyNONE" in terminal.text()
    assert "Traceback" not in terminal.text()


@pytest.mark.parametrize(
    ("words", "overrides", "message"),
    [
        (["train", "nowhere.toml"], [], "nowhere.toml: no such file"),
        (["train", jobs.SIM], ["env.fsp=3"], "Did you mean `fps`?"),
        (["train", jobs.SIM], ["dataset.root=nowhere"], "no demonstrations in"),
        (["train", "--resume", "nowhere"], [], "nowhere: is not a run"),
        (["eval", "nowhere"], [], "nowhere: is not a run"),
        (["checkpoint", "list", "nowhere"], [], "nowhere: is not a run"),
        (["record", REAL], ["robot.id=absent"], "absent.json: there is no such file"),
    ],
)
def test_one_clear_message(tmp_path, words, overrides, message):
    """What cannot work ends with status 2 and one message, never a traceback."""
    done = jobs.run(tmp_path, *words, overrides=overrides)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert json.dumps(done.stderr).count("error: ") == 1


def test_status_without_runs():
    """`hilrt status` with nothing to show says so."""
    done = jobs.status(emptied(jobs.STATUS))
    assert done.returncode == 2
    assert "no run is alive" in done.stderr


def test_status_shows_a_run(workplace):
    """`hilrt status` shows a run that goes on, without disturbing it."""
    overrides = [*jobs.SMALL, "learner.online_steps=150"]
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=overrides) as live:
        live.wait_for(lambda: live.status.control.ready)
        seen = jobs.status()
        text = live.finish()
    assert live.process.returncode == 0, text
    assert live.path.name in seen.stdout


def test_a_third_interrupt_says_how_to_go_on(workplace):
    """It ends a training at once, and the last line names the command that goes on with it."""
    with jobs.WatchedTerminal(workplace, "train", jobs.SIM, overrides=jobs.SMALL) as terminal:
        terminal.until(lambda: terminal.control.online_steps > 0)
        for asks in (1, 2, 3):
            os.kill(terminal._pid, signal.SIGINT)
            terminal.until(lambda asks=asks: terminal.status.supervisor.stop_asks == asks)
        assert terminal.finish() != 0, terminal.text()
    assert f"go on: hilrt train --resume runs/{jobs.newest_run(workplace, 'train').name}" in terminal.text()
    assert "Traceback" not in terminal.text()


def test_teleoperate(tmp_path):
    """`hilrt teleoperate` lets the keys drive the arm until q, for longer than any time limit, and records nothing."""
    overrides = ["teleop.type=keyboard", "processor.reset.control_time_s=0.5"]
    with jobs.InTerminal(tmp_path, "teleoperate", jobs.SIM, overrides=overrides) as terminal:
        terminal.wait_for(rb"episode 0 \(demo\), step 1\d")
        terminal.type(b"\x1b[A")
        terminal.wait_for(rb"human steps 2\d|step 2\d")
        terminal.type(b"s")
        terminal.wait_for(rb"episode 1 \(demo\), step")
        terminal.type(b"q")
        assert terminal.finish() == 0, terminal.text()
    assert not (tmp_path / "datasets").exists()
    assert not list(tmp_path.glob("runs/*/journal"))
