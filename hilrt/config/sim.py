"""The simulated arms: the scene's clock, and how far their servos are from ideal ones."""

from typing import Literal

from msgspec import Struct

from hilrt.config.values import Fraction, Positive

SIM_TASKS = ("pick_lift", "push")
SIM_CAMERAS = ("front", "wrist")


class SimArm(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The nature of the simulated arms' servos."""

    stiffness: Positive = 200.0
    """Torque by which a servo answers each radian that it is off its goal [N m/rad]; the arm sags under its own weight
    accordingly. Measured arms have 11 to 24."""
    goal_switches_torque_on: bool = False
    """Whether a goal that is written switches the torque on, as one public note says of the STS3215."""


class Sim(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The simulated arms and scene, on pseudo-terminals in place of the serial ports."""

    clock: Literal["realtime", "lockstep"] = "realtime"
    """`lockstep`: simulated time advances tick by tick, as fast as control and learner allow."""
    observe_object: bool = False
    """The object's true pose joins the state vector."""
    line_errors: Fraction = 0.0
    """Share of the servos' replies that are lost, late, truncated, corrupt or of a wrong id, as on a bad cable;
    needs `clock = "realtime"`."""
    arm: SimArm = SimArm()
