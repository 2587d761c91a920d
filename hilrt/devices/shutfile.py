"""How far an empty gripper shuts under torque, which `hilrt calibrate --shut` finds: what stops it earlier is held."""

from typing import Annotated, ClassVar

from msgspec import Meta

from hilrt.devices.beside import Beside


class ShutGripper(Beside, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is in the file."""

    NAME: ClassVar[str] = "shut"
    WHAT: ClassVar[str] = "the opening of the empty, shut gripper"
    COMMAND: ClassVar[str] = "hilrt calibrate --shut CONFIG"
    WITHOUT: ClassVar[str] = 'reward.type = "grasp" cannot be used then'

    opening: Annotated[float, Meta(ge=-20.0, le=50.0)]
    """Of the calibrated range [0 .. 100]; below 0 where torque shuts it further than the hand that calibrated it."""

    def __str__(self) -> str:
        return f"the empty gripper shuts to {self.opening:.1f} of 100, seen on {self.found}"
