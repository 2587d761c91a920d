"""A job that a person with a virtual gamepad drives; see `devices.virtual`."""

import jobs
from evdev import ecodes

from hilrt.control.loop import Phase

FULL = 32767
FORWARD, LEFT, UP = {"ABS_Y": -FULL}, {"ABS_X": -FULL}, {"ABS_RY": -FULL}
SUCCESS, STOP, TAKE_OVER = ecodes.BTN_WEST, ecodes.BTN_SELECT, ecodes.BTN_TR
"""On an Xbox controller."""


class PadJob(jobs.LiveRun):
    """Started in an environment in which the bed's devices are."""

    def __init__(self, bed, folder, *words, overrides=()):
        super().__init__(folder, *words, overrides=overrides, environment=bed.environment)
        self.control = self.status.control

    def begun(self, episode):
        """Wait until that episode is under way."""
        self.wait_for(lambda: self.control.episode == episode and self.control.phase == Phase.RUNNING)

    def tick_on(self, ticks=8):
        """Wait for so many ticks."""
        end = self.control.ticks + ticks
        self.wait_for(lambda: self.control.ticks >= end)

    def drive(self, pad, *ways, ticks=8):
        """Hold a stick one way after the other, and let it go."""
        for way in ways:
            pad.move(**way)
            self.tick_on(ticks)
            pad.move(**dict.fromkeys(way, 0))

    def end(self):
        """Wait for the end, which must be a good one; all that was printed."""
        text = self.finish()
        assert self.process.returncode == 0, text
        return text
