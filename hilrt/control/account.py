"""What the status block is told of a run's work: who drives, what classifier and coach say, how episodes have ended."""

import json
import logging

import msgspec

from hilrt.control.agenda import Agenda
from hilrt.control.coach import Coach, Line
from hilrt.control.judge import Judge
from hilrt.control.places import Places
from hilrt.control.policy import Policy
from hilrt.control.publisher import Publisher
from hilrt.control.tick import Tick
from hilrt.data.episodes import EpisodeSummary, Tally
from hilrt.shm.status import ControlStatus
from hilrt.step.record import Mode, Override, Record, Source

log = logging.getLogger(__name__)


class Account:
    """Keeps the status block, and the tally of episodes, up to date."""

    def __init__(
        self,
        status: ControlStatus,
        tally: Tally,
        agenda: Agenda,
        publisher: Publisher,
        policy: Policy | None,
        judge: Judge | None,
        sides: tuple[str, ...],
        coach: Coach | None,
        places: Places,
    ) -> None:
        """`tally`: of earlier starts, as the agenda's steps are."""
        self._coach, self._advice = coach, status.advice
        self._status, self._tally, self._agenda = status, tally, agenda
        self._publisher, self._policy, self._judge = publisher, policy, judge
        self._sides, self._driver, self._said, self._places = sides, "", 0, places
        status.online_steps = agenda.online_steps
        if coach:  # after a crash of control, what was said before it counts, and is not to be read any more
            coach.remember(
                msgspec.json.decode(status.advised or "{}", type=dict[Line, int]), status.advice_bells
            )
            self._said = sum(coach.said.values())
            self._advise(coach)
        self._show_rates()

    def acted(self, tick: Tick, step: int) -> None:
        """A step of the episode has been executed."""
        status = self._status
        status.step = step
        self._name_driver(tick)
        if self._coach and tick.mode is Mode.TRAIN:
            self._coach.acted(human=tick.human, active=tick.wish.active)
            self._advise(self._coach)
        status.dropped = self._publisher.rejected
        if self._policy:
            status.weight_version, status.weight_age_ms = self._policy.version, self._policy.age_ms

    def judged(self, tick: Tick) -> None:
        """What the classifier says, and on a shadow's last tick what the operator says of it."""
        if self._judge is None:
            return
        status, wish = self._status, tick.wish
        status.probability, status.threshold = tick.probability, self._judge.threshold
        status.override = tick.override
        if self._judge.shadow and tick.over and (wish.success or wish.failure) and not tick.discarded:
            status.compared_successes += tick.success
            status.compared_failures += not tick.success
            status.missed_successes += tick.override is Override.SUCCESS
            status.false_alarms += tick.override is Override.FAILURE

    def published(self, *records: Record | None) -> None:
        """Count what has gone to recorder and learner."""
        status = self._status
        for record in filter(None, records):
            if not record.final:
                status.online_steps = self._agenda.online_steps
                status.human_steps += record.source is Source.HUMAN
            if summary := self._tally.add(record):
                self._count_episode(summary)
                self._places.count(summary)
                if self._coach:
                    self._coach.ended(summary)
                    self._advise(self._coach)

    def _name_driver(self, tick: Tick) -> None:
        """Who has the arm; a text is written only when it changes."""
        side = "" if tick.wish.arm is None else self._sides[tick.wish.arm]
        driver = (f"you: {side}" if side else "you") if tick.human else "policy"
        if driver != self._driver:
            self._driver = self._status.driver = driver

    def _advise(self, coach: Coach) -> None:
        """Show what the coach says; in the log a line once, not with each of its numbers."""
        status, said = self._status, sum(coach.said.values())
        if coach.text != self._advice:
            self._advice = status.advice = coach.text
        if said != self._said:
            self._said, status.advised = said, json.dumps(coach.said)
            log.info("advice: %s", coach.text)
        if coach.bells != status.advice_bells:
            status.advice_bells = coach.bells

    def _count_episode(self, summary: EpisodeSummary) -> None:
        status = self._status
        status.last_episode = f"{summary.ending}, {summary.steps} steps"
        if summary.discarded:
            return
        if summary.mode is Mode.EVAL:
            status.episodes_eval += 1
        elif summary.mode is Mode.TRAIN:
            status.episodes_train += 1
            status.successes += summary.success
            status.autonomous += summary.autonomous
        else:
            status.episodes_demo += 1
            status.demo_successes += summary.success
        self._show_rates()

    def _show_rates(self) -> None:
        status, tally = self._status, self._tally
        status.success_rate, status.autonomous_rate = tally.success_rate, tally.autonomous_rate
        status.intervention_rate = tally.intervention_rate
        status.overrides = sum(tally.overrides.values())
        if tally.evaluations:
            newest = max(tally.evaluations)
            status.judged_successes, status.judged = tally.evaluations[newest]
            first = tally.evaluations.get(0, (0, 0)) if newest else (0, 0)
            status.judged_first_successes, status.judged_first = first
