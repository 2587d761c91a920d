"""TensorBoard on runs, as a user opens it."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from hilrt.config import taskfile
from hilrt.errors import DashboardError
from hilrt.report.dashboard import dashboard
from hilrt.report.metrics import Metrics

TASK = taskfile.load(Path(__file__).parents[2] / "configs" / "sim_so100.toml")
PATIENCE_S = 600.0
"""Watchdog, not a time limit."""


def make_run(folder):
    """A run's folder with one figure."""
    with Metrics(folder / "tensorboard", TASK) as metrics:
        metrics.evaluation(3, 4, 100)
    return folder


def opened(*words, port, hangup="SIG_DFL"):
    """`hilrt dashboard`, which prints lines as they come; `hangup`: what it finds SIGHUP set to."""
    # pytest may run where Ctrl-C is ignored, and what is ignored stays so
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"signal.signal(signal.SIGHUP, signal.{hangup}); from hilrt.cli import main; main()"
    )
    command = [sys.executable, "-u", "-c", code, "dashboard", *map(str, words), "--port", str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def port():
    """One that is free."""
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


def address_of(shown):
    """What it says of where the figures are, once they are there."""
    return next(found[1] for line in shown.stdout if (found := re.search(r"(http://[^/]+/)", line)))


def get(address):
    with urlopen(address) as page:
        return json.load(page)


def runs_at(address, count):
    """Names of the runs, once there are so many."""
    deadline = time.monotonic() + PATIENCE_S
    while len(names := get(f"{address}data/runs")) < count:
        assert time.monotonic() < deadline, names
        time.sleep(0.05)
    return sorted(names)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_runs_are_shown_until_a_person_ends_it(tmp_path, port, number):
    """By the names of their folders, two of one name too; then nothing is left of the server."""
    runs = [make_run(tmp_path / name) for name in ("one", "here/two", "there/two")]
    with opened(*runs, port=port) as shown:
        address = address_of(shown)
        assert get(f"{address}data/environment")["data_location"]
        names = runs_at(address, len(runs))
        layout = get(f"{address}data/plugin/custom_scalars/layout")
        shown.send_signal(number)
        shown.communicate()
    assert shown.returncode == 0
    assert names == ["one", "two", "two-2"]
    assert layout["category"][0]["title"] == "Success"
    with pytest.raises(URLError):
        get(address)


def test_a_folder_of_runs_is_shown_as_it_grows(tmp_path, port):
    """A run that begins while it is looked at appears."""
    make_run(tmp_path / "first")
    with opened(tmp_path, port=port) as shown:
        address = address_of(shown)
        make_run(tmp_path / "second")
        names = runs_at(address, 2)
        shown.terminate()
        shown.communicate()
    assert names == ["first/tensorboard", "second/tensorboard"]


@pytest.mark.parametrize(("hangup", "ignored"), [("SIG_IGN", 1), ("SIG_DFL", 0)])
def test_what_nohup_has_it_ignore_stays_ignored(tmp_path, port, hangup, ignored):
    """Else it would end with its terminal; without `nohup` that is so."""
    make_run(tmp_path)
    with opened(tmp_path, port=port, hangup=hangup) as shown:
        address_of(shown)
        told = Path(f"/proc/{shown.pid}/status").read_text()
        shown.terminate()
        shown.communicate()
    mask = int(re.search(r"SigIgn:\s*(\w+)", told)[1], 16)
    assert mask >> (signal.SIGHUP - 1) & 1 == ignored
    assert shown.returncode == 0


def test_a_port_that_is_taken(tmp_path):
    """It says which other one to give."""
    make_run(tmp_path)
    with socket.create_server(("localhost", 0)) as server:
        taken = server.getsockname()[1]
        with opened(tmp_path, port=taken) as shown:
            text, _ = shown.communicate()
    assert shown.returncode == 2
    assert f"port {taken} is taken" in text
    assert f"--port {taken + 1}" in text


def test_what_there_is_not(tmp_path, monkeypatch):
    """A folder, figures, TensorBoard: each says what to do."""
    with pytest.raises(DashboardError, match="is not a folder"):
        dashboard(print, [tmp_path / "nothing"], 6006)
    with pytest.raises(DashboardError, match="hilrt train CONFIG"):
        dashboard(print, [tmp_path], 6006)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(DashboardError, match="-m pip install tensorboard"):
        dashboard(print, [tmp_path], 6006)
