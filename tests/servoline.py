"""An arm's servos behind a real pseudo-terminal."""

import os
import select
import threading
import time
from collections import deque

from hilrt.sim.pty import PseudoTerminal


class Line:
    """A bank of servos served by a thread.

    `faults` are used up one per request: each turns the reply into pieces, `(delay in s, bytes)`.
    """

    def __init__(self, bank):
        self.bank = bank
        self.terminal = PseudoTerminal()
        self.path = self.terminal.path
        self.faults = deque()
        self.requests = []
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while self._stop not in select.select([self.terminal.fd, self._stop], [], [])[0]:
            request = os.read(self.terminal.fd, 4096)
            self.requests.append(request)
            reply = self.bank.feed(request)
            fault = self.faults.popleft() if self.faults else None
            for delay, piece in fault(reply) if fault else [(0, reply)]:
                time.sleep(delay)
                os.write(self.terminal.fd, piece)

    def send(self, data):
        """Put bytes on the wire that nobody asked for."""
        os.write(self.terminal.fd, data)

    def unplug(self):
        """The adapter goes away."""
        if self._thread.is_alive():
            os.write(self._stopper, b"x")
            self._thread.join()
            os.close(self._stop)
            os.close(self._stopper)
            self.terminal.close()
