"""A run where little is as usual: started by setsid and nohup, all streams closed, few open files, ASCII alone."""

import os
import signal
import subprocess
import sys

import jobs
import pytest

from hilrt.cli.surroundings import OPEN_FILES

UNUSUAL = ("setsid", "nohup", "sh", "-c", 'ulimit -Sn 16; exec "$@" <&- >&- 2>&-', "sh")


def test_unusual_surroundings(tmp_path):
    """Everything is recorded, nohup means what it says, and `hilrt status` needs no character beyond ASCII."""
    overrides = ["dataset.num_episodes_to_record=1000"]
    with jobs.LiveRun(tmp_path, "record", jobs.SIM, overrides=overrides, under=UNUSUAL) as live:
        live.wait_for(lambda: live.status.control.demo_successes > 0)
        os.kill(live.process.pid, signal.SIGHUP)
        before = live.status.control.demo_successes
        live.wait_for(lambda: live.status.control.demo_successes > before + 1)
        shown = jobs.status(environment={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert not live.status.supervisor.stop
        os.kill(live.process.pid, signal.SIGTERM)
        live.finish()
        kept = live.status.control.demo_successes
    assert live.process.returncode == 0
    assert f"hilrt record ? {live.path.name}" in shown.stdout, shown.stderr
    assert len(jobs.demonstrations(tmp_path / "datasets" / "sim_so100")) >= kept


def test_terminal_of_ascii_alone(tmp_path):
    """A run's screen is drawn from characters that such a terminal has, and the run ends as ever."""
    under = ("env", "PYTHONIOENCODING=ascii")
    with jobs.WatchedTerminal(tmp_path, "record", jobs.SIM, overrides=jobs.SMALL, under=under) as terminal:
        terminal.wait_for(rb"hilrt record")
        assert terminal.finish() == 0, terminal.text()
    assert "demonstrations" in terminal.text()
    assert bytes(terminal.seen).isascii()
    assert len(jobs.demonstrations(tmp_path / "datasets" / "sim_so100")) == 2


def test_too_few_open_files(tmp_path):
    """Where no more can be had a command says so in a sentence, before it has begun anything."""
    few = ("sh", "-c", 'ulimit -n 16; exec "$@"', "sh")
    done = subprocess.run(
        jobs.command("record", jobs.SIM, under=few), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: a process may have 16 files open here, hilrt needs {OPEN_FILES}")
    assert not list(tmp_path.iterdir())


LOADING = """
import sys

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient())
from hilrt.cli import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "hilrt.errors", "hilrt.report.live"])
def test_interrupted_while_it_loads(module, tmp_path):
    """Ctrl-C right after the start ends it, without a traceback."""
    code = LOADING.format(module=module)
    done = subprocess.run(
        [sys.executable, "-c", code, "status"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode in {1, 130}, done.stderr  # 1 is that of typer, once it is there
    assert "Traceback" not in done.stderr
