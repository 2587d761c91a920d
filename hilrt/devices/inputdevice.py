"""The kernel's input devices: what there is, and what one of them sends.

Which devices there are is read from sysfs: that needs no permission and wakes no device up, while opening a
USB one makes the kernel wait 50 ms. What one sends is read by the package `evdev`.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import evdev
from evdev import InputEvent, ecodes

DEVICES = Path("/dev/input")
SYSFS = Path("/sys/class/input")
WORD_BITS = 64


class Entry(NamedTuple):
    """What sysfs says of a device."""

    path: str
    name: str
    vendor: int
    product: int
    driver: str
    """Of the hardware behind it; empty for a virtual device."""
    keys: frozenset[int]
    axes: frozenset[int]

    def called(self, wanted: str) -> bool:
        """Whether this is meant by a path (links count), or by a part of its name."""
        if wanted.startswith("/"):
            return wanted == self.path or os.path.realpath(wanted) == self.path
        return wanted.casefold() in self.name.casefold()

    @property
    def readable(self) -> bool:
        """Whether this user may open it."""
        return os.access(self.path, os.R_OK)

    def __str__(self) -> str:
        denied = "" if self.readable else ", not readable"
        return f"{self.path} ({self.name}{denied})"


Signature = tuple[str, int, int]


def signatures() -> set[Signature]:
    """One for each device that is there; another when it was unplugged and came back, or changed its permissions."""
    try:
        nodes = list(os.scandir(DEVICES))
    except FileNotFoundError:
        return set()
    return {sign for node in nodes if node.name.startswith("event") and (sign := _signature(node.path))}


def entries() -> Iterator[Entry]:
    """All devices, in the order they were plugged in."""
    for path, *_ in sorted(signatures(), key=lambda sign: (len(sign[0]), sign[0])):
        if entry := describe(path):
            yield entry


def describe(path: str) -> Entry | None:
    """What a device is; None when it has just gone."""
    about = SYSFS / Path(path).name / "device"
    try:
        return Entry(
            path=path,
            name=(about / "name").read_text(errors="replace").strip(),
            vendor=int((about / "id/vendor").read_text(), 16),
            product=int((about / "id/product").read_text(), 16),
            driver=_driver(about / "device/driver"),
            keys=_bits((about / "capabilities/key").read_text()),
            axes=_bits((about / "capabilities/abs").read_text()),
        )
    except OSError:
        return None


def _signature(path: str) -> Signature | None:
    try:
        about = os.stat(path)  # noqa: PTH116 - no need of an object for each
    except OSError:
        return None
    return path, about.st_ino, about.st_ctime_ns


def _driver(link: Path) -> str:
    try:
        return link.readlink().name
    except OSError:
        return ""


def _bits(text: str) -> frozenset[int]:
    """Codes of a capabilities file: hexadecimal words, the highest first."""
    words = [int(word, 16) for word in reversed(text.split())]
    return frozenset(
        WORD_BITS * place + bit
        for place, word in enumerate(words)
        for bit in range(WORD_BITS)
        if word >> bit & 1
    )


class InputDevice(evdev.InputDevice[str]):
    """One open device; nothing waits.

    Attributes:
        fd: to watch for input.
    """

    def __init__(self, entry: Entry) -> None:
        """Open for reading; may take 50 ms.

        Raises:
            OSError: no permission, or it has gone.
        """
        self.entry = entry
        self._dropped = False
        with _failing_as_the_kernel_does():
            super().__init__(entry.path, readonly=True)

    def changes(self) -> list[InputEvent]:
        """Since last asked; where the kernel's queue ran over, the present state of everything.

        Raises:
            OSError: the device has gone.
        """
        changed: list[InputEvent] = []
        for event in self._raw():
            if event.type == ecodes.EV_SYN:
                changed += self._synchronised(event.code)
            elif not self._dropped:
                changed.append(event)
        return changed

    def _raw(self) -> list[InputEvent]:
        try:
            events = list(self.read())
        except BlockingIOError:
            return []
        if not events:
            raise OSError(0, "end of file")
        return events

    def _synchronised(self, code: int) -> list[InputEvent]:
        """After a drop all is stale up to the next report; then it is time to ask."""
        if code == ecodes.SYN_DROPPED:
            self._dropped = True
        elif code == ecodes.SYN_REPORT and self._dropped:
            self._dropped = False
            return self._state()
        return []

    def _state(self) -> list[InputEvent]:
        with _failing_as_the_kernel_does():
            held = frozenset(self.active_keys())
        keys = [(ecodes.EV_KEY, code, int(code in held)) for code in self.entry.keys]
        axes = [(ecodes.EV_ABS, code, self.absinfo(code).value) for code in self.entry.axes]
        return [InputEvent(0, 0, *change) for change in keys + axes]


@contextmanager
def _failing_as_the_kernel_does() -> Iterator[None]:
    """Where the kernel says that a device has gone, some calls of the library raise SystemError."""
    try:
        yield
    except SystemError as error:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from error
    except UnicodeDecodeError as error:
        raise OSError(errno.EILSEQ, "its name is not UTF-8") from error
