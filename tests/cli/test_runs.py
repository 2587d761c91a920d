"""`hilrt runs` with folders as jobs make them, before anything runs in them; see also test_runs_jobs.py."""

import json
import os
import subprocess
import sys

import jobs
import pytest
from typer.testing import CliRunner

from hilrt.cli.app import app
from hilrt.errors import HilrtError, RunFolderError
from hilrt.jobs import runs as job
from hilrt.policy.saved import CHECKPOINTS
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job
from hilrt.run.provenance import note_provenance

WITHOUT_ROOTS_POWERS = """
import ctypes, os, sys
for power in (1, 2): ctypes.CDLL(None).prctl(24, power, 0, 0, 0)  # to write, and to read, whatever the mode says
os.execv(sys.executable, [sys.executable, "-c", "from hilrt.cli import main; main()", *sys.argv[1:]])
"""


def ask(*words, typed=None):
    """`hilrt runs ...` in this process: status, and what was said."""
    done = CliRunner().invoke(app, ["runs", *map(str, words)], input=typed)
    told = str(done.exception) if isinstance(done.exception, HilrtError) else done.output
    return 2 if isinstance(done.exception, HilrtError) else done.exit_code, " ".join(told.split())


def powerless(*words):
    """The same in a process that modes of files hold for, even if root has started it."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOTS_POWERS, "runs", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def made(folder, kind=Job.RECORD):
    """A run that has not begun."""
    return RunFolder.create(jobs.SIM, [f"runs_dir={folder}"], kind).path


@pytest.mark.parametrize("before", [["--in", "elsewhere"], ["--json"]])
def test_options_before_a_name_are_refused(before, tmp_path, monkeypatch):
    """They would be without effect, and `clear` would clear another folder."""
    monkeypatch.chdir(tmp_path)
    path = made(tmp_path / "runs")
    status, said = ask(*before, "clear", "--yes")
    assert status == 2
    assert "behind the name: hilrt runs clear" in said
    assert path.is_dir()


def test_no_runs_yet_are_an_empty_list(tmp_path, monkeypatch):
    """A folder that was named has to be there."""
    monkeypatch.chdir(tmp_path)
    status, said = ask("--json")
    assert (status, json.loads(said)) == (0, [])
    status, said = ask("--json", "--in", "other")
    assert status == 2
    assert "--in FOLDER" in said


def test_the_run_that_one_stands_in_can_be_deleted(tmp_path, monkeypatch):
    """By the name `.`."""
    path = made(tmp_path)
    monkeypatch.chdir(path)
    assert ask("delete", ".", "--yes")[0] == 0
    assert not path.exists()


def test_a_run_that_is_named_twice_is_deleted_once(tmp_path, monkeypatch):
    """However its name is written."""
    path = made(tmp_path)
    monkeypatch.chdir(tmp_path)
    status, said = ask("delete", path.name, path, f"../{tmp_path.name}/{path.name}", "--yes")
    assert (status, said.count(path.name)) == (0, 1)
    assert not path.exists()


def test_clear_looks_again_before_it_deletes(tmp_path):
    """What has begun between the question and the answer stays."""
    first, second = made(tmp_path), made(tmp_path)
    listed = job.failed_starts(tmp_path)
    assert listed == [first, second]
    begun = RunFolder(first)
    begun.claim()
    assert job.clear(listed) == [second]
    assert first.is_dir()
    assert not second.exists()


def test_a_recording_that_was_killed_is_cut(tmp_path):
    """Also before its first whole episode: the arm may have moved. A start that came to nothing has failed."""
    killed, failed = made(tmp_path), made(tmp_path)
    note_provenance(RunFolder(killed))
    states = {line["folder"]: line["state"] for line in json.loads(ask("--in", tmp_path, "--json")[1])}
    assert states == {str(killed): "cut", str(failed): "failed"}
    assert job.failed_starts(tmp_path) == [failed]


def test_a_run_whose_policy_acts_is_not_deleted(tmp_path):
    """Until that ends."""
    path = made(tmp_path, Job.TRAIN)
    (path / CHECKPOINTS).mkdir()
    acting = RunFolder(path)
    acting.claim(path / CHECKPOINTS)
    with pytest.raises(RunFolderError, match="policy that acts"):
        job.delete([path])
    del acting
    job.delete([path])
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "endless", "why"),
    [
        (["train", "--resume"], "earlier.json", "is starting"),
        (["checkpoint", "restore"], f"{CHECKPOINTS}/10/meta.json", "is starting"),
        (["eval"], f"{CHECKPOINTS}/10/meta.json", "policy that acts"),
        (["run"], f"{CHECKPOINTS}/10/meta.json", "policy that acts"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_run_that_is_taken_up_is_not_deleted(words, endless, why, tmp_path):
    """From the first moment on; here with a file to be read that does not end."""
    path = made(tmp_path, Job.TRAIN)
    (path / CHECKPOINTS / "10").mkdir(parents=True)
    os.mkfifo(path / endless)
    steps = ["10"] if "restore" in words else []
    call = [sys.executable, "-c", "from hilrt.cli import main; main()", *words, str(path), *steps]
    pipe = subprocess.PIPE
    with subprocess.Popen(call, stdout=pipe, stderr=pipe) as process, (path / endless).open("w"):
        try:
            with pytest.raises(RunFolderError, match=why):
                job.delete([path])
        finally:
            process.kill()
    assert path.is_dir()


def test_a_file_that_cannot_be_deleted_is_named(tmp_path):
    """With the reason; the run is one still."""
    path = made(tmp_path)
    deep = path / "journal"
    deep.mkdir()
    (deep / "one.bin").touch()
    deep.chmod(0o500)
    done = powerless("delete", path, "--yes")
    deep.chmod(0o700)
    assert done.returncode == 2
    assert f"{path} cannot be deleted" in (said := " ".join(done.stderr.split()))
    assert "one.bin: Permission denied" in said
    assert (path / "config.toml").is_file()


def test_a_run_that_cannot_be_read_is_listed_with_its_problem(tmp_path):
    """And all others as ever."""
    shut, other = made(tmp_path), made(tmp_path)
    shut.chmod(0)
    done = powerless("--in", tmp_path, "--json")
    shut.chmod(0o700)
    assert done.returncode == 0, done.stderr
    lines = {line["folder"]: line for line in json.loads(done.stdout)}
    assert "Permission denied" in lines[str(shut)]["problem"]
    assert lines[str(other)]["problem"] == ""
