"""What is done: the task, and where it is done, on an arm or in somebody's environment."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hilrt.config.own import IMPORT_PATH

PICTURES_ALONE = ("constant",)
"""The state of an environment that observes nothing else: one number, always 0."""


class Spaces(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an environment says that its observations and actions consist of. hilrt writes it into a run's config."""

    state: tuple[str, ...]
    """All boxes of the observation that are no pictures, number by number; where there are none, `constant`."""
    action: tuple[str, ...]
    """The same of the box of the action, each scaled to [-1, 1]."""
    gripper: bool = False
    """Whether the action has a discrete gripper beside it."""


class Env(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done, where, and how often."""

    type: Literal["arm", "gymnasium"] = "arm"
    """`gymnasium`: in a Gymnasium environment instead of on an arm (docs/guide/gymnasium.md)."""
    name: Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{1,40}$")] = "so100"
    """Prefix of the run folder."""
    task: str
    """Name of the task; with `[sim]` it selects the simulated one."""
    fps: Annotated[int, Meta(ge=1, le=200)] = 10
    """Control rate [Hz]; in a Gymnasium environment steps in a second of its time."""
    id: str = ""
    """Gymnasium: `EnvId-v0`, or `module:EnvId-v0` where importing the module registers it; modules in the working
    directory are found."""
    kwargs: dict[str, Any] = {}
    """Gymnasium: keyword arguments of the environment."""
    operator: Annotated[str, Meta(pattern=IMPORT_PATH)] | None = None
    """Gymnasium: import path of a function that is called with an observation and the info beside it, and returns an
    action of the environment's own, or None: who demonstrates, and corrects the policy in training."""
    success: str = "is_success"
    """Gymnasium: the entry of info that says success; `reward`: a reward above zero does."""
    spaces: Spaces | None = None
    """Gymnasium: written into a run's config by hilrt."""
