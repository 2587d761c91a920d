"""The way to a start pose."""

from collections.abc import Callable

import numpy as np

from hilrt.control.cell import Cell
from hilrt.control.collision import Clearance
from hilrt.control.route import Way
from hilrt.control.stand import Arrival
from hilrt.control.tick import Float64, Tick
from hilrt.control.walk import SPEED, walk
from hilrt.errors import CollisionError

Meets = Callable[[int, Float64, Float64], Clearance | None]
"""What an arm, by its number, would run into on its way to a goal from where it is, both of shape (6,) [rad]."""


class ResetMove:
    """Straight in joint space to the start pose, at limited speed, from wherever the arms are.

    Where that way is barred, each joint goes as far as it may by itself.
    """

    def __init__(self, start: Float64, goal: Float64, max_step: float, patience: int, meets: Meets) -> None:
        """Poses have shape (arms, 6) [rad].

        Args:
            start: where they are told to be.
            goal: the start pose.
            max_step: the joint velocity limit, per tick [rad]; a reset takes a third of it.
            patience: ticks that the arms may be unable to move on.
            meets: the collision check.
        """
        self._goal, self._max_step, self._patience, self._meets = goal, SPEED * max_step, patience, meets
        self.joints = start.copy()
        self.ticks_there = self._ticks_stuck = 0
        """How often they have been told to be at the pose itself."""

    def advance(self) -> Float64:
        """The next goal positions, shape (arms, 6) [rad].

        Raises:
            CollisionError: there is no way on.
        """
        wanted = self.joints + np.clip(self._goal - self.joints, -self._max_step, self._max_step)
        before = self.joints
        self.joints = np.array([self._toward(arm, goal) for arm, goal in enumerate(wanted)])
        there = np.allclose(self.joints, self._goal)
        self.ticks_there += there
        self._ticks_stuck = self._ticks_stuck + 1 if not there and (self.joints == before).all() else 0
        if self._ticks_stuck > self._patience:
            self._give_up(wanted)
        return self.joints

    def _toward(self, arm: int, goal: Float64) -> Float64:
        """As much of the way to `goal` as is free."""
        kept: Float64 = self.joints[arm]
        if self._meets(arm, goal, kept) is None:
            return goal
        for joint, angle in enumerate(goal):
            trial = kept.copy()
            trial[joint] = angle
            if self._meets(arm, trial, kept) is None:
                kept = trial
        return kept

    def _give_up(self, wanted: Float64) -> None:
        for arm, goal in enumerate(wanted):
            if there := self._meets(arm, goal, self.joints[arm]):
                raise CollisionError("on the way to the start pose", there.first, there.second)


async def go(
    cell: Cell,
    goal: Float64,
    tick: Tick,
    stopping: Callable[[], bool],
    told: Callable[[Float64], None] = lambda _: None,
    way: Way | None = None,
) -> None:
    """Move the arms to a pose, shape (arms, 6) [rad], from where they are told to be: where they hang is lower.

    `told` hears each set-point on the way, of the same shape; `way`: another than the task file's.

    Raises:
        CollisionError, ArmBlockedError, ArmSagsError: see `ResetMove` and `Arrival`.
    """
    pipelines, stand = cell.pipelines, cell.stand

    def move_from_here() -> tuple[ResetMove, Arrival]:
        move = ResetMove(cell.told, goal, pipelines.limits.max_step, stand.patience, pipelines.meets)
        return move, Arrival(stand, goal)

    if way := way or pipelines.way:
        tick = await walk(cell, way, goal, tick, stopping, told)
    move, arrival = move_from_here()
    while not arrival.complete(tick, move.ticks_there) and not stopping():
        if not (tick.blind or tick.unguarded):
            await cell.command(move.advance())
            told(move.joints)
        tick = await cell.sense()
        if tick.cut:
            move, arrival = move_from_here()


async def stay(
    cell: Cell,
    pose: Float64,
    until: Callable[[Tick], bool],
    stopping: Callable[[], bool],
    told: Callable[[Float64], None] = lambda _: None,
) -> None:
    """Keep the arms at a pose, shape (arms, 6) [rad], until the scene is ready: one that was moved goes back there.

    An episode that began elsewhere, as after a push by hand, would begin with a motion that no action asked for.

    Raises:
        CollisionError, ArmBlockedError, ArmSagsError: see `go`.
    """
    while not stopping():
        tick = await cell.sense()
        ready = until(tick)
        if tick.cut or (ready and not cell.stand.at(pose, tick.joints)):
            await go(cell, pose, tick, stopping, told)
        elif ready:
            return
