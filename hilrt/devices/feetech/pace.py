"""Tells positions that a servo can have got to from those it cannot: replies can be wrong and fit their checksum."""

from collections.abc import Mapping

from hilrt.devices.feetech.registers import COUNTS_PER_TURN

TOP_SPEED = 3400
"""Of an STS3215 without load at 12 V [counts/s], 5.2 rad/s."""
IMPOSSIBLE = 2 * TOP_SPEED
"""A hand, or gravity on a limp arm, may be faster than the motor [counts/s]."""
SLACK = 64
"""What noise, and an adapter that keeps a reply for a while, make of a standing or moving joint [counts]."""


class Pace:
    """Remembers where each servo was last, and when."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[float, int]] = {}

    def doubted(self, positions: Mapping[int, int], now: float) -> dict[int, int]:
        """Those of these positions [counts] by motor that cannot be, at `now` [s]; the others are remembered."""
        strange = {motor: p for motor, p in positions.items() if not self._fits(motor, p, now)}
        self.believe({motor: p for motor, p in positions.items() if motor not in strange}, now)
        return strange

    def believe(self, positions: Mapping[int, int], now: float) -> None:
        """Take these positions [counts] as true."""
        self._last.update({motor: (now, position) for motor, position in positions.items()})

    def _fits(self, motor: int, position: int, now: float) -> bool:
        then, before = self._last.get(motor, (now, position))
        return distance(position, before) <= SLACK + IMPOSSIBLE * (now - then)


def distance(one: int, other: int) -> int:
    """Between two positions, the short way round [counts]."""
    way = abs(one - other) % COUNTS_PER_TURN
    return min(way, COUNTS_PER_TURN - way)
