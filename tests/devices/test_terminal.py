"""The terminal as a keyboard, in a pseudo-terminal."""

import os
import threading
import tty

import jobs
import pytest

from hilrt.devices.keyboard import Key
from hilrt.devices.terminal import Terminal


@pytest.fixture
def typed():
    """A terminal that is being read, and a way to type into it."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    terminal = Terminal()
    terminal.fd = theirs
    yield terminal, lambda data: os.write(ours, data)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_sequence_in_two_parts_is_one_key(typed, cut):
    """An arrow whose bytes come in two reads, as over ssh, is an arrow: its Escape declares no failure."""
    terminal, write = typed
    whole = b"\x1b[1;2A"
    write(whole[:cut])
    late = threading.Timer(0.002, write, [whole[cut:]])
    late.start()
    assert terminal.read() == [Key.UP]
    late.join()


def test_escape_alone_is_failure(typed):
    """A lone Escape, with nothing behind it, is the key that it is."""
    terminal, write = typed
    write(b"\x1b")
    assert terminal.read() == [Key.FAILURE]


@pytest.mark.parametrize("command", ["record", "train"])
def test_keyboard_without_a_terminal_is_refused(tmp_path, command):
    """Where nobody can press a key, recording and training by keyboard end at once with what to do."""
    jobs.record(tmp_path)
    done = jobs.run(tmp_path, command, jobs.SIM, overrides=[*jobs.SMALL, "teleop.type=keyboard"])
    assert done.returncode == 2
    assert 'teleop.type = "keyboard" needs a terminal' in done.stderr
