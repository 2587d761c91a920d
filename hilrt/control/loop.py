"""The work of a run, told in order: reset, episode, reset, episode; each `sense` is one tick."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from hilrt.config import Config
from hilrt.control.agenda import Agenda
from hilrt.control.cell import Cell
from hilrt.control.episode import Episode, scene_seed
from hilrt.control.interval import Interval
from hilrt.control.phase import Phase
from hilrt.control.policy import Policy
from hilrt.control.presence import Presence
from hilrt.control.publisher import Publisher
from hilrt.control.rest import Rest
from hilrt.control.tick import Float64, Tick
from hilrt.data.episodes import Tally
from hilrt.devices.calibration import units_from_radians
from hilrt.devices.operator import Command, Operator, OperatorInput, Scene
from hilrt.shm.status import ControlStatus
from hilrt.step.extent import Extent, encode
from hilrt.step.record import GripperCommand, Mode, Record, Source, gripper_commands, gripper_index


class Loop:
    """Runs episodes until the agenda is empty or somebody asks it to stop."""

    def __init__(
        self,
        *,
        config: Config,
        cell: Cell,
        operator: Operator,
        presence: Presence,
        rest: Rest,
        policy: Policy | None,
        publisher: Publisher,
        agenda: Agenda,
        status: ControlStatus,
        tally: Tally,
        stop_wanted: Callable[[], bool],
        extents: Sequence[Extent] = (),
    ) -> None:
        """`extents`: one for each arm where it is to be followed, or none."""
        self._config, self._cell, self._operator, self._policy = config, cell, operator, policy
        self._pipelines = cell.pipelines
        self._sides = tuple(config.robot.sides)
        self._driver = ""
        self._publisher, self._agenda, self._status = publisher, agenda, status
        self._tally, self._extents = tally, extents
        self._stop_wanted = stop_wanted
        self._stopped = False
        self._interval = Interval(config, cell, presence, rest, status, self.stopping, self._on_the_way)
        status.online_steps = agenda.online_steps  # of earlier starts
        self._show_rates()

    def stopping(self) -> bool:
        """Whether the operator or the supervisor wants an end."""
        return self._stopped or self._stop_wanted()

    async def run(self, first_episode: int) -> None:
        """Work through the agenda; episodes are numbered from `first_episode`."""
        self._pipelines.begin()  # they observe during the first reset already
        number, before = first_episode, None
        while not self.stopping() and (mode := self._agenda.next()) is not None:
            self._status.episode, self._status.mode, self._status.step = number, mode, 0
            seed = scene_seed(self._config.seed, number, mode)
            if self._policy and mode is not before:
                await self._wait_for_policy(self._policy, mode)
            start = await self._interval.prepare(seed)
            if self.stopping():
                break
            await self._episode(number, mode, seed, start)
            number, before = number + 1, mode
        self._enter(Phase.DONE)

    def _enter(self, phase: Phase) -> None:
        self._status.phase = phase

    async def _wait_for_policy(self, policy: Policy, mode: Mode) -> None:
        """Hold until there are weights to act with; an evaluation is of one set of them, which the learner keeps."""
        if mode is Mode.EVAL:
            policy.ask()
        while not policy.ready and not self.stopping():
            self._enter(Phase.WAITING)
            await self._cell.sense()
            policy.renew()
        self._interval.idle.stir()  # nobody had to do anything

    def _on_the_way(self, joints: Float64) -> None:
        """The arms have been told to be here, shape (arms, 6) [rad]; a leader comes along."""
        self._operator.rest(self._told(joints))
        self._cell.remark = self._operator.message

    async def _episode(self, number: int, mode: Mode, seed: int, start: Float64) -> None:
        """One episode, from its first observation to its final record."""
        self._enter(Phase.RUNNING)
        self._operator.begin(mode, seed)
        self._pipelines.begin(start)
        episode, kept = Episode(number, mode, self._publisher.publish), OperatorInput()
        while True:
            tick = await self._cell.sense(episode.step, mode)
            self._follow(tick)
            tick.wish = self._operator.sense(self._scene(tick)).after(kept)
            self._cell.remark = self._operator.message
            self._stopped = self._stopped or tick.wish.stop
            tick.interrupted = self.stopping() or tick.cut or self._left_alone(mode, tick.wish)
            if tick.waits and not tick.interrupted:
                kept = tick.wish  # what the last action led to is not seen yet
                continue
            kept = OperatorInput()
            self._pipelines.outcome.run(tick)
            if self._policy and mode is not Mode.DEMO:
                tick.sent = self._policy.look(tick.views)
            settled = episode.settle(tick)
            if settled:
                self._count(settled)
            if tick.over:
                final = episode.end(tick)
                self._count(final)
                self._agenda.ended(final)
                return
            episode.acted(await self._act(tick, episode), tick)

    def _left_alone(self, mode: Mode, wish: OperatorInput) -> bool:
        """Whether the person whose episode it is has gone; a policy needs nobody."""
        if wish.active or mode is not Mode.DEMO:
            self._interval.idle.stir()
        return self._interval.idle.over()

    def _follow(self, tick: Tick) -> None:
        """Where the arms have been, for who is looking for limits."""
        if self._extents and not tick.blind:
            for extent, pose, joints in zip(self._extents, tick.pose, tick.joints, strict=True):
                extent.see(pose[:3, 3], units_from_radians(joints))
            self._status.extents = encode(self._extents)

    async def _act(self, tick: Tick, episode: Episode) -> Record:
        """Decide, command, and write down what was executed."""
        if self._policy and episode.mode is not Mode.DEMO:
            if episode.mode is Mode.TRAIN:
                self._policy.adopt()
            tick.policy_action, gripper = self._policy.act(
                tick.state, deterministic=episode.mode is Mode.EVAL
            )
            tick.policy_gripper = gripper_commands(gripper, len(self._sides))
        self._pipelines.action.run(tick)
        if await self._cell.command(tick.joint_goal):
            self._pipelines.setpoint.commit(tick)
        self._report(episode, tick)
        return self._record(tick, episode)

    def _record(self, tick: Tick, episode: Episode) -> Record:
        return Record(
            episode=episode.number,
            step=episode.step,
            mode=episode.mode,
            monotonic_ns=tick.time_ns,
            wall_ns=time.time_ns(),
            state=tick.state.tobytes(),
            action=tick.action.tobytes(),
            gripper=gripper_index(tick.gripper),
            policy_action=b"" if tick.policy_action is None else tick.policy_action.tobytes(),
            policy_gripper=gripper_index(tick.policy_gripper or (GripperCommand.STAY,) * len(self._sides)),
            operator_action=np.array(tick.wish.action, np.float32).tobytes() if tick.human else b"",
            source=Source.HUMAN if tick.human else Source.POLICY,
            joint_goal=tick.joint_goal.astype(np.float32).tobytes(),
            limits=int(tick.limits),
            policy_version=self._policy.version if self._policy else 0,
            frame_ages_ms=tick.frame_ages_ms,
            missed=tick.missed,
            bus_faults=tick.bus_faults,
        )

    def _scene(self, tick: Tick) -> Scene:
        return Scene(
            ee=tick.pose[:, :3, 3],
            opening=self._pipelines.limits.opening(tick.joints),
            object=self._cell.scene.object_pose(),
            done=tick.task_success,
            step=tick.step,
            autonomous_rate=self._tally.autonomous_rate,
            command=self._told(self._pipelines.setpoint.joints),
        )

    def _told(self, joints: Float64) -> Command:
        """Goals, shape (arms, 6) [rad], as the operator's devices take them."""
        return Command(joints, self._pipelines.limits.opening(joints))

    def _report(self, episode: Episode, tick: Tick) -> None:
        status = self._status
        status.step = episode.step
        self._name_driver(tick)
        self._cell.count_limits(tick.limits)
        status.dropped = self._publisher.rejected
        if self._policy:
            status.weight_version, status.weight_age_ms = self._policy.version, self._policy.age_ms

    def _name_driver(self, tick: Tick) -> None:
        """Who has the arm; a text is written only when it changes."""
        side = "" if tick.wish.arm is None else self._sides[tick.wish.arm]
        driver = (f"you: {side}" if side else "you") if tick.human else "policy"
        if driver != self._driver:
            self._driver = self._status.driver = driver

    def _count(self, record: Record) -> None:
        """Keep the agenda, the tally and the status block up to date with a published record."""
        status = self._status
        if not record.final:
            self._agenda.stepped(record)
            status.online_steps = self._agenda.online_steps
            status.human_steps += record.source is Source.HUMAN
        summary = self._tally.add(record)
        if summary is None:
            return
        status.last_episode = f"{summary.ending}, {summary.steps} steps"
        if summary.discarded:
            return
        if record.mode is Mode.EVAL:
            status.episodes_eval += 1
            status.eval_successes += summary.success
        elif record.mode is Mode.TRAIN:
            status.episodes_train += 1
            status.successes += summary.success
        else:
            status.episodes_demo += 1
            status.demo_successes += summary.success
        self._show_rates()

    def _show_rates(self) -> None:
        status, tally = self._status, self._tally
        status.success_rate, status.autonomous_rate = tally.success_rate, tally.autonomous_rate
        status.intervention_rate = tally.intervention_rate
