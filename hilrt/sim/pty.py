"""A pseudo-terminal that stands for the servo adapter's serial port."""

import os
import pty
import tty
import warnings
from collections.abc import Callable
from time import monotonic, sleep

from hilrt.resource import Resource
from hilrt.sim.noise import Spoil, intact

USB_PACKET = 64  # an adapter hands over what it received in pieces of this size


class PseudoTerminal(Resource):
    """Both ends of a pty in raw mode: hilrt opens `path`, the simulator serves `fd`.

    With `wire_time`, `exchange` takes as long as a bus of 1 Mbaud would: 10 us a byte. `spoil` is what the line does
    to replies.
    """

    def __init__(self, *, wire_time: bool = False, spoil: Spoil = intact) -> None:
        self._spoil = spoil
        # The slave end stays open here: without it, reading `fd` fails whenever no client has the port open.
        self.fd, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._byte_s = 10e-6 if wire_time else 0.0
        self._free_at = 0.0
        self._closed = False

    def exchange(self, feed: Callable[[bytes], bytes]) -> None:
        """Serve one request, which must be waiting in `fd`: read it, `feed` it, write the reply.

        Raises:
            OSError: the pseudo-terminal was closed.
        """
        request = os.read(self.fd, 4096)
        start = max(self._free_at, monotonic())
        pieces = self._spoil(
            feed(request)
        )  # while the request is on the wire: a servo's thinking takes no time
        self._occupy(len(request), start)
        for delay_s, piece in pieces:
            if delay_s:
                sleep(delay_s)
            self._send(piece)

    def close(self) -> None:
        """Unplug: whoever has `path` open gets an error; idempotent."""
        if not self._closed:
            self._closed = True
            os.close(self._slave)
            os.close(self.fd)

    def __del__(self) -> None:
        if not self._closed:
            warnings.warn(f"pseudo-terminal {self.path} was not closed", ResourceWarning, stacklevel=2)

    def _send(self, data: bytes) -> None:
        for start in range(0, len(data), USB_PACKET):
            piece = data[start : start + USB_PACKET]
            self._occupy(len(piece), self._free_at)
            os.write(self.fd, piece)

    def _occupy(self, count: int, start: float) -> None:
        """Hold the wire for the time that `count` bytes take."""
        self._free_at = start + count * self._byte_s
        while (left := self._free_at - monotonic()) > 0.0:
            if left > 200e-6:  # a sleep wakes about 60 us late; the rest is waited out awake
                sleep(left - 200e-6)
