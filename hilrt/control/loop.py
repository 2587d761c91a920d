"""The work of a run, told in order: reset, episode, reset, episode; each `sense` is one tick."""

import time
from collections.abc import Callable
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from hilrt.config import Config
from hilrt.control.action import Command, ResetMove
from hilrt.control.agenda import Agenda
from hilrt.control.cell import Cell, Senses
from hilrt.control.episode import Episode, Judge
from hilrt.control.observation import Observer
from hilrt.control.policy import Policy
from hilrt.control.publisher import Publisher
from hilrt.control.realtime import collect_garbage
from hilrt.control.safety import JointLimits
from hilrt.data.episodes import Tally
from hilrt.devices.operator import Operator, OperatorInput, Scene
from hilrt.record import GripperCommand, Mode, Record, Source
from hilrt.shm.status import ControlStatus

Float64 = npt.NDArray[np.float64]

RESET_SPEED = 1 / 3
"""Of the joint velocity limit."""
BLOCKED_S = 5.0
"""How long the arm may take to settle at the start pose before it is taken for blocked."""


class Phase(IntEnum):
    """What control is doing, for the screen."""

    STARTING = 0
    WAITING = 1
    RESETTING = 2
    RUNNING = 3
    DONE = 4


class Loop:
    """Runs episodes until the agenda is empty or somebody asks it to stop."""

    def __init__(
        self,
        *,
        config: Config,
        cell: Cell,
        operator: Operator,
        policy: Policy | None,
        observer: Observer,
        limits: JointLimits,
        home: Float64,
        publisher: Publisher,
        agenda: Agenda,
        status: ControlStatus,
        tally: Tally,
        stop_wanted: Callable[[], bool],
    ) -> None:
        self._config, self._cell, self._operator, self._policy = config, cell, operator, policy
        self._observer, self._limits, self._home = observer, limits, limits.clip(home)
        self._publisher, self._agenda, self._status = publisher, agenda, status
        self._judge = Judge(config)
        self._tally = tally
        self._stop_wanted = stop_wanted
        self._stopped = False

    def stopping(self) -> bool:
        """Whether the operator or the supervisor wants an end."""
        return self._stopped or self._stop_wanted()

    async def run(self, first_episode: int) -> None:
        """Work through the agenda; episodes are numbered from `first_episode`."""
        number, before = first_episode, None
        while not self.stopping() and (mode := self._agenda.next()) is not None:
            self._status.episode, self._status.mode = number, mode
            seed = (self._config.seed * 1_000_003 + number) * len(Mode) + mode
            if mode is Mode.TRAIN or (mode is Mode.EVAL and before is not Mode.EVAL):
                await self._wait_for_policy()  # an evaluation is of one set of weights
            await self._reset(seed)
            if self.stopping():
                break
            await self._episode(number, mode, seed)
            number, before = number + 1, mode
        self._enter(Phase.DONE)

    def _enter(self, phase: Phase) -> None:
        self._status.phase = phase

    async def _wait_for_policy(self) -> None:
        """Hold until there are weights to act with."""
        assert self._policy is not None
        self._policy.adopt()
        while not self._policy.ready and not self.stopping():
            self._enter(Phase.WAITING)
            await self._cell.sense()
            self._policy.adopt()

    async def _reset(self, seed: int) -> None:
        """Move to the start pose at limited speed, have the scene put back, settle."""
        self._enter(Phase.RESETTING)
        collect_garbage()
        senses = await self._cell.sense()
        began_ns = senses.observation.time_ns
        patience = round(BLOCKED_S * self._config.env.fps)
        move = ResetMove(senses.observation.joints, self._home, self._limits.max_step * RESET_SPEED, patience)
        while not move.arrived(senses.observation.joints) and not self.stopping():
            await self._cell.command(move.advance())
            senses = await self._cell.sense()
        self._cell.scene.place(seed)
        while not self.stopping():
            senses = await self._cell.sense()
            if self._cell.scene.ready((senses.observation.time_ns - began_ns) * 1e-9):
                break
        self._cell.reference.anchor(self._home)

    async def _episode(self, number: int, mode: Mode, seed: int) -> None:
        """One episode, from its first observation to its final record."""
        self._enter(Phase.RUNNING)
        self._operator.begin(mode, seed)
        self._observer.begin()
        self._judge.begin(mode)
        episode = Episode(number, mode, self._publisher.publish)
        while True:
            senses = await self._cell.sense()
            wish = self._operator.sense(self._scene(senses, episode.step))
            self._stopped = self._stopped or wish.stop
            verdict = self._judge.judge(episode.step, self._cell.scene.success(), wish, self.stopping())
            if settled := episode.settle(verdict):
                self._count(settled)
            if verdict.over:
                final = episode.end(senses.observation, senses.frames, verdict)
                self._count(final)
                self._agenda.ended(final)
                return
            record = await self._act(senses, wish, episode)
            episode.acted(record, senses.frames)

    async def _act(self, senses: Senses, wish: OperatorInput, episode: Episode) -> Record:
        """Decide, command, and write down what was executed."""
        state = senses.observation.state
        wanted, wanted_gripper, policy_action = np.zeros(3, np.float32), GripperCommand.STAY, b""
        if self._policy and episode.mode is not Mode.DEMO:
            if episode.mode is Mode.TRAIN:
                self._policy.adopt()
            wanted, wanted_gripper = self._policy.act(state, deterministic=episode.mode is Mode.EVAL)
            policy_action = wanted.tobytes()
        action: npt.ArrayLike = wish.action if wish.intervening else wanted
        gripper = wish.gripper if wish.intervening else wanted_gripper
        command = self._cell.reference.command(action, gripper)
        await self._cell.command(command.joint_goal)
        self._observer.acted(command.executed, gripper)
        self._report(episode, command)
        return Record(
            episode=episode.number,
            step=episode.step,
            mode=episode.mode,
            monotonic_ns=senses.observation.time_ns,
            wall_ns=time.time_ns(),
            state=state.tobytes(),
            action=command.executed.tobytes(),
            gripper=gripper,
            policy_action=policy_action,
            policy_gripper=wanted_gripper,
            source=Source.HUMAN if wish.intervening else Source.POLICY,
            joint_goal=command.joint_goal.astype(np.float32).tobytes(),
            policy_version=self._policy.version if self._policy else 0,
            frame_ages_ms=senses.frame_ages_ms,
            missed=senses.missed,
            bus_faults=senses.bus_faults,
        )

    def _scene(self, senses: Senses, step: int) -> Scene:
        low, high = self._limits.lower[5], self._limits.upper[5]
        return Scene(
            ee=senses.observation.ee,
            opening=float((senses.observation.joints[5] - low) / (high - low)),
            object=self._cell.scene.object_pose(),
            step=step,
            autonomous_rate=self._tally.autonomous_rate,
        )

    def _report(self, episode: Episode, command: Command) -> None:
        status = self._status
        status.step = episode.step
        status.ik_failures += not command.solved
        status.dropped = self._publisher.rejected
        if self._policy:
            status.weight_version, status.weight_age_ms = self._policy.version, self._policy.age_ms

    def _count(self, record: Record) -> None:
        """Keep the agenda, the tally and the status block up to date with a published record."""
        status = self._status
        if not record.final:
            self._agenda.stepped(record)
            status.online_steps = self._agenda.online_steps
            status.human_steps += record.source is Source.HUMAN
        summary = self._tally.add(record)
        if summary is None or summary.discarded:
            return
        if record.mode is Mode.EVAL:
            status.episodes_eval += 1
            status.eval_successes += summary.success
        elif record.mode is Mode.TRAIN:
            status.episodes_train += 1
            status.successes += summary.success
        else:
            status.episodes_demo += 1
        status.success_rate = self._tally.success_rate
        status.autonomous_rate = self._tally.autonomous_rate
        status.intervention_rate = self._tally.intervention_rate
