"""Run folders by their names, and a mark that keeps them."""

import subprocess
import sys
from pathlib import Path

import pytest

from hilrt.errors import RunFolderError
from hilrt.run.folder import RunFolder, claimed
from hilrt.run.job import KINDS, Job
from hilrt.run.shelf import keep, runs_in, shelved

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"


def made(runs, kind=Job.RECORD):
    """A run's folder, as a job makes it."""
    return RunFolder.create(SIM, [f"runs_dir={runs}"], kind)


def test_a_name_tells_what_a_run_is(tmp_path):
    """The task's name, the job, and when it began."""
    folder = made(tmp_path, Job.TRAIN)
    run = shelved(folder.path)
    assert (run.name, run.kind) == ("sim-so100", Job.TRAIN)
    assert folder.path.name == f"sim-so100-train-{run.began}"
    assert run.began_iso.replace("-", "").replace(":", "") == run.began.replace("-", "T")


def test_runs_are_in_the_order_of_their_beginning(tmp_path):
    """Jobs of the same second in the order of their numbers; what is no run is left out."""
    first, second = "z-eval-20261130-235959", "a-train-20261201-000000"
    names = [first, second, *(f"{second}-{n}" for n in range(2, 12)), "b-record-20261202-000000"]
    for name in sorted(names, reverse=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "a-train-20261201-000001").mkdir()
    assert [run.path.name for run in runs_in(tmp_path)] == names


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_is_listed(kind, tmp_path):
    """Those too that are called after what the arm was driven by hand for."""
    path = made(tmp_path, kind).path
    assert [(run.path, run.kind) for run in runs_in(tmp_path)] == [(path, kind)]


@pytest.mark.parametrize("name", ["absent", "mine", "notes"])
def test_others_are_no_runs(name, tmp_path):
    """Neither is a folder of another name that has a config.toml."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.toml").touch()
    with pytest.raises(RunFolderError, match="is not a run"):
        shelved(tmp_path / name)


def test_no_folder_is_said(tmp_path):
    """With the option that names another."""
    with pytest.raises(RunFolderError, match="--in FOLDER"):
        runs_in(tmp_path / "runs")


def test_a_run_is_kept_until_it_is_not(tmp_path):
    """Twice is as good as once."""
    path = made(tmp_path).path
    for kept in (True, True, False, False):
        keep(path, kept=kept)
        assert shelved(path).kept is kept


def test_a_folder_is_claimed_by_who_made_it_and_under_its_new_name(tmp_path):
    """Until the process ends, also by kill -9."""
    code = (
        "import sys; from pathlib import Path; from hilrt.run.folder import RunFolder\n"
        f"draft = RunFolder.fill(Path(sys.argv[1]) / 'draft', Path({str(SIM)!r}), [])\n"
        "folder = draft.named('a-train-20261201-000000'); del draft\n"
        "print(folder.path, flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        path = Path(process.stdout.readline().strip())
        assert claimed(path)
        process.kill()
        process.wait()
        assert not claimed(path)
    assert list(tmp_path.iterdir()) == [path]
