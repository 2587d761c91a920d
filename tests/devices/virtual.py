"""Virtual input devices of umockdev: a sysfs, nodes in /dev/input, and ioctls, all below the code under test.

Works only in a process started through `umockdev-wrapper`, and in its children; `run_virtual` starts one with pytest
in it.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import termios
import time
from functools import partial
from pathlib import Path

import pytest
from evdev import ecodes

WATCHDOG_S = 300
EVENT = struct.Struct("@llHHi")  # struct input_event: seconds, microseconds, type, code, value
KEY_BYTES = ecodes.KEY_CNT // 8
HELD_KEYS = f"EVIOCGKEY(0) {KEY_BYTES}"
STICK = (-32768, 32767)
TRIGGER = (0, 255)
XBOX_AXES = {
    **dict.fromkeys((ecodes.ABS_X, ecodes.ABS_Y, ecodes.ABS_RX, ecodes.ABS_RY), STICK),
    **dict.fromkeys((ecodes.ABS_Z, ecodes.ABS_RZ), TRIGGER),
    **dict.fromkeys((ecodes.ABS_HAT0X, ecodes.ABS_HAT0Y), (-1, 1)),
}
PAD_BUTTONS = [
    ecodes.ecodes[f"BTN_{name}"] for name in ("SOUTH", "EAST", "NORTH", "WEST", "TL", "TR", "SELECT", "START")
]


def run_virtual(path: Path) -> None:
    """Run a file of tests inside umockdev; skip where that is not installed."""
    if shutil.which("umockdev-wrapper") is None:
        pytest.skip("umockdev is not installed (Debian, Ubuntu: apt-get install umockdev)")
    command = ["umockdev-wrapper", sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Bed:
    """A computer with the input devices that a test plugs in.

    alone: nobody reads while the test sends; then what was sent is there to be read when `send` returns.
    """

    def __init__(self, tmp_path, *, alone=False):
        self.alone = alone
        self._library = ctypes.CDLL("libumockdev.so.0")
        self._library.umockdev_testbed_new.restype = ctypes.c_void_p
        self._library.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
        self._bed = ctypes.c_void_p(self._library.umockdev_testbed_new())
        self.root = Path(self.plain("get_root_dir").decode())
        (
            self.root / "ioctl/_default"
        ).unlink()  # it would answer for pseudo-terminals too, the simulated arm's
        self._tmp_path = tmp_path
        self.kept, self.owners = [], []

    @property
    def environment(self):
        """For a process that is to see these devices."""
        return os.environ | {"UMOCKDEV_DIR": str(self.root)}

    def close(self):
        for owner in self.owners:
            owner.kill()
            owner.wait()
        for fd in self.kept:
            os.close(fd)
        ctypes.CDLL("libgobject-2.0.so.0").g_object_unref(self._bed)

    def plug(self, name, ids, axes, keys, *, number=7, driver="", held=(), answers=()):
        """A new device as /dev/input/event<number>, at rest but for the keys that are held.

        axes: {code: (minimum, maximum)}.
        answers: to ioctls, {as umockdev calls one: other bytes, or None for a device that has gone}.
        """
        return Virtual(self, name, ids, axes, keys, number, driver, held, dict(answers))

    def xbox(self, **options):
        name, ids = "Microsoft X-Box 360 pad", (0x045E, 0x028E)
        return self.plug(name, ids, XBOX_AXES, PAD_BUTTONS, driver="xpad", **options)

    def call(self, function, *arguments):
        """A call that reports success and a GError."""
        error = ctypes.c_void_p()
        assert getattr(self._library, f"umockdev_testbed_{function}")(
            self._bed, *arguments, ctypes.byref(error)
        ), function

    def plain(self, function, *arguments):
        return getattr(self._library, f"umockdev_testbed_{function}")(self._bed, *arguments)

    def file(self, name, text):
        path = self._tmp_path / name
        path.write_text(text)
        return str(path).encode()


class Virtual:
    """One plugged-in device; what it sends goes through its node."""

    def __init__(self, bed, name, ids, axes, keys, number, driver, held, answers):
        self._bed, self._number = bed, number
        self.path = f"/dev/input/event{number}"
        self._sys = f"/devices/usb1/1-{number}/input/input{number}"
        bed.call("add_from_string", self._record(name, ids, driver, keys, axes).encode())
        answers = _answers(name, ids, axes, keys, held) | answers
        bed.call("load_ioctl", self.path.encode(), self._ioctls(answers))
        self._master = bed.plain("get_dev_fd", self.path.encode())
        terminal = (bed.root / self.path[1:]).readlink()
        self._far_end = os.open(terminal, os.O_RDONLY | os.O_NOCTTY)
        bed.kept.append(self._far_end)  # an unplugged one too: umockdev cannot use its pseudo-terminal again
        bed.owners.append(_owner_of(self._far_end))

    def press(self, *codes):
        self.send(*[(ecodes.EV_KEY, code, 1) for code in codes])

    def release(self, *codes):
        self.send(*[(ecodes.EV_KEY, code, 0) for code in codes])

    def tap(self, *codes):
        self.press(*codes)
        self.release(*codes)

    def move(self, **axes):
        self.send(*[(ecodes.EV_ABS, ecodes.ecodes[name], value) for name, value in axes.items()])

    def send(self, *events):
        """One report, as the kernel writes it."""
        self._write([*events, (ecodes.EV_SYN, ecodes.SYN_REPORT, 0)])

    def drop(self):
        """What the kernel does when its queue has run over; asked for its state, the device is as it was plugged in."""
        stale = (ecodes.EV_KEY, ecodes.BTN_EAST, 1)
        self._write([(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0), stale, (ecodes.EV_SYN, ecodes.SYN_REPORT, 0)])

    def unplug(self):
        """Its nodes vanish, and who has it open reads an error."""
        self._bed.plain("remove_device", f"/sys{self._sys}/event{self._number}".encode())
        self._bed.plain("remove_device", f"/sys{self._sys}".encode())
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, self._master)  # hangs up; the library still closes its descriptor
        os.close(nothing)

    def _write(self, events):
        data = b"".join(EVENT.pack(0, 0, *event) for event in events)
        before = self._unread()
        os.write(self._master, data)
        while self._bed.alone and self._unread() < before + len(data):
            time.sleep(0.001)  # a worker of the kernel takes it from one end to the other

    def _unread(self):
        return int.from_bytes(fcntl.ioctl(self._far_end, termios.FIONREAD, bytes(4)), sys.byteorder)

    def _ioctls(self, answers):
        lines = [f"{ioctl} {answer.hex().upper()}" for ioctl, answer in answers.items() if answer is not None]
        return self._bed.file(f"{self._number}.ioctl", "\n".join([f"@DEV {self.path}", *lines, ""]))

    def _record(self, name, ids, driver, keys, axes):
        hardware = f"P: {self._sys.rpartition('/input/')[0]}\nE: SUBSYSTEM=usb\n"
        hardware += f"L: driver=../../../bus/usb/drivers/{driver}\n" if driver else ""
        about = [
            f"P: {self._sys}",
            "E: SUBSYSTEM=input",
            "L: device=../..",
            rf"A: name={name}\n",
            rf"A: id/vendor={ids[0]:04x}\n",
            rf"A: id/product={ids[1]:04x}\n",
            rf"A: capabilities/key={_words(keys)}\n",
            rf"A: capabilities/abs={_words(axes)}\n",
        ]
        node = [
            f"P: {self._sys}/event{self._number}",
            f"N: input/event{self._number}",
            f"E: DEVNAME={self.path}",
            "E: SUBSYSTEM=input",
            f"A: dev=13:{64 + self._number}",
            f"L: device=../../input{self._number}",
        ]
        return "\n\n".join([hardware.rstrip(), "\n".join(about), "\n".join(node), ""])


def _owner_of(terminal):
    """Who has it as controlling terminal; or it would become that of a job which opens it, and unplugging a hang-up."""
    own = partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0)
    command = ["sleep", "infinity"]
    return subprocess.Popen(command, stdin=terminal, start_new_session=True, preexec_fn=own)  # noqa: PLW1509 - one ioctl


def _answers(name, ids, axes, keys, held):
    """To all that the package `evdev` asks; umockdev wants each as long as it is asked for."""
    return {
        "EVIOCGID 0": struct.pack("4H", 3, *ids, 0x111),
        "EVIOCGNAME(0) 256": name.encode().ljust(256, b"\0"),
        "EVIOCGVERSION 0": struct.pack("i", 0x10001),
        "EVIOCGEFFECTS 0": struct.pack("i", 0),
        "EVIOCGBIT(0) 4": _bitmap((ecodes.EV_KEY, ecodes.EV_ABS), 4),
        f"EVIOCGBIT({ecodes.EV_KEY}) {KEY_BYTES}": _bitmap(keys, KEY_BYTES),
        f"EVIOCGBIT({ecodes.EV_ABS}) {KEY_BYTES}": _bitmap(axes, KEY_BYTES),
        HELD_KEYS: _bitmap(held, KEY_BYTES),
        **{
            f"EVIOCGABS({code}) 0": struct.pack("6i", _rest(code, span), *span, 0, 0, 0)
            for code, span in axes.items()
        },
    }


def _rest(code, span):
    """Triggers rest at their end; on some pads Z and RZ are a stick."""
    trigger = code in {ecodes.ABS_GAS, ecodes.ABS_BRAKE} or (
        code in {ecodes.ABS_Z, ecodes.ABS_RZ} and span == TRIGGER
    )
    return span[0] if trigger else sum(span) // 2


def _bitmap(codes, size):
    return sum(1 << code for code in codes).to_bytes(size, "little")


def _words(codes):
    """As the kernel prints a bitmap."""
    whole = sum(1 << code for code in codes)
    words = [f"{whole >> shift & (1 << 64) - 1:x}" for shift in range(0, max(1, whole.bit_length()), 64)]
    return " ".join(reversed(words))
