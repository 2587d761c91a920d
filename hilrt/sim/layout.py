"""Where the arms stand on the simulated table."""

import numpy as np
from numpy.typing import NDArray

SPACING = 0.30
"""Between two bases [m]: no arm at its patch is within reach of the other at its own."""


def bases(arms: int) -> NDArray[np.float64]:
    """Positions of the arms' bases, shape (arms, 3), world frame [m].

    A single arm's base is the world's origin; two stand side by side along y, the first on the left.
    """
    placed = np.zeros((arms, 3))
    placed[:, 1] = SPACING * ((arms - 1) / 2 - np.arange(arms))
    return placed
