"""Text for a terminal or pipe that perhaps nobody reads: who shows something never waits for who looks."""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import TextIO

from hilrt.resource import Resource

GRACE_S = 1.0
"""How long the last of it may take at the end [s]."""


class Outlet(Resource):
    """A stream as rich writes to it, emptied by a thread of its own.

    A thread, because O_NONBLOCK on a terminal would be everybody's who shares it, the shell's too.
    """

    def __init__(self, stream: TextIO) -> None:
        self.encoding = stream.encoding
        self._stream = stream
        self._texts: list[str] = []
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._empty, name="outlet", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether something waits to be taken: what is not shown now should be drawn anew later."""
        return bool(self._texts)

    def write(self, text: str) -> int:
        """Have it written, some time."""
        with self._ready:
            self._texts.append(text)
            self._ready.notify_all()
        return len(text)

    def flush(self) -> None:
        """All that was written is on its way already."""

    def isatty(self) -> bool:
        """Whether the other end is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()

    def settle(self) -> bool:
        """Whether all of it is taken, now or soon."""
        with self._ready:
            return self._ready.wait_for(lambda: not self._texts, GRACE_S)

    def close(self) -> None:
        """Let the rest be taken, or leave it; may be called again."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        self._thread.join(GRACE_S)

    def _empty(self) -> None:
        with contextlib.suppress(OSError):  # who looked has gone
            for text in self._pending():
                data = text.encode(self.encoding, errors="replace")
                while data:
                    data = data[os.write(self._stream.fileno(), data) :]

    def _pending(self) -> Iterator[str]:
        """Each text until the end; one stays in the list until it is written."""
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._texts or self._closed)
                if not self._texts:
                    return
                text = self._texts[0]
            yield text
            with self._ready:
                self._texts.pop(0)
                self._ready.notify_all()
