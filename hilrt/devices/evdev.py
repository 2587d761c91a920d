"""The kernel's input devices: what there is, and what one of them sends.

Which devices there are is read from sysfs: that needs no permission and wakes no device up, while opening a
USB one makes the kernel wait 50 ms. Events come in the kernel's own struct; three ioctls are all that is needed
besides, so there is no library in between, and nothing to compile.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from hilrt.devices.inputcodes import ABS_CNT, KEY_CNT, SYN_DROPPED, SYN_REPORT, Type

DEVICES = Path("/dev/input")
SYSFS = Path("/sys/class/input")
EVENT = struct.Struct("@llHHi")  # struct input_event: seconds, microseconds, type, code, value
READ_BYTES = 64 * EVENT.size
WORD_BITS = 64

_ABSINFO = struct.Struct("@6i")
_READ = 2 << 30 | ord("E") << 8  # _IOC(_IOC_READ, 'E', ...)
_GET_KEYS = _READ | KEY_CNT // 8 << 16 | 0x18
_GET_AXIS = _READ | _ABSINFO.size << 16 | 0x40


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


class Event(NamedTuple):
    """A change of one key or axis."""

    type: int
    code: int
    value: int


class AxisInfo(NamedTuple):
    """Of an axis; the kernel's struct input_absinfo."""

    value: int
    minimum: int
    maximum: int
    fuzz: int
    flat: int
    resolution: int


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


class InputDevice:
    """One open device; nothing waits.

    Attributes:
        fd: to watch for input.
    """

    def __init__(self, entry: Entry, fd: int) -> None:
        self.entry, self.fd = entry, fd
        self._dropped = False

    @classmethod
    def open(cls, entry: Entry) -> Self:
        """Open for reading; may take 50 ms.

        Raises:
            OSError: no permission, or it has gone.
        """
        return cls(entry, os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY))

    def read(self) -> list[Event]:
        """Changes since last asked; where the kernel's queue ran over, the present state of everything.

        Raises:
            OSError: the device has gone.
        """
        events: list[Event] = []
        for event in self._raw():
            if event[0] == Type.EV_SYN:
                events += self._synchronised(event[1])
            elif not self._dropped:
                events.append(event)
        return events

    def _raw(self) -> list[Event]:
        try:
            data = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise OSError(0, "end of file")
        return [Event(*fields) for _, _, *fields in EVENT.iter_unpack(data)]

    def _synchronised(self, code: int) -> list[Event]:
        """After a drop all is stale up to the next report; then it is time to ask."""
        if code == SYN_DROPPED:
            self._dropped = True
        elif code == SYN_REPORT and self._dropped:
            self._dropped = False
            return self._state()
        return []

    def _state(self) -> list[Event]:
        held = self._held()
        keys = [Event(Type.EV_KEY, code, int(code in held)) for code in self.entry.keys]
        return keys + [Event(Type.EV_ABS, code, self.axis(code).value) for code in self.entry.axes]

    def _held(self) -> frozenset[int]:
        state = fcntl.ioctl(self.fd, _GET_KEYS, bytes(KEY_CNT // 8))
        whole = int.from_bytes(state, "little")
        return frozenset(code for code in self.entry.keys if whole >> code & 1)

    def axis(self, code: int) -> AxisInfo:
        """An axis' value and range.

        Raises:
            OSError: the device has gone, or has no such axis.
        """
        if not 0 <= code < ABS_CNT:
            raise OSError(0, f"no axis {code}")
        return AxisInfo(*_ABSINFO.unpack(fcntl.ioctl(self.fd, _GET_AXIS + code, bytes(_ABSINFO.size))))

    def close(self) -> None:
        """Idempotent."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
