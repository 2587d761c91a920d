"""An X server without a screen, and what a person does at one: look, and close a window."""

import ctypes
import os
import struct
import subprocess

import numpy as np

CLIENT_MESSAGE = 33


class ClientMessage(ctypes.Structure):
    """XClientMessageEvent, padded to the size of any event."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("rest", ctypes.c_long * 24),
    )


class Display:
    """Xvfb at a number that it chooses itself."""

    def __init__(self, folder):
        self._screen = folder / "Xvfb_screen0"
        reader, writer = os.pipe()
        words = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "800x600x24", "-fbdir", str(folder)]
        self._server = subprocess.Popen(
            [*words, "-nolisten", "tcp", "-noreset"], pass_fds=[writer], stderr=subprocess.DEVNULL
        )
        os.close(writer)
        with os.fdopen(reader) as number:
            self.name = f":{number.readline().strip()}"

    def screenshot(self):
        """What is on the screen: RGB, uint8, (600, 800, 3); an XWD file whose pixels are BGRX."""
        data = self._screen.read_bytes()
        header = struct.unpack(">25I", data[:100])
        size, width, height, stride, colours = header[0], header[4], header[5], header[12], header[19]
        start = size + 12 * colours
        rows = np.frombuffer(data[start : start + stride * height], np.uint8).reshape(height, stride // 4, 4)
        return rows[:, :width, 2::-1]

    def close_window(self, title):
        """What a window manager does at a click on the cross: tell the window of that title."""
        x11 = ctypes.CDLL("libX11.so.6")
        for function in (x11.XOpenDisplay, x11.XDefaultRootWindow, x11.XInternAtom):
            function.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        window = _window(x11, display, x11.XDefaultRootWindow(display), title.encode())
        protocols, delete = (
            x11.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        )
        event = ClientMessage(type=CLIENT_MESSAGE, window=window, message_type=protocols, format=32)
        event.data[0] = delete
        x11.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(event))
        x11.XCloseDisplay(display)

    def close(self):
        """Shut it down."""
        self._server.terminate()
        self._server.wait()


def _window(x11, display, root, title):
    """The top-level window of that title."""
    children, count = ctypes.POINTER(ctypes.c_ulong)(), ctypes.c_uint()
    unused = ctypes.byref(ctypes.c_ulong())
    x11.XQueryTree(display, ctypes.c_ulong(root), unused, unused, ctypes.byref(children), ctypes.byref(count))
    for window in children[: count.value]:
        name = ctypes.c_char_p()
        x11.XFetchName(display, ctypes.c_ulong(window), ctypes.byref(name))
        if name.value == title:
            return window
    raise LookupError(title)
