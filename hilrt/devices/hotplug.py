"""An input device that may be unplugged and come back while the control loop runs."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from evdev import InputEvent

from hilrt.devices.inputdevice import Entry, InputDevice, Signature, describe, entries, signatures
from hilrt.errors import InputDeviceAbsentError, InputDeviceRefusedError

log = logging.getLogger(__name__)

SCAN_NS = 1_000_000_000


class Listener(Protocol):
    """Who is told what a device does, always between two steps of the event loop's other work."""

    def attached(self, device: InputDevice) -> None:
        """It is there; OSError when it goes meanwhile."""
        ...

    def event(self, event: InputEvent) -> None:
        """Something on it moved."""
        ...

    def detached(self) -> None:
        """It has gone, and with it all that was held."""
        ...


Accept = Callable[[Entry], bool]


def find(kind: str, wanted: str, accept: Accept) -> Entry:
    """The device that is wanted.

    Args:
        kind: what it is, for the message.
        wanted: part of its name, or its path; empty: the first that will do.
        accept: whether a device will do.

    Raises:
        InputDeviceAbsentError: there is none.
    """
    present = list(entries())
    meant = [entry for entry in present if entry.called(wanted) and accept(entry)]
    if not meant:
        raise InputDeviceAbsentError(kind, wanted, [str(entry) for entry in present])
    return next((entry for entry in meant if entry.readable), meant[0])


def refused(entry: Entry, error: OSError) -> InputDeviceRefusedError:
    """What to say when a device cannot be opened."""
    denied = isinstance(error, PermissionError)
    return InputDeviceRefusedError(str(entry), error.strerror or str(error), denied=denied)


class Plugged:
    """Tells its listener of a device's events as they come, of its loss at once, and of its return.

    Once it was found, only a device of the same name is taken for its return.

    Attributes:
        message: what the operator should know; empty while all is well.
    """

    def __init__(self, kind: str, wanted: str, accept: Accept, listener: Listener) -> None:
        """Find and open; in a running event loop.

        Raises:
            InputDeviceAbsentError: there is none.
            InputDeviceRefusedError: it cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        entry = find(kind, wanted, accept)
        self._is_it: Accept = lambda one: one.name == entry.name and one.called(wanted) and accept(one)
        self.message = ""
        self._device: InputDevice | None = None
        self._opening: asyncio.Future[InputDevice] | None = None
        self._known: set[Signature] = set()
        self._scanned_ns = 0
        self._closed = False
        try:
            self._attach(InputDevice(entry))
        except OSError as error:
            raise refused(entry, error) from None

    def look(self) -> None:
        """Search for a device that has gone, at most once a second; call at every tick."""
        now = time.monotonic_ns()
        if self._device or self._opening or now - self._scanned_ns < SCAN_NS:
            return
        self._scanned_ns = now
        before, self._known = self._known, signatures()
        for path, *_ in self._known - before:
            entry = describe(path)
            if entry and self._is_it(entry):
                # The kernel makes who opens a USB device wait 50 ms: not in the control loop.
                self._opening = self._loop.run_in_executor(None, InputDevice, entry)
                self._opening.add_done_callback(partial(self._opened, path))
                return

    def close(self) -> None:
        """Idempotent."""
        self._closed = True
        if self._device:
            self._loop.remove_reader(self._device.fd)
            self._device.close()
            self._device = None

    def _opened(self, path: str, opening: "asyncio.Future[InputDevice]") -> None:
        self._opening = None
        try:
            device = opening.result()
        except OSError as error:  # udev grants permissions a moment after a device appears
            log.warning("%s", error)
            self._known = {sign for sign in self._known if sign[0] != path}
            return
        if self._closed:
            device.close()
            return
        try:
            self._attach(device)
        except OSError:
            device.close()
            return
        self.message = ""
        log.info("%s is back", device.entry.name)

    def _attach(self, device: InputDevice) -> None:
        self._listener.attached(device)
        self._device = device
        self._loop.add_reader(device.fd, self._readable)

    def _readable(self) -> None:
        assert self._device is not None
        try:
            events = self._device.changes()
        except OSError:
            self._lost(self._device)
            return
        for event in events:
            self._listener.event(event)

    def _lost(self, device: InputDevice) -> None:
        self._loop.remove_reader(device.fd)
        device.close()
        self._device, self._known = None, set()
        self._listener.detached()
        self.message = f"{device.entry.name} is gone: what it held is released. Plug it in again"
        log.warning("%s", self.message)
