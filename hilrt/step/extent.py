"""How far an arm has been: the lowest, the present and the highest place of its end effector and joints."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hilrt.config import MOTORS

QUANTITIES = (
    *(f"end effector {axis} [m]" for axis in "xyz"),
    *(f"{motor} [deg]" for motor in MOTORS[:-1]),
    f"{MOTORS[-1]} [0 .. 100]",
)
STILL_M = 0.005
"""An end effector that stayed within this was not moved: what is left is backlash and noise."""

Float64 = npt.NDArray[np.float64]


class Extent:
    """Of one arm; `low`, `now` and `high` have shape (9,), in the order of `QUANTITIES`, base frame."""

    def __init__(self, rows: npt.ArrayLike | None = None) -> None:
        """`rows`: low, now and high of what has been seen before, shape (3, 9)."""
        empty = np.outer([np.inf, np.nan, -np.inf], np.ones(len(QUANTITIES)))
        self.low, self.now, self.high = empty if rows is None else np.asarray(rows, np.float64)

    def see(self, position: Float64, units: Float64) -> None:
        """Take in the end effector's position (3,) [m] and the joints (6,) [deg; gripper 0 .. 100]."""
        self.now = np.concatenate([position, units])
        self.low, self.high = np.minimum(self.low, self.now), np.maximum(self.high, self.now)

    @property
    def moved(self) -> bool:
        """Whether the end effector has been anywhere else."""
        return bool((self.high[:3] - self.low[:3]).max() > STILL_M)

    @property
    def box(self) -> dict[str, list[float]]:
        """Corners of where the end effector has been, in whole millimetres [m], as the task file has them."""
        corners = {"min": self.low, "max": self.high}
        return {name: (place[:3].round(3) + 0.0).tolist() for name, place in corners.items()}  # no -0.0

    def texts(self) -> list[tuple[str, str, str, str]]:
        """Name, lowest, present and highest of each quantity."""
        rows = zip(QUANTITIES, self.low, self.now, self.high, strict=True)
        digits = [3] * 3 + [1] * len(MOTORS)
        return [
            (name, f"{low:.{n}f}", f"{now:.{n}f}", f"{high:.{n}f}")
            for n, (name, low, now, high) in zip(digits, rows, strict=True)
        ]

    def toml(self, side: str) -> str:
        """The table as a task file has it; joints are for the reader, no option takes them."""
        lines = [f"[{table_name(side)}]", *(f"{corner} = {place}" for corner, place in self.box.items()), ""]
        return "\n".join(lines + [f"# {name}: {low} .. {high}" for name, low, _, high in self.texts()[3:]])


def table_name(side: str) -> str:
    """Where a task file has that arm's box."""
    owner = f"robot.arms.{side}" if side else "processor.inverse_kinematics"
    return f"{owner}.end_effector_bounds"


def encode(extents: Sequence[Extent]) -> str:
    """As JSON; each must have seen something."""
    return json.dumps([np.round([e.low, e.now, e.high], 4).tolist() for e in extents])


def decode(text: str) -> list[Extent]:
    """From JSON, or nothing."""
    rows: list[Any] = json.loads(text or "[]")
    return [Extent(each) for each in rows]
