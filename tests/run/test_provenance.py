"""With what a run was made."""

import re
import shutil
import subprocess
from pathlib import Path

from hilrt.run.folder import RunFolder
from hilrt.run.provenance import PROVENANCE, note_provenance, provenances_of
from hilrt.run.version import commit_of

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"


def test_each_start_is_noted(tmp_path):
    """With version and machine; a damaged file is begun anew."""
    folder = RunFolder.fill(tmp_path / "x-train-20260102-030405", SIM, [])
    assert provenances_of(folder.path) == []
    note_provenance(folder)
    note_provenance(folder)
    first, second = provenances_of(folder.path)
    assert first.wall_ns < second.wall_ns
    assert first.version
    assert first.cores > 0
    assert re.fullmatch(r"3\.\d+\.\d+\S*", first.python)
    (folder.path / PROVENANCE).write_text("{}")
    note_provenance(folder)
    assert len(provenances_of(folder.path)) == 1


def test_the_commit_is_the_checkouts_own(tmp_path):
    """With a mark where a file differs from it; a folder inside somebody's checkout is none."""
    (tmp_path / "inside").mkdir()
    git = [shutil.which("git"), "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@y"]
    (tmp_path / "file").write_text("a")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "m"]):
        subprocess.run([*git, *words], check=True)
    commit = commit_of(tmp_path)
    assert re.fullmatch(r"[0-9a-f]{40}", commit)
    (tmp_path / "file").write_text("b")
    assert commit_of(tmp_path) == f"{commit}-dirty"
    assert commit_of(tmp_path / "inside") == ""
