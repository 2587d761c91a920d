"""The work of a run, told in order: reset, episode, reset, episode; each `sense` is one tick."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from hilrt.config import Config
from hilrt.control.account import Account
from hilrt.control.agenda import Agenda
from hilrt.control.appeal import Appeal
from hilrt.control.coach import Coach
from hilrt.control.episode import Episode
from hilrt.control.phase import Phase
from hilrt.control.places import Aim, Places
from hilrt.control.policy import Policy
from hilrt.control.presence import Presence
from hilrt.control.publisher import Publisher
from hilrt.control.tick import Float64, Tick
from hilrt.control.workplace import MakeBetween, Workplace
from hilrt.data.episodes import Tally
from hilrt.devices.calibration import units_from_radians
from hilrt.devices.operator import Operator, OperatorInput
from hilrt.shm.status import ControlStatus
from hilrt.step.extent import Extent, encode
from hilrt.step.record import GripperCommand, Mode, Override, Record, Source, gripper_commands, gripper_index

HEARING_S = 5.0
"""To take back a success behind which nothing is put back."""


class Loop:
    """Runs episodes until the agenda is empty or somebody asks it to stop."""

    def __init__(
        self,
        *,
        config: Config,
        cell: Workplace,
        operator: Operator,
        presence: Presence,
        make_between: MakeBetween,
        policy: Policy | None,
        publisher: Publisher,
        agenda: Agenda,
        places: Places,
        status: ControlStatus,
        tally: Tally,
        stop_wanted: Callable[[], bool],
        coach: Coach | None = None,
        extents: Sequence[Extent] = (),
    ) -> None:
        """`cell`: where it works; `extents`: one for each arm where it is to be followed, or none."""
        self._config, self._cell, self._operator, self._policy = config, cell, operator, policy
        self._pipelines = cell.pipelines
        self._sides = tuple(config.robot.sides)
        self._publisher, self._agenda, self._status = publisher, agenda, status
        self._tally, self._extents, self._places = tally, extents, places
        judge = cell.pipelines.judge
        self._account = Account(status, tally, agenda, publisher, policy, judge, self._sides, coach, places)
        self._stop_wanted = stop_wanted
        self._stopped = False
        self._presence, self._appeal = presence, Appeal(presence)
        self._interval = make_between(self.stopping, self._on_the_way)

    def stopping(self) -> bool:
        """Whether the operator or the supervisor wants an end."""
        return self._stopped or self._stop_wanted()

    async def run(self, first_episode: int) -> None:
        """Work through the agenda; episodes are numbered from `first_episode`."""
        try:
            await self._work(first_episode)
        finally:  # whatever ended it: what was held back is published
            self._close()
        self._enter(Phase.DONE)

    async def _work(self, number: int) -> None:
        self._pipelines.begin()  # they observe during the first reset already
        before = None
        while not self.stopping() and (mode := await self._next(before)) is not None:
            self._status.episode, self._status.mode, self._status.step = number, mode, 0
            aim = self._places.aim(number, mode)
            if self._policy and mode is not before:
                await self._wait_for_policy(self._policy, mode)
            start = await self._interval.prepare(aim.seed, aim.within)
            self._close()
            if self.stopping():
                break
            await self._episode(number, mode, aim, start)
            number, before = number + 1, mode

    async def _next(self, before: Mode | None) -> Mode | None:
        """Mode of the next episode; where none follows that belongs to the last, that one is settled first."""
        mode = self._agenda.next()
        if mode is before or mode is Mode.TRAIN or not self._appeal.open:
            return mode
        await self._hear()
        self._close()  # what is evaluated next has learned from all of it
        return self._agenda.next() if mode is None else mode  # another in place of one that was refused

    async def _hear(self) -> None:
        """Nothing is put back now, so give the operator time to take the success back; "ready" ends it."""
        self._enter(Phase.HEARING)
        began_ns = (await self._cell.sense()).time_ns
        self._presence.ready()  # what was pressed before is no answer
        while not (self.stopping() or self._presence.ready() or self._refused()):
            if (await self._cell.sense()).time_ns - began_ns > HEARING_S * 1e9:
                return

    def _refused(self) -> bool:
        """Whether the operator has taken back the success of the last episode."""
        refused = self._appeal.refused()
        if refused:
            self._status.override = Override.FAILURE
        return refused

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
        self._operator.rest(self._cell.told_by(joints))
        self._cell.remark = self._operator.message
        self._refused()

    async def _episode(self, number: int, mode: Mode, aim: Aim, start: Float64 | None) -> None:
        """One episode, from its first observation to its final record."""
        self._enter(Phase.RUNNING)
        if self._policy:
            self._policy.turn(aim.policy)
        self._operator.begin(mode, aim.seed)
        self._pipelines.begin(start)
        self._status.override = Override.NONE
        episode, kept = Episode(number, mode, self._publisher.publish), OperatorInput()
        while True:
            tick = await self._cell.sense(episode.step, mode)
            self._follow(tick)
            self._places.look(tick, self._cell.spot)
            tick.wish = self._operator.sense(self._cell.seen(tick, self._tally.autonomous_rate)).after(kept)
            self._cell.remark = self._operator.message
            self._stopped = self._stopped or tick.wish.stop
            tick.interrupted = self.stopping() or tick.cut or self._left_alone(mode, tick.wish)
            if tick.waits and not tick.interrupted:
                kept = tick.wish  # what the last action led to is not seen yet
                continue
            kept = OperatorInput()
            if self._policy and mode is not Mode.DEMO:
                tick.sent, tick.features = self._policy.look(tick.views), self._policy.features
            self._pipelines.outcome.run(tick)
            self._account.judged(tick)
            if tick.over:
                self._over(episode, tick)
                return
            if settled := episode.settle(tick):
                self._agenda.stepped(settled)
                self._account.published(settled)
            episode.acted(await self._act(tick, episode), tick)

    def _over(self, episode: Episode, tick: Tick) -> None:
        """An episode has ended; a success that only a grasp or the classifier says waits for the operator's word."""
        refusable = self._config.reward.by != ("task",) and not self._config.scripted
        if refusable and tick.terminated and tick.success and not tick.wish.success and episode.step:
            episode.publish = self._appeal.hold
        settled, final = episode.settle(tick), episode.end(tick, self._places.spot)
        if settled:
            self._agenda.stepped(settled)
        self._agenda.ended(final)
        self._places.ended(final)
        self._status.appeal = self._appeal.open
        if not self._appeal.open:
            self._account.published(settled, final)

    def _close(self) -> None:
        """Publish the end that was held back, if one was, as the operator wants it."""
        if self._appeal.refused():
            self._agenda.refused()
        held = self._appeal.close()
        for step in held:
            self._publisher.publish(*step)
        self._account.published(*(record for record, *_ in held))
        self._status.appeal = 0

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
            sure = self._policy.fixed or episode.mode is Mode.EVAL
            tick.policy_action, gripper = self._policy.act(tick.state, deterministic=sure)
            tick.policy_gripper = gripper_commands(gripper, len(self._sides))
        self._pipelines.action.run(tick)
        await self._cell.act(tick)
        self._account.acted(tick, episode.step)
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
