"""A new training that begins from an earlier one: its policy, its demonstrations, its steps."""

import os
import re
import shutil
import signal
import subprocess
import sys

import jobs
import pytest

from hilrt.config import taskfile
from hilrt.data.journal import read_episodes
from hilrt.data.sessions import look
from hilrt.errors import JournalFormatError, PolicyMakeError
from hilrt.jobs.finetune import DRAFT, Beginning, require_own_encoder
from hilrt.policy.saved import checkpoints_of, load_meta
from hilrt.step.features import from_config
from hilrt.step.record import Mode

TRAINING = [*jobs.SMALL, "learner.online_steps=40", "learner.online_step_before_learning=20"]
SECOND = ["sim.object_scale=1.25", "dataset.root=datasets/second", "processor.reset.control_time_s=8.0"]
LONGER = ["learner.online_steps=300", "learner.checkpoint_every_s=1e6"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a training that has ended, and a demonstration with a larger cube."""
    folder = tmp_path_factory.mktemp("finetune")
    jobs.record(folder)
    done = jobs.run(folder, "train", jobs.SIM, overrides=TRAINING)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs.record(folder, *SECOND, "dataset.num_episodes_to_record=1")
    return folder


@pytest.fixture(scope="module")
def first(workplace):
    """The run to begin from."""
    return min(jobs.runs_of(workplace, "train"))


def squeezed(text):
    return re.sub(r"[\s│]+", " ", text)


def own_steps(run):
    """Steps that a run has taken itself, and those from before it, by their times."""
    steps = {False: [], True: []}
    for episode in read_episodes(run / "journal"):
        if episode.mode is Mode.TRAIN:
            steps[episode.header.earlier] += [r.wall_ns for r in episode.records if not r.final]
    return steps[False], steps[True]


def test_a_second_object(workplace, first):
    """Policy, optimisers, demonstrations and steps are those of the first; counts begin anew; killed, it goes on so."""
    its, _ = own_steps(first)
    words = ["train", str(jobs.SIM), "--from", f"runs/{first.name}"]
    with jobs.LiveRun(workplace, *words, overrides=[*TRAINING, *SECOND, *LONGER]) as live:
        run = live.path
        shutil.copytree(run / "checkpoints" / "00000000", workplace / "begun")
        live.wait_for(lambda: live.status.control.online_steps > 30)
        live.wait_for(lambda: re.search(rf"{run.name} \d", live.status.learner.sessions))
        told = live.status.learner.sessions
        pids = [getattr(live.status, role).pid for role in ("control", "learner", "recorder", "sim")]
        for pid in (live.process.pid, *pids):
            os.kill(pid, signal.SIGKILL)
        printed = squeezed(live.process.communicate()[0])
    steps = load_meta(newest := checkpoints_of(first)[-1]).online_steps
    for part in (
        f"kept: networks and optimisers after {steps} online steps",
        f", {len(its)} steps, ",
        f"kept: its demonstrations in {workplace}/datasets/sim_so100",
        "not kept: evaluations, success rates and counts",
        "sim.object_scale: 1 before, 1.25 now",
        "by other rules: processor.reset.control_time_s 10.0 before, 8.0 now",
    ):
        assert part in printed
        assert part in squeezed((run / "log.txt").read_text())
    for file in ("actor.safetensors", "learner.safetensors"):
        assert (workplace / "begun" / file).read_bytes() == (newest / file).read_bytes()
    assert load_meta(workplace / "begun").online_steps == 0
    assert re.search(rf"sim_so100 \d+, second \d+, {first.name} {len(its)}, {run.name} \d+", told)

    shutil.move(first, workplace / "away")  # nothing of it is needed any more
    try:
        resumed = jobs.run(workplace, "train", "--resume", run)
    finally:
        shutil.move(workplace / "away", first)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    own, earlier = own_steps(run)
    assert earlier == its
    assert jobs.summary(run)["online_steps"] == len(own) >= 300
    assert "warm start" not in resumed.stdout


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["processor.observation.add_current_to_observation=true"],
            "was trained on other features than this config gives: its state lacks",
        ),
        (["sim.observe_object=false"], "its state has"),
        (["robot.cameras.front={type='sim', width=48, height=32}"], "front 128x128"),
        (["learner.num_critics=3"], "of another make than this config asks for: learner.num_critics 2 before, 3 now"),
        (["processor.gripper.open_position=0"], "open_position"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(workplace, first, overrides, message):
    """Another state, other cameras, other networks: in words, and before there is a folder."""
    before = set((workplace / "runs").iterdir())
    words = ["train", jobs.SIM, "--from", f"runs/{first.name}"]
    done = jobs.run(workplace, *words, overrides=[*TRAINING, *overrides])
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in squeezed(done.stderr)
    assert "Traceback" not in done.stderr
    assert set((workplace / "runs").iterdir()) == before


def test_from_or_resume(workplace, first):
    """One of them; and what is no run is none to begin from."""
    run = f"runs/{first.name}"
    both = jobs.run(workplace, "train", "--resume", run, "--from", run)
    assert both.returncode == 2
    assert "give one of them" in squeezed(both.stderr)
    none = jobs.run(workplace, "train", jobs.SIM, "--from", "nowhere", overrides=TRAINING)
    assert none.returncode == 2
    assert "nowhere: is not a run" in none.stderr


def test_another_frozen_encoder_is_refused(tmp_path):
    """The policy sees by its own; the same file, a copy of it, or nothing may be asked for."""
    files = {name: tmp_path / name for name in ("own", "copy", "other", "absent")}
    for name, content in (("own", b"seen"), ("copy", b"seen"), ("other", b"else")):
        files[name].write_bytes(content)
    for asked in ("", str(files["own"]), str(files["copy"])):
        require_own_encoder(tmp_path, files["own"], asked)
    require_own_encoder(tmp_path, None, str(files["other"]))
    for name in ("other", "absent"):
        with pytest.raises(PolicyMakeError, match=rf"policy\.weights .*own before, .*{name} now"):
            require_own_encoder(tmp_path, files["own"], str(files[name]))


def test_nothing_is_left_of_a_folder_that_could_not_be_made(workplace, first, monkeypatch):
    """Not of a start that fails, nor of one that was killed; one that goes on is left alone."""
    monkeypatch.chdir(workplace)
    overrides = [*TRAINING, *SECOND]
    beginning, config = Beginning(first), taskfile.load(jobs.SIM, overrides)
    found = look(None, first, from_config(config))
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    runs = workplace / "runs"
    killed, going = (runs / f".sim{DRAFT}{pid}" for pid in (ended.pid, os.getppid()))
    for folder in (killed, going):
        folder.mkdir()
    found.fresh.append(workplace / "gone.hilrt")
    with pytest.raises(JournalFormatError, match=r"gone\.hilrt"):
        beginning.make(jobs.SIM, overrides, config, found)
    assert [path for path in runs.iterdir() if path.name.startswith(".")] == [going]
    going.rmdir()
