"""A pseudo-terminal that stands for the servo adapter's serial port."""

import os
import pty
import tty
import warnings
from collections import deque
from collections.abc import Callable
from time import monotonic

from hilrt.config import SimUsb
from hilrt.resource import Resource
from hilrt.sim.noise import Spoil, frames, intact
from hilrt.sim.usb import BYTE_S, IDEAL, Stamped, Usb

NEAR_S = 200e-6
"""A sleep wakes about 60 us late, so the rest is waited out awake."""


class PseudoTerminal(Resource):
    """Both ends of a pty in raw mode: hilrt opens `path`, the simulator serves `fd`.

    With `wire_time` a byte takes as long as on a bus of 1 Mbaud, 10 us; so it does behind an adapter, `usb`, that takes
    time itself. `spoil` is what the line does to replies. With `patient` servos are waited for where they delay them.
    """

    def __init__(
        self,
        *,
        wire_time: bool = False,
        spoil: Spoil = intact,
        usb: SimUsb = IDEAL,
        patient: bool = False,
    ) -> None:
        self._spoil, self._usb, self._patient = spoil, Usb(usb), patient
        # The slave end stays open here: without it, reading `fd` fails whenever no client has the port open.
        self.fd, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._byte_s = BYTE_S if wire_time or not self._usb.ideal else 0.0
        self._free_at = 0.0
        self._outbox: deque[tuple[float, bytes]] = deque()
        self._closed = False

    def exchange(
        self, feed: Callable[[bytes], bytes], delay_s: Callable[[int], float] = lambda _: 0.0
    ) -> None:
        """Take one request, which must be waiting in `fd`, `feed` it, and write what is due of the reply.

        `delay_s`: how long the servo of an id waits before it answers.

        Raises:
            OSError: the pseudo-terminal was closed.
        """
        request = os.read(self.fd, 4096)
        wire: list[Stamped] = []
        self._put(
            request, max(self._free_at, self._usb.leaves(monotonic())), wire if self._usb.echoes else []
        )
        for reply in frames(feed(request)):
            begins = self._free_at + (delay_s(reply[2]) if self._patient and len(reply) > 2 else 0.0)
            for late_s, piece in self._spoil(reply):
                self._put(piece, begins + late_s, wire)
        self._outbox.extend(self._usb.arrivals(wire))
        self.deliver()

    @property
    def wait_s(self) -> float | None:
        """Time until `deliver` has something to do [s]; None when nothing is on its way."""
        return max(0.0, self._outbox[0][0] - NEAR_S - monotonic()) if self._outbox else None

    def deliver(self) -> None:
        """Write what is due, or very nearly."""
        while self._outbox and self._outbox[0][0] - NEAR_S <= monotonic():
            due, piece = self._outbox.popleft()
            while monotonic() < due:
                pass
            os.write(self.fd, piece)

    def close(self) -> None:
        """Unplug: whoever has `path` open gets an error; idempotent."""
        if not self._closed:
            self._closed = True
            os.close(self._slave)
            os.close(self.fd)

    def __del__(self) -> None:
        if not self._closed:
            warnings.warn(f"pseudo-terminal {self.path} was not closed", ResourceWarning, stacklevel=2)

    def _put(self, data: bytes, start: float, wire: list[Stamped]) -> None:
        """Occupy the wire with these bytes."""
        wire.extend((start + number * self._byte_s, byte) for number, byte in enumerate(data, 1))
        self._free_at = start + len(data) * self._byte_s
