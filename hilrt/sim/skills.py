"""What the expert can do with an object: each skill says where to go next, from any state."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilrt.sim.insert import PEG_HEIGHT
from hilrt.sim.manner import LIFTED, Manner
from hilrt.sim.model import CUBE_SIDE
from hilrt.sim.task import CUBE_REST, EMPTY, HALF_DIAGONAL, empty_of

Array = NDArray[np.float64]

CLOSE, STAY, OPEN = 0, 1, 2

Move = tuple[Array, int]
"""Where to go, shape (3,), base frame [m], and a gripper command."""

# End-effector frame: tip of the fixed finger. The tool points down; not turned, its jaw opens towards -y, so
# the cube belongs on the -y side of the fixed finger to be gripped, on its +y side to be pushed.
PUSH_GAP = 0.028  # [m], end effector behind the cube's centre, half a diagonal and a finger
STAGE_GAP = 0.036  # [m], the same before contact
PUSH_STEP = 0.006  # [m], way ahead while pushing: a cube that is hit slides on by itself
PUSH_HEIGHT = 0.008  # [m]
PUSH_HIGHER = 0.3  # as a share of how much higher than usual it grips
LOW = 0.016  # [m], pushing from higher up would climb onto the cube
WIDE = 0.45  # gripper open enough to go down over a cube on its diagonal
LEVEL = 0.004  # [m], above the height of a grip from which on the jaw may close
SPARE = 0.002  # [m], by which an arm may stand above the floor that it was sent to


class Tool(NamedTuple):
    """How an arm holds its gripper, and how low that may go."""

    turn: float = 0.0
    """About the vertical, from where the jaw opens towards -y [rad]."""
    floor: float = -np.inf
    """Of the workspace box, base frame [m]."""


class Sight(NamedTuple):
    """What the expert sees, as in `Expert.act`, and how it goes about it."""

    ee: Array
    opening: float
    stopped: bool  # the jaw, by what it has met
    cube: Array
    coming: Array
    tool: Tool
    manner: Manner


class Grasp(NamedTuple):
    """How an object that stands on the table is gripped; heights of the finger tip [m]."""

    rest: float = CUBE_REST
    """Of the object's centre."""
    offset: tuple[float, float, float] = (0.0, 0.024, -0.0065)
    """End effector from the object before closing."""
    highest: float = 0.2 * CUBE_SIDE / 2
    """Above the object's centre at which it still grips well."""
    lowest: float = -CUBE_SIDE / 2
    """The same below."""
    clear: float = 0.038
    """From which on it cannot knock the object."""
    higher: float = 0.0
    """Than over a cube, on its way."""
    empty: float = EMPTY
    """Opening up to which there is nothing in the gripper."""
    wider: float = 0.0
    """Than a cube, by half [m]."""


CUBE = Grasp()
PEG = Grasp(
    rest=PEG_HEIGHT / 2, offset=(0.0, 0.024, 0.0), highest=0.010, lowest=-0.006, clear=0.046, higher=0.02
)


def cube_of(scale: float) -> Grasp:
    """How a cube is gripped that is so much larger than usual."""
    more = scale - 1.0
    larger = max(more, 0.0)
    return Grasp(
        rest=CUBE_REST * scale,
        offset=(0.0, 0.024 + 0.01 * more, -0.0065),
        highest=0.2 * CUBE_REST * scale,
        lowest=-CUBE_REST * scale,
        clear=0.038 + CUBE_SIDE * larger,
        higher=CUBE_SIDE * larger,
        empty=empty_of(scale),
        wider=HALF_DIAGONAL * more,
    )


class Goal(NamedTuple):
    """Where an object is to be put down."""

    target: Array  # (2,), base frame [m]
    over: float  # [m], height at which it is carried
    near: float  # [m], distance from the target within which it goes down
    kept: float  # [m], the same once it is halfway down


def grip(see: Sight, grasp: Grasp) -> Move | None:
    """Get the object between the fingers and close; None once they have it."""
    ee, manner, tool = see.ee, see.manner, see.tool
    hover = manner.hover + grasp.higher
    there = see.cube + turned(grasp.offset + manner.grip, tool.turn)
    there[2] = max(there[2], tool.floor)
    highest = max(grasp.highest, tool.floor + SPARE - grasp.rest)
    error = there - ee
    aside = float(np.hypot(error[0], error[1]))
    if see.opening > grasp.empty and _between_fingers(turned(ee - see.cube, -tool.turn), grasp, highest):
        if see.opening < WIDE and see.stopped:
            return None
        if see.opening < WIDE or (aside < 0.008 and ee[2] < there[2] + LEVEL):
            return np.array([ee[0], ee[1], there[2]]), CLOSE
    if see.opening < WIDE:
        return np.array([ee[0], ee[1], hover]), OPEN
    return _approach(ee, there, aside, manner.bend, hover, grasp.clear), STAY


def lift(see: Sight) -> Move:
    """Straight up with what is gripped."""
    return np.array([see.ee[0], see.ee[1], see.manner.lifted]), CLOSE


def carry(see: Sight, grasp: Grasp, goal: Goal) -> Move:
    """Up, across and down with what is gripped; where it hangs askew, the object is led, not the gripper."""
    way = goal.target - see.cube[:2]
    off, height = float(np.hypot(*way)), float(see.cube[2]) - grasp.rest
    over = goal.over + see.manner.lifted - LIFTED
    if off < (goal.kept if height < goal.over / 2 else goal.near):
        move = np.array([*way, -height])
    elif height < over - LEVEL:
        move = np.array([0.0, 0.0, over - height])
    else:
        move = np.array([*(way + off * see.manner.bend), over - height])
    return see.ee + move, CLOSE


def let_go(see: Sight) -> Move:
    """Open, then rise."""
    if see.opening < WIDE:
        return see.ee, OPEN
    return np.array([see.ee[0], see.ee[1], see.manner.hover]), STAY


def push(see: Sight, grasp: Grasp, target: Array) -> Move:
    """Get behind the cube, and push it to the target, shape (2,), base frame [m]."""
    ee, cube, manner = see.ee, see.cube, see.manner
    height = PUSH_HEIGHT + PUSH_HIGHER * float(manner.grip[2])
    command = OPEN if see.opening < WIDE else STAY
    way = target - cube[:2]
    distance = float(np.linalg.norm(way))
    if distance < 0.01:
        return ee, command
    way /= distance
    behind = cube[:2] - ee[:2]
    along = float(behind @ way)
    beside = behind - along * way
    if ee[2] < LOW and along > 0.015 and np.linalg.norm(beside) < 0.014:
        there = ee[:2] + see.coming[:2]
        move = target - (PUSH_GAP + grasp.wider) * way + beside - there
        move *= min(1.0, PUSH_STEP / float(np.linalg.norm(move)))
        return np.array([*(there + move), height]), command
    stage = np.array([*(cube[:2] - (STAGE_GAP + grasp.wider) * way), height])
    aside = float(np.linalg.norm(stage[:2] - ee[:2]))
    return _approach(ee, stage, aside, manner.bend, manner.hover + grasp.higher, grasp.clear), command


def turned(offset: Array, turn: float) -> Array:
    """About the vertical."""
    x, y, z = offset
    c, s = np.cos(turn), np.sin(turn)
    return np.array([c * x - s * y, s * x + c * y, z])


def _approach(ee: Array, goal: Array, aside: float, bend: Array, hover: float, clear: float) -> Array:
    """Next way point to a low goal: up if low and astray, across above the cube, then down."""
    if aside > 0.012 and ee[2] < clear:
        return np.array([ee[0], ee[1], hover])
    if aside > 0.006 and ee[2] >= clear:
        return np.array([*(goal[:2] + aside * bend), hover])
    return goal


def _between_fingers(offset: Array, grasp: Grasp, highest: float) -> bool:
    """Whether the cube is where the closing jaw would catch it, given end effector less cube, not turned [m]."""
    x, y, z = offset
    return bool(abs(x) < 0.010 and 0.1 * CUBE_SIDE < y < 0.036 + grasp.wider and grasp.lowest < z < highest)
