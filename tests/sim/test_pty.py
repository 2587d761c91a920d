"""A pseudo-terminal with an adapter in front of it, as a client sees it."""

import os
import time

from hilrt.config import SimUsb
from hilrt.sim.pty import PseudoTerminal


def test_a_reply_is_under_way_while_others_are_served():
    """Behind a slow adapter `exchange` returns at once, and the reply comes when it is due."""
    with PseudoTerminal(usb=SimUsb(delay_ms=50.0)) as terminal:
        client = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(client, b"question")
        asked = time.monotonic()
        terminal.exchange(lambda _: b"answer")
        assert 0.0 < terminal.wait_s <= 0.05
        while (wait_s := terminal.wait_s) is not None:
            time.sleep(wait_s)
            terminal.deliver()
        assert time.monotonic() - asked >= 0.05
        assert os.read(client, 99) == b"answer"
        os.close(client)


def test_an_adapter_that_hears_itself_gives_requests_back():
    """The request comes first, then the reply."""
    with PseudoTerminal(usb=SimUsb(echo=True)) as terminal:
        client = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        os.write(client, b"question")
        terminal.exchange(lambda _: b"answer")
        assert os.read(client, 99) == b"questionanswer"
        os.close(client)
