"""The X server: whether there is one, and what windows are told."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hilrt
from hilrt.errors import DisplayAbsentError
from hilrt.report.x11 import MAP_NOTIFY, _Event, check_display, repeat_mapped

STRUCTURE_NOTIFY = 1 << 17


@pytest.mark.parametrize(
    ("name", "problem"), [("", "DISPLAY is not set"), (":987", "nothing answers at DISPLAY = :987")]
)
def test_an_absent_display_is_named(monkeypatch, name, problem):
    """Neither no display nor a dead one is mistaken for one."""
    monkeypatch.setenv("DISPLAY", name)
    with pytest.raises(DisplayAbsentError, match=problem):
        check_display()


def test_a_display_is_found(display, monkeypatch):
    """A living X server passes."""
    monkeypatch.setenv("DISPLAY", display.name)
    check_display()


def test_the_viewer_looks_before_it_loads_opencv():
    """OpenCV, whose windows abort the process without a display, is not loaded by then."""
    code = (
        "import sys\nfrom hilrt.report.viewer import check_display\nfrom hilrt.errors import DisplayAbsentError\n"
        "try:\n    check_display()\nexcept DisplayAbsentError:\n    sys.exit('cv2' in sys.modules)\n"
        "sys.exit('a display was found')"
    )
    root = Path(hilrt.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env=os.environ | {"DISPLAY": ""})


def test_mapped_is_repeated_to_windows_of_that_title_alone(display, monkeypatch):
    """A window of the title, inside the frame of a window manager, gets the event; another window does not."""
    monkeypatch.setenv("DISPLAY", display.name)
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.restype = x11.XCreateSimpleWindow.restype = ctypes.c_ulong
    server = ctypes.c_void_p(x11.XOpenDisplay(None))

    def window(parent, title):
        """Not on the screen, so that nobody else sends it the event."""
        made = ctypes.c_ulong(x11.XCreateSimpleWindow(server, ctypes.c_ulong(parent), 0, 0, 9, 9, 0, 0, 0))
        x11.XStoreName(server, made, title)
        x11.XSelectInput(server, made, ctypes.c_long(STRUCTURE_NOTIFY))
        return made.value

    frame = window(x11.XDefaultRootWindow(server), b"frame")
    inner, _ = window(frame, b"hilrt"), window(frame, b"another")
    x11.XSync(server, 0)
    repeat_mapped("hilrt")
    x11.XSync(server, 0)
    events = [_Event() for _ in range(x11.XPending(server))]
    for event in events:
        x11.XNextEvent(server, ctypes.byref(event))
    x11.XCloseDisplay(server)
    assert [(event.type, event.window) for event in events if event.type == MAP_NOTIFY] == [
        (MAP_NOTIFY, inner)
    ]
