"""The acting side of the policy: newest weights in, actions out."""

import time

import numpy as np
import numpy.typing as npt
import torch

from hilrt.control.tick import Pictures
from hilrt.policy.actor import Actor
from hilrt.policy.trunk import Pictures as Seen
from hilrt.policy.vision import Sight
from hilrt.shm.weights import WeightsReader
from hilrt.step.record import Float32

EPSILON = 0.02
"""Chance of a random gripper command while training."""


class Policy:
    """An actor, and the shared tensor that its weights come from; None for a fixed checkpoint."""

    def __init__(self, actor: Actor, run: str | None, sight: Sight) -> None:
        """`sight`: what of a step's pictures the learner is sent."""
        self._actor = actor
        self._run = run
        self._sight = sight
        self._seen: Seen = ()
        self._reader: WeightsReader | None = None
        self.version = 0

    @property
    def ready(self) -> bool:
        """Whether there is anything to act with."""
        return self._run is None or self.version > 0

    @property
    def age_ms(self) -> float:
        """Since the weights in use, or newer ones, were published."""
        if self._reader is None:
            return 0.0
        return (time.monotonic_ns() - self._reader.published_ns) * 1e-6

    def adopt(self) -> None:
        """Take over new weights if there are any; costs one load when there are none."""
        if self._run is None:
            return
        if self._reader is None:
            self._reader = WeightsReader.try_attach(self._run)
        adopted = self._reader.adopt() if self._reader else None
        if adopted:
            self._actor.load_arrays(adopted.arrays)
            self.version = adopted.version

    @torch.inference_mode()
    def look(self, views: Pictures) -> tuple[npt.NDArray[np.generic], ...]:
        """Take in the views of a tick, each uint8 (H, W, 3); the next `act` is on these.

        A frozen encoder sees each of them here, and nowhere else.

        Returns:
            What the learner is sent of them, as `Sight.planes`; features are the bits of bfloat16.
        """
        trunk = self._actor.trunk
        if trunk.vision is None:
            return ()
        self._seen = tuple(torch.from_numpy(view).to(trunk.mean.device) for view in views)
        if trunk.vision.frozen:
            self._seen = trunk.features(self._seen)
        features = iter(self._seen)
        raw = dict(zip((view.name for view in self._actor.features.views), views, strict=True))
        return tuple(
            raw[plane.camera] if plane.kind == "view" else next(features).view(torch.int16).cpu().numpy()
            for plane in self._sight.planes
        )

    def act(self, state: Float32, *, deterministic: bool) -> tuple[Float32, int]:
        """For a state, shape (ds,), and what was looked at last.

        Returns:
            Action, shape (da,), in [-1, 1], and gripper command as in `Record.gripper`.
        """
        epsilon = 0.0 if deterministic else EPSILON
        return self._actor.act(state, deterministic=deterministic, pictures=self._seen, epsilon=epsilon)

    def close(self) -> None:
        """Let go of the shared tensor."""
        if self._reader:
            self._reader.close()
