"""Virtual input devices of umockdev: a sysfs, nodes in /dev/input, and ioctls, all below the code under test.

Works only in a process started through `umockdev-wrapper`, and in its children; `run_virtual` starts one with pytest
in it.
"""

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from hilrt.devices.evdev import EVENT
from hilrt.devices.inputcodes import KEY_CNT, SYN_DROPPED, SYN_REPORT, Axis, Button, Type

WATCHDOG_S = 300
STICK = (-32768, 32767)
TRIGGER = (0, 255)
XBOX_AXES = {
    **dict.fromkeys((Axis.ABS_X, Axis.ABS_Y, Axis.ABS_RX, Axis.ABS_RY), STICK),
    **dict.fromkeys((Axis.ABS_Z, Axis.ABS_RZ), TRIGGER),
    **dict.fromkeys((Axis.ABS_HAT0X, Axis.ABS_HAT0Y), (-1, 1)),
}
PAD_BUTTONS = [
    Button[f"BTN_{name}"] for name in ("SOUTH", "EAST", "NORTH", "WEST", "TL", "TR", "SELECT", "START")
]


def run_virtual(path: Path) -> None:
    """Run a file of tests inside umockdev; skip where that is not installed."""
    if shutil.which("umockdev-wrapper") is None:
        pytest.skip("umockdev is not installed (Debian, Ubuntu: apt-get install umockdev)")
    command = ["umockdev-wrapper", sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Bed:
    """A computer with the input devices that a test plugs in."""

    def __init__(self, tmp_path):
        self._library = ctypes.CDLL("libumockdev.so.0")
        self._library.umockdev_testbed_new.restype = ctypes.c_void_p
        self._library.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
        self._bed = ctypes.c_void_p(self._library.umockdev_testbed_new())
        self.root = Path(self.plain("get_root_dir").decode())
        (
            self.root / "ioctl/_default"
        ).unlink()  # it would answer for pseudo-terminals too, the simulated arm's
        self._tmp_path = tmp_path
        self.kept = []

    @property
    def environment(self):
        """For a process that is to see these devices."""
        return os.environ | {"UMOCKDEV_DIR": str(self.root)}

    def close(self):
        for fd in self.kept:
            os.close(fd)
        ctypes.CDLL("libgobject-2.0.so.0").g_object_unref(self._bed)

    def plug(self, name, ids, axes, keys, *, number=7, driver="", held=()):
        """A new device as /dev/input/event<number>, at rest but for the keys that are held.

        axes: {code: (minimum, maximum)}.
        """
        return Virtual(self, name, ids, axes, keys, number, driver, held)

    def xbox(self, number=7, held=()):
        name, ids = "Microsoft X-Box 360 pad", (0x045E, 0x028E)
        return self.plug(name, ids, XBOX_AXES, PAD_BUTTONS, number=number, driver="xpad", held=held)

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

    def __init__(self, bed, name, ids, axes, keys, number, driver, held):
        self._bed, self._number = bed, number
        self.path = f"/dev/input/event{number}"
        self._sys = f"/devices/usb1/1-{number}/input/input{number}"
        bed.call("add_from_string", self._record(name, ids, driver, keys, axes).encode())
        bed.call("load_ioctl", self.path.encode(), self._ioctls(axes, held))
        self._master = bed.plain("get_dev_fd", self.path.encode())

    def press(self, *codes):
        self.send(*[(Type.EV_KEY, code, 1) for code in codes])

    def release(self, *codes):
        self.send(*[(Type.EV_KEY, code, 0) for code in codes])

    def tap(self, *codes):
        self.press(*codes)
        self.release(*codes)

    def move(self, **axes):
        self.send(*[(Type.EV_ABS, Axis[name], value) for name, value in axes.items()])

    def send(self, *events):
        """One report, as the kernel writes it."""
        self._write([*events, (Type.EV_SYN, SYN_REPORT, 0)])

    def drop(self):
        """What the kernel does when its queue has run over; asked for its state, the device is as it was plugged in."""
        stale = (Type.EV_KEY, Button.BTN_EAST, 1)
        self._write([(Type.EV_SYN, SYN_DROPPED, 0), stale, (Type.EV_SYN, SYN_REPORT, 0)])

    def unplug(self):
        """Its nodes vanish, and who has it open reads an error."""
        self._bed.kept.append(
            os.open(self.path, os.O_RDONLY)
        )  # umockdev cannot use its pseudo-terminal again
        self._bed.plain("remove_device", f"/sys{self._sys}/event{self._number}".encode())
        self._bed.plain("remove_device", f"/sys{self._sys}".encode())
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, self._master)  # hangs up; the library still closes its descriptor
        os.close(nothing)

    def _write(self, events):
        os.write(self._master, b"".join(EVENT.pack(0, 0, *event) for event in events))

    def _ioctls(self, axes, held):
        spans = [
            f"EVIOCGABS({code:d}) 0 {struct.pack('6i', _rest(code, span), *span, 0, 0, 0).hex().upper()}"
            for code, span in axes.items()
        ]
        state = sum(1 << code for code in held)
        keys = f"EVIOCGKEY(0) {KEY_CNT // 8} {state.to_bytes(KEY_CNT // 8, 'little').hex().upper()}"
        return self._bed.file(f"{self._number}.ioctl", "\n".join([f"@DEV {self.path}", *spans, keys, ""]))

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


def _rest(code, span):
    """Triggers rest at their end; on some pads Z and RZ are a stick."""
    trigger = code in {Axis.ABS_GAS, Axis.ABS_BRAKE} or (
        code in {Axis.ABS_Z, Axis.ABS_RZ} and span == TRIGGER
    )
    return span[0] if trigger else sum(span) // 2


def _words(codes):
    """As the kernel prints a bitmap."""
    whole = sum(1 << code for code in codes)
    words = [f"{whole >> shift & (1 << 64) - 1:x}" for shift in range(0, max(1, whole.bit_length()), 64)]
    return " ".join(reversed(words))
