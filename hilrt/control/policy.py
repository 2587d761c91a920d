"""The acting side of the policy: newest weights in, actions out."""

import numpy as np
import numpy.typing as npt
import torch

from hilrt.control.supply import Supply
from hilrt.control.tick import Pictures
from hilrt.policy.actor import Actor
from hilrt.policy.trunk import Pictures as Seen
from hilrt.policy.vision import Sight
from hilrt.shm.weights import Adopted
from hilrt.step.record import Float32


class Policy:
    """An actor, and where its weights come from; None for a fixed checkpoint."""

    def __init__(
        self,
        actor: Actor,
        supply: Supply | None,
        sight: Sight,
        epsilon: float = 0.0,
        other: Actor | None = None,
    ) -> None:
        """`sight`: what of a step's pictures the learner is sent; `epsilon`: chance of a random gripper command.

        `other`: one that it is compared with.
        """
        self._epsilon = epsilon
        self._actor, self._actors = actor, (actor, other) if other else (actor,)
        self._supply = supply
        self._sight = sight
        self._seen: Seen = ()
        self._ready = supply is None
        self.version = 0

    @property
    def ready(self) -> bool:
        """Whether there is anything to act with, and it is what was asked for."""
        return self._ready

    @property
    def fixed(self) -> bool:
        """Whether nobody learns from what it does, so that it has nothing to try out."""
        return self._supply is None

    @property
    def age_ms(self) -> float:
        """Since the weights in use, or newer ones, were published."""
        return self._supply.age_ms if self._supply else 0.0

    def turn(self, number: int) -> None:
        """Have the first (0) or the second (1) of two that are compared act from now on; `version` says which."""
        if len(self._actors) > 1:
            self._actor, self.version = self._actors[number], number

    def ask(self) -> None:
        """The next episodes judge the learner's weights as they are now: not ready before those are here."""
        if self._supply:
            self._supply.ask()
            self._ready = False

    def renew(self) -> None:
        """Take over the newest weights, those asked for once they have come."""
        if self._supply:
            answered = self._supply.answered  # first: what is newest then is the answer
            self._take(self._supply.newest())
            self._ready = answered and self.version > 0

    def adopt(self) -> None:
        """Take over the weights that are due for the next action."""
        if self._supply:
            self._take(self._supply.due())

    def _take(self, adopted: Adopted | None) -> None:
        if adopted:
            self._actor.load_arrays(adopted.arrays)
            self.version = adopted.version

    @property
    def encoder(self) -> tuple[str, str]:
        """Kind and digest of its frozen encoder; empty without one, and where two have different ones."""
        found = {
            (trunk.vision.encoder, trunk.digest) if trunk.vision and trunk.vision.frozen else ("", "")
            for trunk in (actor.trunk for actor in self._actors)
        }
        return found.pop() if len(found) == 1 else ("", "")

    @property
    def features(self) -> dict[str, torch.Tensor]:
        """What a frozen encoder has made of what was looked at last, by camera."""
        seen = self._seen if self.encoder[0] else ()
        return {view.name: features for view, features in zip(self._actor.features.views, seen, strict=False)}

    @torch.inference_mode()
    def look(self, views: Pictures) -> tuple[npt.NDArray[np.generic], ...]:
        """Take in the views of a tick, each uint8 (H, W, 3); the next `act` is on these.

        A frozen encoder sees each of them here, and nowhere else.

        Returns:
            What the learner is sent of them, as `Sight.sent`; features are the bits of bfloat16.
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
            for plane in self._sight.sent
        )

    def act(self, state: Float32, *, deterministic: bool) -> tuple[Float32, int]:
        """For a state, shape (ds,), and what was looked at last.

        Returns:
            Action, shape (da,), in [-1, 1], and gripper command as in `Record.gripper`.
        """
        epsilon = 0.0 if deterministic else self._epsilon
        return self._actor.act(state, deterministic=deterministic, pictures=self._seen, epsilon=epsilon)

    def close(self) -> None:
        """Let go of the shared weights."""
        if self._supply:
            self._supply.close()
