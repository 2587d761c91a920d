"""The terminal as a keyboard: single keys without Enter, and the terminal as it was on every way out."""

import contextlib
import os
import re
import select
import sys
import termios
from types import TracebackType
from typing import Any, Self

from hilrt.devices.keyboard import Key, decode_keys

CUT = re.compile(rb"\x1b(\[[0-9;]*)?$")
"""What may be the beginning of a sequence whose rest is still on its way, as over ssh: half of it is no Escape."""
REST_S = 0.03


Modes = list[Any]
"""Of a terminal, as termios has them."""


class Terminal:
    """Reads keys from standard input where it is a terminal; Ctrl-C keeps its meaning, Ctrl-Z and Ctrl-S lose theirs.

    Attributes:
        fd: to poll for input; None where standard input is no terminal, or is one no more.
        before: its modes, which are given back at the end.
        ours: its modes until then.
    """

    def __init__(self) -> None:
        self.fd = _foreground_terminal()
        self.before: Modes = termios.tcgetattr(self.fd) if self.fd is not None else []
        self.ours: Modes = _single_keys(self.before) if self.before else []

    def __enter__(self) -> Self:
        if self.fd is not None:
            termios.tcsetattr(self.fd, termios.TCSANOW, self.ours)
        return self

    def read(self) -> list[Key]:
        """Keys pressed; call when `fd` is readable."""
        if self.fd is None:
            return []
        data = self._pending(self.fd)
        if not data:
            self.fd = None  # hung up
        elif CUT.search(data) and select.select([self.fd], [], [], REST_S)[0]:
            data += self._pending(self.fd)
        return decode_keys(data)

    @staticmethod
    def _pending(fd: int) -> bytes:
        try:
            return os.read(fd, 256)
        except OSError:
            return b""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.fd is not None:
            with contextlib.suppress(termios.error):  # hung up
                termios.tcsetattr(self.fd, termios.TCSANOW, self.before)  # at once: perhaps nobody reads it


def _single_keys(modes: Modes) -> Modes:
    """These modes, but for keys without Enter and echo, and none that stops what comes out."""
    ours = [*modes[:6], list(modes[6])]
    ours[0] &= ~termios.IXON  # Ctrl-S would freeze the screen
    ours[3] &= ~(termios.ECHO | termios.ICANON)
    ours[6][termios.VMIN], ours[6][termios.VTIME] = 1, 0
    ours[6][termios.VSUSP] = b"\0"  # Ctrl-Z would stop the watch over the arm
    return ours


def _foreground_terminal() -> int | None:
    """Standard input where it is a terminal that is ours: a job in the background must not touch it."""
    if not sys.stdin or not sys.stdin.isatty():
        return None
    fd = sys.stdin.fileno()
    try:
        return fd if os.tcgetpgrp(fd) == os.getpgrp() else None
    except OSError:  # another session's, as after setsid
        return None
