"""A scripted operator's skill: it sees the object and knows what to do next from any state."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilrt.sim.insert import RIM, Insert
from hilrt.sim.manner import USUAL, Manner
from hilrt.sim.skills import PEG, Goal, Move, Sight, Tool, carry, cube_of, grip, let_go, lift, push
from hilrt.sim.tasks import Place, Push, find_task

Array = NDArray[np.float64]

BAND = 0.02  # [m], distance within which motion slows down, at any step size or rate
STOPPED = 0.1  # [1/s], a jaw slower than this has met the cube
PUSH_ROOM = 0.012  # [m], from the middle of the disc, within which to aim at another point
PLACE_ROOM = 0.007  # [m], the same of the ring
PLACE_EDGE = 0.010  # [m], from its end, at least
UP = 0.02  # [m], by which a cube is seen to have left the table

ORDINARY = Tool()


class ExpertAction(NamedTuple):
    """End-effector motion (3,) in [-1, 1], base frame, and a gripper command (CLOSE, STAY or OPEN)."""

    delta: Array
    gripper: int


class Expert:
    """Scripted policy of one task.

    It may take over at any tick: what to do follows from the state, and two things are remembered, the gripper's last
    opening, from which it knows that the jaw has stopped, and whether it has seen the object in the air.

    Args:
        task: name of the task, see `tasks.TASKS`.
        fps: how often `act` is called [Hz].
        scale: size of the cube, as a multiple of the usual.

    Raises:
        UnknownNameError: no such task.
    """

    def __init__(self, task: str, fps: float, scale: float = 1.0) -> None:
        self._task = find_task(task, scale)
        self._cube = cube_of(scale)
        self._fps = fps
        self.manner: Manner = USUAL
        """How it goes about it from now on."""
        self.reset()

    def reset(self) -> None:
        """Forget what it has seen; call at the start of an episode and at every takeover."""
        self._last_opening: float | None = None
        self._carried = False

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
            cube: position of the object, shape (3,) or longer (a pose), base frame [m].
            coming: how far the arm will still move by itself, shape (3,) [m].
            tool: the gripper.
        """
        ee, cube = np.asarray(ee, dtype=float), np.asarray(cube, dtype=float)[:3]
        coming = np.broadcast_to(coming, 3)
        see = Sight(ee, opening, self._jaw_stopped(opening), cube, coming, tool, self.manner)
        self._carried |= bool(cube[2] > self._task.rest + UP)
        goal, command = self._next(see)
        self._last_opening = opening
        speed = self.manner.speed
        return ExpertAction(np.clip((goal - ee - coming) / BAND, -speed, speed), command)

    def progress(self, ee: ArrayLike, opening: float, cube: ArrayLike) -> float:
        """How far along the task is, from 0 to 1; arguments as `act`."""
        return self._task.progress(np.asarray(ee), opening, np.asarray(cube)[:3])

    def _next(self, see: Sight) -> Move:
        task, aim, held = self._task, self.manner.aim, self._cube
        if isinstance(task, Push):
            return push(see, held, task.target + PUSH_ROOM * aim)
        if isinstance(task, Place):
            if task.lies_inside(see.cube):
                return let_go(see) if self._carried else grip(see, held) or lift(see)
            room = min(PLACE_ROOM, task.room - PLACE_EDGE)
            goal = Goal(task.target + room * aim, over=0.04, near=0.006, kept=0.012)
            return grip(see, held) or carry(see, held, goal)
        if isinstance(task, Insert):
            goal = Goal(np.array(task.target), over=RIM + 0.02, near=0.004, kept=0.007)
            return grip(see, PEG) or carry(see, PEG, goal)
        return grip(see, held) or lift(see)

    def _jaw_stopped(self, opening: float) -> bool:
        if self._last_opening is None:
            return False
        return abs(opening - self._last_opening) * self._fps < STOPPED
