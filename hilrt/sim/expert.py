"""A scripted operator's skill: it sees the cube and knows what to do next from any state."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilrt.sim.model import CUBE_SIDE
from hilrt.sim.tasks import CUBE_REST, EMPTY, Push, find_task

Array = NDArray[np.float64]

CLOSE, STAY, OPEN = 0, 1, 2

# End-effector frame: tip of the fixed finger. The tool points down; not turned, its jaw opens towards -y, so
# the cube belongs on the -y side of the fixed finger to be gripped, on its +y side to be pushed.
GRIP_OFFSET = np.array([0.0, 0.024, -0.0065])  # [m], end effector from cube before closing
PUSH_GAP = 0.028  # [m], end effector behind the cube's centre, half a diagonal and a finger
STAGE_GAP = 0.036  # [m], the same before contact
HOVER = 0.05  # [m], height of the finger tip on its way
CLEAR = 0.038  # [m], above this it cannot knock the cube
PUSH_STEP = 0.006  # [m], way ahead while pushing: a cube that is hit slides on by itself
PUSH_HEIGHT = 0.008  # [m]
LOW = 0.016  # [m], pushing from higher up would climb onto the cube
LIFTED = 0.09  # [m]
BAND = 0.02  # [m], distance within which motion slows down, at any step size or rate
WIDE = 0.45  # gripper open enough to go down over a cube on its diagonal
STOPPED = 0.1  # [1/s], a jaw slower than this has met the cube


SHALLOW = 0.2 * CUBE_SIDE / 2  # [m], highest finger tip above the cube's centre that still grips well
LEVEL = 0.004  # [m], above the height of a grip from which on the jaw may close
SPARE = 0.002  # [m], by which an arm may stand above the floor that it was sent to


class Tool(NamedTuple):
    """How an arm holds its gripper, and how low that may go."""

    turn: float = 0.0
    """About the vertical, from where the jaw opens towards -y [rad]."""
    floor: float = -np.inf
    """Of the workspace box, base frame [m]."""


ORDINARY = Tool()


class ExpertAction(NamedTuple):
    """End-effector motion (3,) in [-1, 1], base frame, and a gripper command (CLOSE, STAY or OPEN)."""

    delta: Array
    gripper: int


class Expert:
    """Scripted policy of one task.

    It may take over at any tick: what to do follows from the state, and the one thing remembered is
    the gripper's last opening, from which it knows that the jaw has stopped.

    Args:
        task: name of the task, see `tasks.TASKS`.
        fps: how often `act` is called [Hz].

    Raises:
        UnknownNameError: no such task.
    """

    def __init__(self, task: str, fps: float) -> None:
        self._task = find_task(task)
        self._fps = fps
        self._last_opening: float | None = None

    def reset(self) -> None:
        """Forget the last tick; call at the start of an episode and at every takeover."""
        self._last_opening = None

    def act(
        self,
        ee: ArrayLike,
        opening: float,
        cube: ArrayLike,
        coming: ArrayLike = 0.0,
        tool: Tool = ORDINARY,
    ) -> ExpertAction:
        """What to do now.

        Args:
            ee: end-effector position, shape (3,), base frame [m].
            opening: of the gripper, 0 closed .. 1 open.
            cube: position, shape (3,) or longer (a pose), base frame [m].
            coming: how far the arm will still move by itself, shape (3,) [m].
            tool: the gripper.
        """
        ee, cube = np.asarray(ee, dtype=float), np.asarray(cube, dtype=float)[:3]
        coming = np.broadcast_to(coming, 3)
        if isinstance(self._task, Push):
            goal, command = _push(ee, opening, cube, np.array(self._task.target), coming)
        else:
            goal, command = self._pick(ee, opening, cube, tool)
        self._last_opening = opening
        return ExpertAction(np.clip((goal - ee - coming) / BAND, -1.0, 1.0), command)

    def progress(self, ee: ArrayLike, opening: float, cube: ArrayLike) -> float:
        """How far along the task is, from 0 to 1; arguments as `act`."""
        return self._task.progress(np.asarray(ee), opening, np.asarray(cube)[:3])

    def _pick(self, ee: Array, opening: float, cube: Array, tool: Tool) -> tuple[Array, int]:
        grip = cube + _turned(GRIP_OFFSET, tool.turn)
        grip[2] = max(grip[2], tool.floor)
        highest = max(SHALLOW, tool.floor + SPARE - CUBE_REST)
        error = grip - ee
        aside = float(np.hypot(error[0], error[1]))
        if opening > EMPTY and _between_fingers(_turned(ee - cube, -tool.turn), highest):
            if opening < WIDE and self._jaw_stopped(opening):
                return np.array([ee[0], ee[1], LIFTED]), CLOSE
            if opening < WIDE or (aside < 0.008 and ee[2] < grip[2] + LEVEL):
                return ee, CLOSE
        if opening < WIDE:
            return np.array([ee[0], ee[1], HOVER]), OPEN
        return _approach(ee, grip, aside), STAY

    def _jaw_stopped(self, opening: float) -> bool:
        if self._last_opening is None:
            return False
        return abs(opening - self._last_opening) * self._fps < STOPPED


def _push(ee: Array, opening: float, cube: Array, target: Array, coming: Array) -> tuple[Array, int]:
    command = OPEN if opening < WIDE else STAY
    way = target - cube[:2]
    distance = float(np.linalg.norm(way))
    if distance < 0.01:
        return ee, command
    way /= distance
    behind = cube[:2] - ee[:2]
    along = float(behind @ way)
    beside = behind - along * way
    if ee[2] < LOW and along > 0.015 and np.linalg.norm(beside) < 0.014:
        there = ee[:2] + coming[:2]
        move = target - PUSH_GAP * way + beside - there
        move *= min(1.0, PUSH_STEP / float(np.linalg.norm(move)))
        return np.array([*(there + move), PUSH_HEIGHT]), command
    stage = np.array([*(cube[:2] - STAGE_GAP * way), PUSH_HEIGHT])
    return _approach(ee, stage, float(np.linalg.norm(stage[:2] - ee[:2]))), command


def _approach(ee: Array, goal: Array, aside: float) -> Array:
    """Next way point to a low goal: up if low and astray, across above the cube, then down."""
    if aside > 0.012 and ee[2] < CLEAR:
        return np.array([ee[0], ee[1], HOVER])
    if aside > 0.006 and ee[2] >= CLEAR:
        return np.array([goal[0], goal[1], HOVER])
    return goal


def _between_fingers(offset: Array, highest: float) -> bool:
    """Whether the cube is where the closing jaw would catch it, given end effector less cube, not turned [m]."""
    x, y, z = offset
    half = CUBE_SIDE / 2
    return bool(abs(x) < 0.010 and 0.2 * half < y < 0.036 and -half < z < highest)


def _turned(offset: Array, turn: float) -> Array:
    """About the vertical."""
    x, y, z = offset
    c, s = np.cos(turn), np.sin(turn)
    return np.array([c * x - s * y, s * x + c * y, z])
