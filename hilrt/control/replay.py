"""Plays an episode again: to its first pose at limited speed, then its joint targets or its actions, tick by tick."""

import math
from collections.abc import Callable
from pathlib import Path

from hilrt.config import Config
from hilrt.control.cell import Cell
from hilrt.control.episode import scene_seed
from hilrt.control.phase import Phase
from hilrt.control.players import ActionPlayer, GoalPlayer, Player
from hilrt.control.recording import Recording
from hilrt.control.replayed import REPLAY, Replayed
from hilrt.control.reset import go, stay
from hilrt.control.stand import BLOCKED_S, hangs_at
from hilrt.control.tick import Float64, Tick
from hilrt.devices.operator import Operator
from hilrt.errors import ReplayBlockedError
from hilrt.run.folder import RunFolder
from hilrt.run.job import Spec
from hilrt.run.realtime import collect_garbage
from hilrt.shm.status import ControlStatus
from hilrt.step.record import Limit


class Replay:
    """One episode, once."""

    def __init__(
        self,
        spec: Spec,
        config: Config,
        cell: Cell,
        operator: Operator,
        recording: Recording,
        status: ControlStatus,
        stop_wanted: Callable[[], bool],
    ) -> None:
        assert spec.playback is not None
        self._playback, self._folder = spec.playback, RunFolder(Path(spec.run_dir))
        self._config, self._cell, self._operator, self._recording = config, cell, operator, recording
        self._pipelines, self._status, self._stopping = cell.pipelines, status, stop_wanted
        self._start = self._first_pose()
        self._result = Replayed(episode=recording.number, steps=recording.end)

    async def run(self, _first_episode: int) -> None:
        """Play it, and write down what came of it, to the end or as far as it went.

        Raises:
            ReplayBlockedError: something keeps the arms from going on.
            CollisionError, ArmBlockedError, ArmSagsError: on the way to the first pose.
        """
        self._status.episode, self._status.mode = self._recording.number, self._recording.mode
        self._status.driver = "replay"
        self._pipelines.begin()  # they observe on the way already
        try:
            await self._begin()
            await self._play(self._player())
        finally:
            self._folder.keep(REPLAY, self._result)
        self._status.phase = Phase.DONE

    def _first_pose(self) -> Float64:
        """The start pose as it was commanded where that is the config's; else where the arms were measured first."""
        home, seen = self._pipelines.home, self._pipelines.limits.clip(self._recording.start)
        drawn = self._pipelines.starts.drawn
        return home if not drawn and hangs_at(home, seen, self._pipelines.sag) else seen

    async def _begin(self) -> None:
        """Go to the first pose, have the scene put back."""
        self._status.phase = Phase.RESETTING
        collect_garbage()
        scene, start = self._cell.scene, self._start
        await go(self._cell, start, await self._cell.sense(), self._stopping)
        seed = scene_seed(self._config.seed, self._recording.number, self._recording.mode)
        scene.place(seed, self._config.processor.reset.area)
        await stay(self._cell, start, lambda _: scene.ready(math.inf), self._stopping)
        self._pipelines.begin()
        self._pipelines.setpoint.anchor(start)

    def _player(self) -> Player:
        if self._playback.actions:
            return ActionPlayer(self._recording, self._pipelines)
        return GoalPlayer(self._recording, self._pipelines, self._start)

    async def _play(self, player: Player) -> None:
        self._status.phase = Phase.RUNNING
        turns, waited, speed = 0, 0, self._playback.speed
        while not self._stopping():
            begin, end = turns * speed, (turns + 1) * speed
            self._status.step = self._result.played = min(math.floor(begin), self._recording.end)
            tick = await self._cell.sense(self._status.step, self._recording.mode)
            self._cell.remark = self._operator.message
            if tick.cut:
                await go(self._cell, self._pipelines.setpoint.joints, tick, self._stopping)
                continue
            if tick.waits:
                continue
            self._compare(tick, begin)
            if begin >= self._recording.end:
                return
            on = await self._send(player, tick, begin, end)
            turns, waited = turns + on, 0 if on else waited + 1
            if waited > BLOCKED_S * self._cell.fps:
                raise ReplayBlockedError(self._status.step, (tick.limits & ~Limit.JOINT).name or "")

    async def _send(self, player: Player, tick: Tick, begin: float, end: float) -> bool:
        """Whether the recording goes on."""
        player.put(tick, begin, end)
        player.pipeline.run(tick)
        self._cell.gauges.count_limits(tick.limits)
        if not await self._cell.command(tick.joint_goal):
            return False
        self._pipelines.setpoint.commit(tick)
        if not player.followed(tick):
            return False
        self._compare_goal(tick, end)
        return True

    def _compare(self, tick: Tick, time: float) -> None:
        recorded = self._recording.measured(time)
        self._result.see(tick.joints, recorded, self._status.step, tuple(self._config.robot.sides))

    def _compare_goal(self, tick: Tick, time: float) -> None:
        if self._recording.goals.size:
            self._result.see_goal(tick.joint_goal, self._recording.goal(time, self._start))
