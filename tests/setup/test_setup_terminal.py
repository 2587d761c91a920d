"""A terminal console in a pseudo-terminal of its own, and somebody typing there."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from hilrt.errors import TerminalAbsentError
from hilrt.setup.terminal import TerminalConsole

WATCHDOG_S = 60
PROGRAM = """
import asyncio
from hilrt.setup.console import Table
from hilrt.setup.terminal import TerminalConsole

async def main():
    console, looks = TerminalConsole(), 0
    async def look():
        nonlocal looks
        looks += 1
        return Table("Sweep", ("joint", "position"), (("elbow_flex", f"look {looks}"),))
    answer = await console.ask("Which joint?", ("gripper", "elbow_flex"), "gripper")
    console.say(f"<{answer}> [not markup]")
    await console.watch(look, "Move it.")
    console.say("finished" if looks > 2 else "too early")

asyncio.run(main())
"""


class Typist:
    """The program in its terminal, what it has shown, and the keys."""

    def __init__(self):
        self.fd, slave = pty.openpty()
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.shown = ""

    def see(self, text):
        """Wait until it has been shown."""
        until = time.monotonic() + WATCHDOG_S
        while text not in self.shown:
            assert select.select([self.fd], [], [], until - time.monotonic())[0], self.shown
            self.shown += os.read(self.fd, 4096).decode()

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


@pytest.fixture
def typist():
    """At the first question."""
    made = Typist()
    made.see("Which joint? (gripper, elbow_flex) [gripper]")
    yield made
    made.close()


def test_questions_are_asked_until_answered(typist):
    """An answer that is none is asked for again; a bare Enter is the default; Enter ends the watch."""
    typist.type("elbow\n")
    typist.see("Which joint? (gripper, elbow_flex) [gripper] elbow\r\nWhich joint?")
    typist.type("\n")
    typist.see("<gripper> [not markup]")
    typist.see("look 11")
    assert "Move it." in typist.shown
    typist.type("\n")
    typist.see("finished")
    assert typist.process.wait(WATCHDOG_S) == 0


@pytest.mark.parametrize("watching", [False, True])
def test_ctrl_c_stops_at_once(typist, watching):
    """At a question and while watching."""
    if watching:
        typist.type("gripper\n")
        typist.see("look 6")
    typist.process.send_signal(signal.SIGINT)
    typist.see("KeyboardInterrupt")
    assert typist.process.wait(WATCHDOG_S) != 0


def test_without_a_terminal_it_says_so(monkeypatch):
    """A pipe cannot answer."""
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: PTH123, SIM115
    with pytest.raises(TerminalAbsentError, match="needs a terminal"):
        TerminalConsole()
    sys.stdin.close()
