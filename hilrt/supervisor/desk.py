"""Where a person sits: her keys and signals, and the screen she looks at."""

import select
import signal
from contextlib import ExitStack
from types import FrameType

from hilrt.config import Config
from hilrt.devices.keyboard import Key, press
from hilrt.devices.terminal import Terminal
from hilrt.errors import KeyboardAbsentError
from hilrt.report.hints import hints
from hilrt.report.screen import Screen
from hilrt.resource import Resource
from hilrt.run.job import Job
from hilrt.shm.status import Status, Stop
from hilrt.supervisor.guard import Guard

SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


class Desk(Resource):
    """The terminal of a run, as it was before on every way out.

    A signal that whoever started us had ignored, as nohup does, stays ignored.

    Attributes:
        interrupts: how often a stop was asked for, by key or signal.
        guard: outlives us where we are killed.

    Raises:
        KeyboardAbsentError: there is no terminal, and the job is nothing without its keys.
    """

    def __init__(self, status: Status, run: str, config: Config, job: Job) -> None:
        self.interrupts = 0
        self._words = status.supervisor
        with ExitStack() as stack:
            for number in SIGNALS:
                if (before := signal.getsignal(number)) is not signal.SIG_IGN:
                    stack.callback(signal.signal, number, before)
                    signal.signal(number, self._interrupted)
            self._terminal = stack.enter_context(Terminal())
            driven = job.driven(intervene=config.teleop.intervene)
            if self._terminal.fd is None and config.needs_keys and driven:
                raise KeyboardAbsentError(config.teleop.type)
            self.guard = stack.enter_context(Guard(self._terminal))
            self._screen = stack.enter_context(Screen(status, run, hints(config, job)))
            self._stack = stack.pop_all()

    @property
    def staffed(self) -> bool:
        """Whether somebody can be asked."""
        return self._terminal.fd is not None

    def watch(self, poll: select.poll) -> None:
        """Have a poll wake at a key."""
        if self._terminal.fd is not None:
            poll.register(self._terminal.fd, select.POLLIN)
            self._poll = poll

    def attend(self, ready: set[int]) -> None:
        """Take the keys, if the terminal is among what is ready; then draw."""
        if (fd := self._terminal.fd) in ready:
            for key in self._terminal.read():
                if key is Key.STOP:
                    self._request_stop()
                else:
                    press(self._words, key)
            if self._terminal.fd is None:  # hung up: it would be ready for ever
                self._poll.unregister(fd)
        self._screen.update()

    def be_deaf(self) -> None:
        """From here on everything is put down, whoever is impatient: half of it would leave an arm unguarded."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def close(self) -> None:
        """Give the terminal back."""
        self._stack.close()

    def _interrupted(self, number: int, _frame: FrameType | None) -> None:
        self._request_stop()
        if self.interrupts > 2 or number == signal.SIGQUIT:
            raise KeyboardInterrupt

    def _request_stop(self) -> None:
        self.interrupts += 1
        self._words.stop, self._words.stop_asks = Stop.ASKED, self.interrupts
        self._words.message = "stopping: episode is cut, then checkpoint and journal are closed"
