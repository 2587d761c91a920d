"""What the presets of `[sim.arm]` mean: one kind of arm each, and what a task file changes of it."""

import msgspec

from hilrt.config.sim import SimArm


class Nature(msgspec.Struct, frozen=True, kw_only=True):
    """A simulated arm, fully told; each field is that of `SimArm` by the same name, which explains it."""

    stiffness: float
    goal_switches_torque_on: bool = False


PRESETS = {
    "so100": Nature(stiffness=17.8),
    "stiff": Nature(stiffness=200.0),
    "worn": Nature(stiffness=17.8),
}


def nature_of(arm: SimArm) -> Nature:
    """The preset, with every field that the task file gives in place of the preset's."""
    given = {name: getattr(arm, name) for name in Nature.__struct_fields__}
    chosen = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(PRESETS[arm.preset], **chosen)
