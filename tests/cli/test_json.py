"""Answers for scripts."""

import json
import re
from pathlib import Path

import jobs
from commandline import commands
from emptyshm import emptied
from typer.testing import CliRunner

from hilrt.cli.app import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "command-line.md"


def test_the_guide_names_every_command_that_answers_scripts():
    """And no other."""
    able = {" ".join(path) for path, command in commands() if any("--json" in p.opts for p in command.params)}
    told = re.findall(r"^\| `hilrt ([a-z ]+) --json` \|", PAGE.read_text(), flags=re.MULTILINE)
    assert set(told) == able | {"runs"}


def test_nothing_to_show_is_an_answer():
    """`hilrt status` fails where no run is alive; with --json the list is empty."""
    done = jobs.status(emptied([*jobs.STATUS, "--json"]))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_doctor_answers_scripts(monkeypatch):
    """Each thing that was looked at; the status says whether all is well."""
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(app, ["doctor", "configs/sim_so100.toml", "--json"])
    found = json.loads(done.stdout)
    assert {"what", "ok", "text"} == set().union(*found)
    assert "real-time scheduling" in [one["what"] for one in found]
    assert done.exit_code == (0 if all(one["ok"] for one in found) else 1)


def test_an_error_is_no_answer(tmp_path):
    """It is told on standard error, with status 2, and standard output stays empty."""
    done = jobs.run(tmp_path, "checkpoint", "list", "nowhere", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere" in done.stderr
