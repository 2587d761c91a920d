"""The terminal as a keyboard: single keys without Enter, and the terminal as it was on every way out."""

import os
import re
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Self

from hilrt.devices.keyboard import Key, decode_keys

CUT = re.compile(rb"\x1b(\[[0-9;]*)?$")
"""What may be the beginning of a sequence whose rest is still on its way, as over ssh: half of it is no Escape."""
REST_S = 0.03


class Terminal:
    """Reads keys from standard input where it is a terminal; Ctrl-C keeps its meaning, Ctrl-Z and Ctrl-S lose theirs.

    Attributes:
        fd: to poll for input; None where standard input is no terminal.
    """

    def __init__(self) -> None:
        self.fd = _foreground_terminal()
        self._before = termios.tcgetattr(self.fd) if self.fd is not None else None

    def __enter__(self) -> Self:
        if self.fd is not None:
            tty.setcbreak(self.fd)
            modes = termios.tcgetattr(self.fd)
            modes[0] &= ~termios.IXON  # Ctrl-S would freeze the screen, and with it the watch over the arm
            modes[6][termios.VSUSP] = b"\0"  # and so would Ctrl-Z
            termios.tcsetattr(self.fd, termios.TCSANOW, modes)
        return self

    def read(self) -> list[Key]:
        """Keys pressed; call when `fd` is readable."""
        if self.fd is None:
            return []
        data = os.read(self.fd, 256)
        if CUT.search(data) and select.select([self.fd], [], [], REST_S)[0]:
            data += os.read(self.fd, 256)
        return decode_keys(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.fd is not None and self._before is not None:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, self._before)


def _foreground_terminal() -> int | None:
    """Standard input where it is a terminal that is ours: a job in the background must not touch it."""
    if not sys.stdin or not sys.stdin.isatty():
        return None
    fd = sys.stdin.fileno()
    return fd if os.tcgetpgrp(fd) == os.getpgrp() else None
