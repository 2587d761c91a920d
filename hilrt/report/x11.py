"""What OpenCV's windows need of X11 beside OpenCV: is there a display, and a word that Qt may have missed."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from hilrt.errors import DisplayAbsentError

MAP_NOTIFY = 19
SHIFT_MASK = 1


class _Event(ctypes.Structure):
    """XMapEvent, padded to the size of any event."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("event", ctypes.c_ulong),
        ("window", ctypes.c_ulong),
        ("rest", ctypes.c_long * 24),
    )


class Xlib:
    """A connection to the X server that DISPLAY names.

    Raises:
        DisplayAbsentError: there is none.
    """

    def __init__(self) -> None:
        name = os.environ.get("DISPLAY", "")
        if not name:
            raise DisplayAbsentError("DISPLAY is not set")
        try:
            self._lib = ctypes.CDLL("libX11.so.6")
        except OSError as error:
            raise DisplayAbsentError(str(error)) from None
        self._lib.XOpenDisplay.restype = ctypes.c_void_p
        self._lib.XDefaultRootWindow.restype = ctypes.c_ulong
        self._lib.XSetErrorHandler.restype = ctypes.c_void_p
        self._display = ctypes.c_void_p(self._lib.XOpenDisplay(None))
        if not self._display:
            raise DisplayAbsentError(f"nothing answers at DISPLAY = {name}")

    def windows(self, title: bytes) -> Iterator[int]:
        """Windows of that title, wherever a window manager has put them."""
        yield from self._search(self._lib.XDefaultRootWindow(self._display), title)

    def send_mapped(self, window: int) -> None:
        """Tell a window that it is on the screen."""
        event = _Event(type=MAP_NOTIFY, event=window, window=window)
        self._lib.XSendEvent(self._display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(event))

    def shift_held(self) -> bool:
        """Whether a shift key is down; OpenCV's windows tell of arrows, but not of shift."""
        root, state = self._lib.XDefaultRootWindow(self._display), ctypes.c_uint()
        window, place = ctypes.byref(ctypes.c_ulong()), ctypes.byref(ctypes.c_int())
        found = (window, window, place, place, place, place, ctypes.byref(state))
        self._lib.XQueryPointer(self._display, ctypes.c_ulong(root), *found)
        return bool(state.value & SHIFT_MASK)

    def close(self) -> None:
        """Hang up, all said."""
        self._lib.XCloseDisplay(self._display)

    @contextmanager
    def tolerant(self) -> Iterator[None]:
        """A window that vanishes meanwhile is nothing to end the process for, as Xlib would."""
        ignore = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: 0)
        before = self._lib.XSetErrorHandler(ignore)
        try:
            yield
            self._lib.XSync(self._display, 0)
        finally:
            self._lib.XSetErrorHandler(ctypes.c_void_p(before))

    def _search(self, window: int, title: bytes) -> Iterator[int]:
        if self._title(window) == title:
            yield window
        children, count = ctypes.POINTER(ctypes.c_ulong)(), ctypes.c_uint()
        unused = ctypes.byref(ctypes.c_ulong())
        found = ctypes.byref(children), ctypes.byref(count)
        if self._lib.XQueryTree(self._display, ctypes.c_ulong(window), unused, unused, *found) and children:
            inner = children[: count.value]
            self._lib.XFree(children)
            for child in inner:
                yield from self._search(child, title)

    def _title(self, window: int) -> bytes | None:
        name = ctypes.c_char_p()
        self._lib.XFetchName(self._display, ctypes.c_ulong(window), ctypes.byref(name))
        title = name.value
        if name:
            self._lib.XFree(name)
        return title


def check_display() -> None:
    """See whether an X server answers; Qt, finding none, would abort the process.

    Raises:
        DisplayAbsentError: none does.
    """
    Xlib().close()


def repeat_mapped(title: str) -> None:
    """Tell the windows of that title once more that they are on the screen.

    Qt 5.15 misses it in one start of twenty, and then never draws (measured with OpenCV 5.0 on Xvfb).
    """
    xlib = Xlib()
    with xlib.tolerant():
        for window in xlib.windows(title.encode()):
            xlib.send_mapped(window)
    xlib.close()
