"""The contract between the learner process and what learns, be it `hilrt.learner.sac` or the user's own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from hilrt.config import Config
from hilrt.config.own import blaming, make_own
from hilrt.errors import OwnCodeError
from hilrt.learner.batch import Batch
from hilrt.learner.descent import Descent
from hilrt.learner.replay import Replay
from hilrt.learner.scalars import Scalars
from hilrt.policy.actor import Actor
from hilrt.step.record import Float32

OPTION = "learner.algorithm"


class Algorithm(Protocol):
    """A `torch.nn.Module`, made as `Class(actor, config, device)`.

    A checkpoint has its `state_dict`, `descents`, `generator` and `scalars`; what else it remembers is lost at a
    restart.
    """

    recordable: bool
    """Whether every `learner_step` does the same work in the same places of memory, with nothing decided by a tensor's
    value or a count of steps: a GPU then records it once and replays it (`learner.cuda_graphs`)."""
    actor: Actor
    """The one that it was given, moved to the device; control acts with what it has learned."""
    descents: dict[str, Descent]
    """All optimisers that outlast a step."""
    generator: torch.Generator
    """On the device, the source of all that is drawn in `learner_step` and `warm_start`."""
    scalars: Scalars
    """Where `learner_step` adds its figures; the screen shows `critic_loss`, TensorBoard all of them."""

    def normalise_by(self, states: Float32) -> None:
        """Normalise states by these of the demonstrations, shape (n, ds); once, before all else."""
        ...

    def warm_start(self, replay: Replay) -> Iterator[None]:
        """Learn from the demonstrations before the first online step; yields after each update, for the heartbeat."""
        ...

    def learner_step(self, batches: list[Batch], bc_weight: Tensor | float) -> None:
        """Learn from `learner.critic_updates` batches and one more, with this weight of imitation."""
        ...

    def diagnose(self, batch: Batch) -> dict[str, float]:
        """Figures that are worth a look every 50 updates; draws nothing from `generator`."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """As every module has it."""
        ...

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> object:
        """Likewise."""
        ...


KINDS = {
    "recordable": bool,
    "actor": Actor,
    "descents": dict,
    "generator": torch.Generator,
    "scalars": Scalars,
}
"""What the attributes must be."""
METHODS = ("normalise_by", "warm_start", "learner_step", "diagnose")


def make_algorithm(actor: Actor, config: Config, device: torch.device) -> Algorithm:
    """The one that `learner.algorithm` names.

    Raises:
        OwnCodeError: it cannot be made, or lacks something.
    """
    path = config.learner.algorithm
    made: Algorithm = make_own(OPTION, path, actor, config, device)
    if problem := _lacks(made, actor):
        raise OwnCodeError(OPTION, path, f"{problem}; hilrt/learner/algorithm.py says what an algorithm has")
    return made


def _lacks(made: object, actor: Actor) -> str:
    if not isinstance(made, nn.Module):
        return f"makes a {type(made).__name__}, which is no torch.nn.Module"
    if missing := [name for name in (*KINDS, *METHODS) if not hasattr(made, name)]:
        return f"has no {', '.join(f'`{name}`' for name in missing)}"
    for name, kind in KINDS.items():
        if not isinstance(value := getattr(made, name), kind):
            return f"has a {type(value).__name__} as `{name}`, not a {kind.__name__}"
    if made.actor is not actor:
        return "has another `actor` than the one it was given, so nothing would act with what it learns"
    descents: Any = made.descents
    if wrong := [name for name, one in descents.items() if not isinstance(one, Descent)]:
        return f"has in `descents` what is no Descent: {', '.join(wrong)}"
    return ""


def name_of(algorithm: Algorithm) -> str:
    """Import path of its class, by which a checkpoint knows it."""
    kind = type(algorithm)
    return f"{kind.__module__}:{kind.__qualname__}"


@contextmanager
def named(config: Config) -> Iterator[None]:
    """Give what an algorithm raises at its work its name: the run then ends with it, and is not tried again."""
    with blaming(OPTION, config.learner.algorithm, "failed"):
        yield
