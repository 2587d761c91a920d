"""The terminal as a keyboard: single keys without Enter, and the terminal as it was on every way out."""

import os
import sys
import termios
import tty
from types import TracebackType
from typing import Self

from hilrt.devices.keyboard import Key, decode_keys


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
        return decode_keys(os.read(self.fd, 256)) if self.fd is not None else []

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
