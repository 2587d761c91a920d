"""Taking the arms along a way that was planned."""

from collections.abc import Callable

from hilrt.control.cell import Cell
from hilrt.control.route import Way, ahead
from hilrt.control.tick import Float64, Tick

SPEED = 1 / 3
"""Of the joint velocity limit: an arm that moves by itself."""


async def walk(
    cell: Cell,
    way: Way,
    goal: Float64,
    tick: Tick,
    stopping: Callable[[], bool],
    told: Callable[[Float64], None],
) -> Tick:
    """Take the arms along a way to a pose, shape (arms, 6) [rad], as far as nothing bars it; the last tick.

    The fastest joint takes a third of its velocity limit. Arms that were away, or were eased, set out anew.
    """
    pipelines, reach = cell.pipelines, SPEED * cell.pipelines.limits.max_step
    here = cell.told
    points = way(here, goal)
    while points and not stopping():
        if not (tick.blind or tick.unguarded):
            there, points = ahead(here, points, reach)
            if any(pipelines.meets(arm, *ends) for arm, ends in enumerate(zip(there, here, strict=True))):
                break
            here = there
            await cell.command(here)
            told(here)
        tick = await cell.sense()
        if tick.cut:
            here = cell.told
            points = way(here, goal)
    return tick
