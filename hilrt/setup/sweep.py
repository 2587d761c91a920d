"""What a sweep of the joints says about them: offsets and ranges from encoder positions that may wrap."""

from collections.abc import Mapping

from msgspec import Struct

from hilrt.config import MOTORS
from hilrt.devices.calibration import MAX_COUNT, MAX_OFFSET, MotorCalibration
from hilrt.devices.feetech.registers import COUNTS_PER_TURN
from hilrt.errors import SweepError
from hilrt.setup.place import IDS

MIDDLE = 2047
LEAST_SPAN = 400
"""[counts], 35 degrees: a joint that has moved less has not been swept from end to end."""
WHOLE_TURN = "wrist_roll"
"""Turns freely, and is not swept."""
SWEPT = tuple(name for name in MOTORS if name != WHOLE_TURN)


class Track(Struct):
    """One joint followed over the encoder's end [raw counts, any turn]."""

    middle: int
    now: int
    low: int
    high: int

    @classmethod
    def start(cls, raw: int) -> "Track":
        """From the middle of the joint's range."""
        return cls(raw, raw, raw, raw)

    def see(self, raw: int) -> None:
        """Follow to an encoder position, by the shorter way round."""
        half = COUNTS_PER_TURN // 2
        self.now += (raw - self.now + half) % COUNTS_PER_TURN - half
        self.low, self.high = min(self.low, self.now), max(self.high, self.now)

    @property
    def span(self) -> int:
        """Range seen so far [counts]."""
        return self.high - self.low

    def shown(self) -> tuple[int, int, int]:
        """Lowest, present and highest position as the calibrated motor will show them [counts]."""
        return tuple(x - self.middle + MIDDLE for x in (self.low, self.now, self.high))  # type: ignore[return-value]


class Sweep:
    """All six joints, from the middle pose on."""

    def __init__(self, raw: Mapping[str, int]) -> None:
        self.tracks = {name: Track.start(raw[name]) for name in MOTORS}

    def see(self, raw: Mapping[str, int]) -> None:
        """Take in encoder positions [raw counts]."""
        for name, track in self.tracks.items():
            track.see(raw[name])

    def unmoved(self) -> list[str]:
        """Joints that still have to be moved to both ends."""
        return [name for name in SWEPT if self.tracks[name].span < LEAST_SPAN]

    def recentred(self) -> list[str]:
        """Joints that leave the encoder's turn, seen from the middle pose: it was not their middle."""
        shown = {name: self.tracks[name].shown() for name in SWEPT}
        return [name for name, (low, _, high) in shown.items() if low < 0 or high > MAX_COUNT]

    def calibration(self, name: str, drive_mode: int = 0) -> MotorCalibration:
        """The motor's entry.

        Raises:
            SweepError: it was not moved, or moved by more than a turn.
        """
        track = self.tracks[name]
        if name == WHOLE_TURN:
            return MotorCalibration(IDS[name], drive_mode, _offset(track.middle), 0, MAX_COUNT)
        if track.span < LEAST_SPAN:
            raise SweepError(name, f"moved by {track.span} counts only, not from end to end")
        if track.span > MAX_COUNT:
            raise SweepError(name, f"moved by {track.span} counts, more than one turn: its horn slips")
        middle = (track.low + track.high) // 2 if name in self.recentred() else track.middle
        offset = _offset(middle)
        shift = (middle - MIDDLE - offset) % COUNTS_PER_TURN  # 1 where the offset had to give way, else 0
        low, high = (x - middle + MIDDLE + shift for x in (track.low, track.high))
        return MotorCalibration(IDS[name], drive_mode, offset, low, min(high, MAX_COUNT))


def _offset(middle: int) -> int:
    """Homing offset that makes `middle` [raw counts] the motor's 2047.

    At the very last count that would be 2048, which its eleven bits do not hold: the zero moves by one count.
    """
    offset = (middle - MIDDLE + MAX_OFFSET) % COUNTS_PER_TURN - MAX_OFFSET
    return min(offset, MAX_OFFSET)
