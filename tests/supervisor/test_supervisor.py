"""Whole runs: a terminal that nobody reads, signals from all sides, and how a run ends."""

import os
import signal
import termios
from contextlib import contextmanager
from pathlib import Path

import jobs
import pytest

from hilrt.control.loop import Phase
from hilrt.run.folder import RunFolder

REALTIME = ["sim.clock=realtime", "teleop.type=keyboard"]


@pytest.fixture
def terminal(tmp_path):
    """A person drives the arm."""
    with jobs.WatchedTerminal(tmp_path, "teleoperate", jobs.SIM, overrides=REALTIME) as terminal:
        terminal.log = jobs.newest_run(tmp_path, "teleoperate") / "log.txt"
        yield terminal


def modes(terminal):
    """Of its terminal."""
    return termios.tcgetattr(terminal._terminal)


def runs(terminal):
    """Whether an episode goes on."""
    return terminal.control.ready and terminal.control.phase == Phase.RUNNING


@contextmanager
def unread(terminal):
    """What is written to it waits."""
    screen = os.open(f"/proc/{terminal._pid}/fd/0", os.O_RDWR | os.O_NOCTTY)
    termios.tcflow(screen, termios.TCOOFF)
    try:
        yield
    finally:
        termios.tcflow(screen, termios.TCOON)
        os.close(screen)


@contextmanager
def stopped(pid):
    """A process that does nothing for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_nobody_reads_the_terminal(terminal):
    """The watch goes on: a control that is killed is replaced, one that hangs too, and q ends the run.

    While a supervisor is stopped the arm holds: ticks go on, steps only once it is back; its log says so.
    """
    terminal.until(lambda: runs(terminal))
    with unread(terminal):
        for number in (signal.SIGKILL, signal.SIGSTOP):
            before = terminal.control.pid
            os.kill(before, number)
            terminal.until(lambda: terminal.control.pid != before and runs(terminal))  # noqa: B023 - called at once
        with stopped(terminal._pid):
            terminal.until(lambda: "the supervisor has not shown itself" in terminal.log.read_text())
            episode, step, ticks = terminal.control.episode, terminal.control.step, terminal.control.ticks
            terminal.until(lambda: terminal.control.ticks > ticks + 20)
            assert (terminal.control.episode, terminal.control.step) == (episode, step)
        terminal.until(lambda: "the supervisor is back" in terminal.log.read_text())
        terminal.until(lambda: terminal.control.episode == episode and terminal.control.step > step)
        terminal.type(b"q")
        terminal.until(lambda: terminal.control.done)
    assert terminal.finish() == 0, terminal.text()


@pytest.mark.parametrize("numbers", [[signal.SIGINT] * 4, [signal.SIGQUIT]])
def test_impatience(tmp_path, numbers):
    """Ctrl-C again and again, or Ctrl-backslash, ends a run at once: the terminal is as before, no memory is left."""
    with jobs.WatchedTerminal(tmp_path, "teleoperate", jobs.SIM, overrides=REALTIME) as terminal:
        memory = RunFolder(jobs.newest_run(tmp_path, "teleoperate")).tag
        terminal.until(lambda: not modes(terminal)[3] & termios.ECHO)
        slave = os.open(f"/proc/{terminal._pid}/fd/0", os.O_RDWR | os.O_NOCTTY)  # its modes outlive the run
        for number in numbers:
            os.kill(terminal._pid, number)
        pid, terminal._pid = terminal._pid, 0
        os.waitpid(pid, 0)
        assert modes(terminal)[3] & termios.ECHO
        os.close(slave)
        terminal._reader.join(jobs.PATIENCE_S)
    assert not list(Path("/dev/shm").glob(f"hilrt-*-{memory}-*"))


def test_control_is_told_to_end_by_a_stranger(terminal):
    """SIGTERM to control alone is no end of the work: the run says so, and its status is not 0."""
    terminal.until(lambda: runs(terminal))
    os.kill(terminal.control.pid, signal.SIGTERM)
    assert terminal.finish() == 2
    assert "control was told to end (SIGTERM), but not by its run" in terminal.log.read_text()


def test_control_that_does_not_hear_a_stop(terminal):
    """It is killed, the arm is made to hold, no other is started, and the run does not end as if all were well."""
    terminal.until(lambda: runs(terminal))
    os.kill(terminal.control.pid, signal.SIGSTOP)
    terminal.type(b"q")
    assert terminal.finish() == 2
    assert "control was killed by SIGKILL while it was being stopped" in terminal.text()
    assert "control died; arm: hold" in terminal.log.read_text()
    assert terminal.status.supervisor.restarts == 0


def test_supervisor_killed_in_a_shell(tmp_path):
    """After kill -9 of the process that was started as `hilrt` the shell's terminal is as it was."""
    shell = ("sh", "-c", '"$@"; read line', "sh")
    with jobs.WatchedTerminal(tmp_path, "teleoperate", jobs.SIM, overrides=REALTIME, under=shell) as terminal:
        terminal.until(lambda: runs(terminal))
        assert not modes(terminal)[3] & (termios.ECHO | termios.ICANON)
        os.kill(terminal.status.supervisor.pid, signal.SIGKILL)
        terminal.until(lambda: modes(terminal)[3] & termios.ECHO and modes(terminal)[3] & termios.ICANON)
        # the end of a file would be lost on a shell that reads since before the modes were back
        terminal.type(b"\r")
        terminal.finish()
