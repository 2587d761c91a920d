"""Gamepads, control by control."""

from pathlib import Path

from devices.virtual import run_virtual


def test_on_virtual_devices():
    """A person presses what she is asked for; what she has is known afterwards."""
    run_virtual(Path(__file__).with_name("virtual_pads.py"))
