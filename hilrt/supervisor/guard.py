"""What is left to do when the supervisor itself has been killed, by a small process that outlives it.

The terminal gets back the modes it had, and a control that hangs, and so cannot hear that its supervisor has died, is
ended. All other processes of a run end by themselves (`launch`).
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

from hilrt.resource import Resource

if TYPE_CHECKING:  # the guard is to be small
    from hilrt.devices.terminal import Modes, Terminal

GRACE_S = 10.0
"""What control has to hold the arm and to end."""
SHOW_CURSOR = b"\x1b[?25h"


class Guard(Resource):
    """The supervisor's end of it. The guard learns of the supervisor's death by the end of its input."""

    def __init__(self, terminal: "Terminal", grace_s: float = GRACE_S) -> None:
        fd = None if terminal.fd is None else os.dup(terminal.fd)  # its own is the guard's input
        task = [fd, _plain(terminal.before), _plain(terminal.ours), grace_s]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hilrt.supervisor.guard", json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=() if fd is None else (fd,),
            start_new_session=True,  # or it would end with us
        )
        if fd is not None:
            os.close(fd)

    def watch(self, control: int) -> None:
        """This is control from now on: its process id."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # the guard was killed, too
                self._process.stdin.write(b"%d\n" % control)
                self._process.stdin.flush()

    def close(self) -> None:
        """There is nothing left to guard; may be called again."""
        self._process.kill()
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()


def _plain(modes: "Modes") -> "Modes":
    """Terminal modes as JSON can have them."""
    return [*modes[:6], *([list(map(_number, modes[6]))] if modes else [])]


def _number(character: int | bytes) -> int:
    return character if isinstance(character, int) else character[0]


def main(argv: list[str]) -> None:
    """The guard: wait for the supervisor's end, then do what it cannot do any more."""
    fd, before, ours, grace_s = json.loads(argv[1])
    control = None
    for line in sys.stdin.buffer:
        with contextlib.suppress(ProcessLookupError):
            control = os.pidfd_open(int(line))
    if fd is not None:
        _give_back(fd, before, ours)
    if control is not None and not select.select([control], [], [], grace_s)[0]:
        signal.pidfd_send_signal(control, signal.SIGKILL)
    if fd is not None:
        os.write(fd, SHOW_CURSOR)  # last: perhaps nobody reads it


def _give_back(fd: int, before: "Modes", ours: "Modes") -> None:
    """Unless somebody, as a shell does, has set other modes meanwhile."""
    with contextlib.suppress(termios.error):  # hung up
        if _plain(termios.tcgetattr(fd)) == ours:
            termios.tcsetattr(fd, termios.TCSANOW, before)


if __name__ == "__main__":
    main(sys.argv)
