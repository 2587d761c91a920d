"""When control gets new weights."""

import time

from hilrt.config import Config
from hilrt.learner.training import Networks, Training
from hilrt.run.lockstep import LAG
from hilrt.shm.weights import WeightsWriter

LEAST_UPDATES = 50
"""Critic updates between two publications, unless the learner has nothing else to do."""


class Publication:
    """Publishes networks that control does not have: at fixed steps in lockstep, else when there is enough that is new.

    Those that control has asked for, to judge them, are not replaced before it has used them.
    """

    def __init__(self, weights: WeightsWriter, training: Training, config: Config) -> None:
        """Publish what there is."""
        self._weights, self._training = weights, training
        self._lockstep = config.lockstep
        self._interval_s = config.learner.policy_parameters_push_frequency
        self.publish()

    @property
    def version(self) -> int:
        """The newest there is."""
        return self._weights.version

    def publish(self) -> None:
        """Publish the networks as they are."""
        last = self._training.last
        self._weights.publish(self._training.algorithm.actor.to_arrays(), last.place if last else 0)
        self._networks, self._time_s = self._training.networks, time.monotonic()
        self._steps, self._held = 0, False

    def hold(self) -> None:
        """Control is about to judge the networks as they are."""
        if self._changed:
            self.publish()
        self._held = True

    def taken_in(self) -> None:
        """A step has been taken in, and in lockstep paid for; control has used what it has asked for."""
        self._held = False
        self._steps += 1
        if self._lockstep and self._steps >= LAG and self._changed:
            self.publish()

    def keep_up(self, *, idle: bool) -> None:
        """Publish what is due in real time; `idle`: there is nothing to learn."""
        if not self._lockstep and not self._held and self._changed and self._due(idle=idle):
            self.publish()

    @property
    def _changed(self) -> bool:
        return self._training.networks != self._networks

    def _due(self, *, idle: bool) -> bool:
        now: Networks = self._training.networks
        if now.rollbacks != self._networks.rollbacks:  # what control has is worse than nothing new
            return True
        seldom = time.monotonic() - self._time_s >= self._interval_s
        return seldom and (idle or now.updates - self._networks.updates >= LEAST_UPDATES)
