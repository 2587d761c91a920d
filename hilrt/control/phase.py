"""What control is doing."""

from enum import IntEnum


class Phase(IntEnum):
    """For the screen, which has a text for each."""

    STARTING = 0
    WAITING = 1
    RESETTING = 2
    RUNNING = 3
    DONE = 4
    PARKING = 5
    PARKED = 6
    HEARING = 7
