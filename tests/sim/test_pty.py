"""A pseudo-terminal with an adapter in front of it, as a client sees it."""

import os
import time

from hilrt.config import SimUsb
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.packets import Parser, encode_sync_read
from hilrt.devices.feetech.registers import Register
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servos import ServoBank


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


def test_a_servo_answers_after_its_return_delay():
    """From the factory after 0.5 ms, each of three in a row; where hilrt has set it up, at once."""
    bank = ServoBank.calibrated(Calibration.nominal())
    request = encode_sync_read(Register.MODEL.address, 2, (1, 2, 3))
    with PseudoTerminal(patient=True) as terminal:
        client = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        for delay, least_s in ((250, 3 * 0.0005), (0, 0.0)):
            for servo in bank.servos:
                servo.put(Register.RETURN_DELAY_TIME, delay)
            os.write(client, request)
            asked = time.monotonic()
            terminal.exchange(bank.feed, bank.return_delay_s)
            while (wait_s := terminal.wait_s) is not None:
                time.sleep(wait_s)
                terminal.deliver()
            assert terminal._free_at >= asked + least_s
            parser, ids = Parser(), []
            while len(ids) < 3:
                ids += [packet.id for packet in parser.feed(os.read(client, 999))]
            assert ids == [1, 2, 3]
        assert terminal._free_at < time.monotonic(), "without a delay nothing is waited for"
        os.close(client)
