"""Who wants a run to end, and what may still move then."""

from types import SimpleNamespace

import pytest

from hilrt.control.ending import Ending


@pytest.fixture
def words():
    """What the supervisor says."""
    return SimpleNamespace(stop=0, stop_asks=0)


def asked(words):
    """Ctrl-C in the terminal."""
    words.stop, words.stop_asks = 2, words.stop_asks + 1


def test_what_ends_the_run_lets_the_arm_go_to_rest(words):
    """The key that ended it does not stop the way to rest; the next one does."""
    ending = Ending(words)
    assert not ending.wanted()
    asked(words)
    assert ending.wanted()
    assert ending.halted(), "until the way to rest begins, an end is an end"
    ending.rest()
    assert not ending.halted()
    asked(words)
    assert ending.halted()


def test_a_button_counts_like_a_key(words):
    """The device's stop button ends the run, and stops the way to rest that another device's key began."""
    ending = Ending(words)
    asked(words)
    ending.rest()
    ending.press()
    assert ending.halted()
    pad = Ending(SimpleNamespace(stop=0, stop_asks=0))
    pad.press()
    assert pad.wanted()
    pad.rest()
    assert not pad.halted()


def test_after_work_that_is_done_one_key_stops_it(words):
    """Nobody asked for the end: the first key is meant for the arm that moves."""
    ending = Ending(words)
    ending.rest()
    assert not ending.halted()
    asked(words)
    assert ending.halted()


def test_who_asks_twice_wants_no_rest(words):
    """Two presses before the way to rest begins: nothing moves any more."""
    ending = Ending(words)
    asked(words)
    asked(words)
    ending.rest()
    assert ending.halted()


def test_a_signal_to_the_process_ends_everything(words):
    """Somebody wants this process to be gone."""
    ending = Ending(words)
    ending.rest()
    ending.terminate()
    assert ending.wanted()
    assert ending.halted()
