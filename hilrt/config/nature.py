"""What the presets of `[sim.arm]` mean: one kind of arm each, and what a task file changes of it."""

import msgspec

from hilrt.config.sim import SimArm
from hilrt.config.values import SixAngles


class Nature(msgspec.Struct, frozen=True, kw_only=True):
    """A simulated arm, fully told; each field is that of `SimArm` by the same name, which explains it."""

    stiffness: float = 17.8
    damping: float = 0.6
    dead_zone_deg: float = 0.5
    play_deg: float = 1.0
    lag_s: float = 0.0
    camera_latency_ms: float = 60.0
    goal_switches_torque_on: bool = False
    stale_goal: bool = True
    supply_ohm: float = 0.1
    gripper_warmth_c: float = 0.0
    zero_offsets_deg: SixAngles = (0.0,) * 6


PRESETS = {
    "so100": Nature(),
    "stiff": Nature(stiffness=200.0, damping=2.73, dead_zone_deg=0.0, play_deg=0.0, camera_latency_ms=0.0),
    "worn": Nature(play_deg=2.0, lag_s=0.3, gripper_warmth_c=15.0),
}


def nature_of(arm: SimArm) -> Nature:
    """The preset, with every field that the task file gives in place of the preset's."""
    given = {name: getattr(arm, name) for name in Nature.__struct_fields__}
    chosen = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(PRESETS[arm.preset], **chosen)
