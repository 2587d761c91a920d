"""The reward classifier in the control loop: says of every observation how probable success is, and when it is one."""

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from hilrt.config import Config
from hilrt.control.pipeline import Signal
from hilrt.control.tick import Tick
from hilrt.reward.about import rotations_of
from hilrt.reward.hold import rule_of
from hilrt.step.features import Features
from hilrt.step.record import Override

if TYPE_CHECKING:
    from torch import Tensor

    from hilrt.devices.preprocess import Picture
    from hilrt.reward.bundle import Bundle


log = logging.getLogger(__name__)

SHARE = 0.5
"""Of a tick, above which the classifier is called slow."""
RUNS = 3


class Judge:
    """Says that the task is done, in place of the task itself, or together with the detector before it.

    An operator's key that says the opposite of this very observation is an override. As a shadow it ends nothing: the
    keys alone do, and what it would have called the episode by then, or at a success key was about to, is compared with
    them.
    """

    name = "reward_classifier"
    reads = (Signal("frames", ("cameras",)), Signal("features"), Signal("wish"), Signal("task_success"))
    writes = (Signal("probability"), Signal("override"), Signal("task_success"))

    def __init__(self, config: Config, features: Features, bundle: "Bundle", *, shadow: bool = False) -> None:
        """Raises `ClassifierViewError` where the classifier was trained on other pictures."""
        bundle.require(features, rotations_of(config))
        rule = rule_of(config.processor.reward_classifier, bundle.about, config.env.fps)
        self.threshold, self._hold = rule.threshold, rule.begun()
        self._bundle, self._rewarded = bundle, bundle.about.rewarded
        self._also = len(config.reward.by) > 1
        self.shadow = shadow
        self._cameras = [image.name for image in features.images]
        self._views = features.views
        self._shared: frozenset[str] = frozenset()
        self.slow = ""
        """That it takes too long for the ticks, in words; see `weigh`."""
        self.begin()

    def share(self, encoder: str, digest: str) -> frozenset[str]:
        """Take a policy's features, where they are what it would compute; of which cameras that is so."""
        self._shared = self._bundle.shares(encoder, digest, self._views)
        return self._shared

    def weigh(self, tick_s: float) -> None:
        """Say so, in `slow` and in the log, where it takes more than `SHARE` of a tick; nobody is in a hurry yet.

        Black frames take as long as others, and what a policy shares is computed beside the clock.
        """
        about = self._bundle.about
        frames = {image.name: np.zeros((image.height, image.width, 3), np.uint8) for image in about.images}
        known = {
            view.name: self._bundle.features(camera, frames[view.name])[0]
            for camera, view in enumerate(about.make.views)
            if view.name in self._shared
        }
        self._bundle.probabilities(frames, known)  # the first one makes room
        takes = min(self._timed(frames, known) for _ in range(RUNS))
        self.slow = ""
        if takes > SHARE * tick_s:
            of_tick = f"{1e3 * takes:.3g} of a tick's {1e3 * tick_s:.3g} ms"
            self.slow = f"the classifier takes {of_tick}: train one with a smaller model_name"
            log.warning("%s", self.slow)

    def _timed(self, frames: "dict[str, Picture]", known: "dict[str, Tensor]") -> float:
        since = time.perf_counter()
        self._bundle.probabilities(frames, known)
        return time.perf_counter() - since

    def begin(self) -> None:
        """A new episode: nothing has been said of it."""
        self._hold.begin()
        self._said = False

    def __call__(self, tick: Tick) -> None:
        """Whether there is success."""
        frames = {name: frame.image for name, frame in zip(self._cameras, tick.frames, strict=True)}
        known = {name: tick.features[name] for name in self._shared if name in tick.features}
        tick.probability = float(self._bundle.probabilities(frames, known)[self._rewarded])
        said = self._hold.add(tick.probability)
        self._said = self._said or said
        if self.shadow:
            tick.task_success = False
            about_to = tick.wish.success and self._hold.counts  # her key came first
            tick.override = _against(tick, success=self._said or about_to)
        else:
            tick.task_success = said and (tick.task_success or not self._also)
            tick.override = _against(tick, success=self._hold.counts)


def _against(tick: Tick, *, success: bool) -> Override:
    """What the operator says, where it is not that; a key that throws the episode away says nothing of it."""
    if tick.wish.rerecord:
        return Override.NONE
    if tick.wish.failure:
        return Override.FAILURE if success else Override.NONE
    return Override.SUCCESS if tick.wish.success and not success else Override.NONE
