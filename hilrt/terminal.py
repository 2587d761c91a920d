"""The terminal as a keyboard: single keys without Enter, and the terminal as it was on every way out."""

import os
import sys
import termios
import tty
from types import TracebackType
from typing import Self

from hilrt.devices.keyboard import Key, decode_keys


class Terminal:
    """Reads keys from standard input where it is a terminal; Ctrl-C keeps its meaning.

    Attributes:
        fd: to poll for input; None where standard input is no terminal.
    """

    def __init__(self) -> None:
        self.fd = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
        self._before = termios.tcgetattr(self.fd) if self.fd is not None else None

    def __enter__(self) -> Self:
        if self.fd is not None:
            tty.setcbreak(self.fd)
        return self

    def read(self) -> list[Key]:
        """Keys pressed; call when `fd` is readable."""
        return decode_keys(os.read(self.fd, 256)) if self.fd is not None else []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.fd is not None and self._before is not None:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, self._before)
