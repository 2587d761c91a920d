"""What a USB adapter makes of bytes on the wire, on a clock made by hand."""

import pytest

from hilrt.config import SimUsb
from hilrt.sim.usb import Usb

BYTE_S = 10e-6


def pieces(nature, start_ms, count):
    """Time [ms] and length of each piece in which so many bytes arrive, the wire beginning at `start_ms`."""
    wire = [(1e-3 * start_ms + number * BYTE_S, 7) for number in range(1, count + 1)]
    return [(pytest.approx(1e3 * time), len(piece)) for time, piece in Usb(nature).arrivals(wire)]


def test_an_ideal_adapter_passes_on_what_it_has():
    """In pieces of 64 bytes, each as soon as its last byte is in."""
    assert pieces(SimUsb(), 10, 126) == [(10.64, 64), (11.26, 62)]


def test_frames_hold_replies_back_and_bundle_them():
    """What comes within a frame goes at its end, 64 bytes at most in a piece; a request waits, too."""
    assert pieces(SimUsb(frame_ms=1.0), 10.2, 126) == [(11.0, 64), (11.0, 16), (12.0, 46)]
    assert pieces(SimUsb(frame_ms=1.0), 10.905, 126) == [(11.0, 9), (12.0, 64), (12.0, 36), (13.0, 17)]
    assert Usb(SimUsb(frame_ms=1.0)).leaves(0.0102) == pytest.approx(0.011)


def test_a_latency_timer_keeps_what_does_not_fill_the_buffer():
    """A full buffer goes at once and starts the timer anew; the rest waits for its end."""
    assert pieces(SimUsb(latency_timer_ms=16.0), 20, 126) == [(20.64, 64), (36.64, 62)]
    assert pieces(SimUsb(latency_timer_ms=16.0), 20, 8) == [(32.0, 8)]


def test_a_network_in_between_delays_everything():
    """The order and the pieces stay."""
    assert pieces(SimUsb(frame_ms=1.0, delay_ms=6.0), 10.2, 126) == [(17.0, 64), (17.0, 16), (18.0, 46)]


def test_every_byte_arrives_whatever_the_clock_says():
    """A time that is no sum of whole frames in floating point is none less than its frame's end."""
    for number in range(20_000):
        start_ms = 6e6 + 0.001 * number
        assert sum(length for _, length in pieces(SimUsb(frame_ms=1.0), start_ms, 3)) == 3
