"""The guard: what is done when the supervisor has been killed."""

import os
import pty
import signal
import sys
import termios
import time
from pathlib import Path

import jobs
import pytest

HUNG = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(1e9)"]
SHELL = """
import signal, subprocess, sys
print("ended with", subprocess.call([sys.executable, "-c", *sys.argv[1:]]), flush=True)
signal.pause()
"""
SUPERVISOR = """
import os, subprocess, sys
from hilrt.devices.terminal import Terminal
from hilrt.supervisor.guard import Guard
with Terminal() as terminal, Guard(terminal, grace_s=0.1) as guard:
    control = subprocess.Popen(sys.argv[1:])
    guard.watch(control.pid)
    print(os.getpid(), control.pid, flush=True)
    if sys.stdin.readline():
        control.kill()
"""


class Supervised:
    """A supervisor in a shell's terminal, with a control that does not hear SIGTERM."""

    def __init__(self):
        self.shell, self.terminal = pty.fork()
        if self.shell == 0:
            os.execv(sys.executable, [sys.executable, "-c", SHELL, SUPERVISOR, *HUNG])
        self.fresh = termios.tcgetattr(self.terminal)
        self.pid, self.control = map(int, self.line().split())

    def line(self):
        """The next one on the screen."""
        words = b""
        while not words.endswith(b"\r\n"):
            words += os.read(self.terminal, 1)
        return words

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        assert self.line() == b"ended with -9\r\n"

    def modes(self):
        return termios.tcgetattr(self.terminal)


@pytest.fixture
def supervised():
    supervised = Supervised()
    yield supervised
    os.kill(supervised.shell, signal.SIGKILL)  # under nohup it would outlive its terminal
    os.close(supervised.terminal)
    os.waitpid(supervised.shell, 0)


def until(condition):
    """Wait for something, under a watchdog."""
    deadline = time.monotonic() + jobs.PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "watchdog"
        time.sleep(0.01)


def test_the_terminal_is_given_back_and_control_ended(supervised):
    """After kill -9 of the supervisor the terminal has its modes again, and a control that hangs is killed."""
    assert not supervised.modes()[3] & (termios.ECHO | termios.ICANON)
    supervised.kill()
    until(lambda: supervised.modes() == supervised.fresh)
    until(lambda: not Path(f"/proc/{supervised.control}").exists())


def test_a_shell_that_was_faster_is_let_be(supervised):
    """Modes that somebody else has set in the meantime stay as they are; control is ended all the same."""
    other = supervised.modes()
    other[3] |= termios.ECHO
    termios.tcsetattr(supervised.terminal, termios.TCSANOW, other)
    supervised.kill()
    until(lambda: not Path(f"/proc/{supervised.control}").exists())
    assert supervised.modes() == other != supervised.fresh


def test_nothing_is_left_to_guard(supervised):
    """A supervisor that ends by itself takes its guard along, and gives the terminal back itself."""
    os.write(supervised.terminal, b"\n")
    assert supervised.line() == b"ended with 0\r\n"
    assert supervised.modes() == supervised.fresh
