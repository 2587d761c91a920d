"""One tick on the workbench: what has been measured, decided and commanded so far."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from hilrt.devices.arm import ArmReading
from hilrt.devices.operator import OperatorInput
from hilrt.shm.pictures import Frame
from hilrt.step.record import Float32, GripperCommand, Limit, Mode, Override

if TYPE_CHECKING:
    from torch import Tensor

Float64 = npt.NDArray[np.float64]
Pictures = tuple[npt.NDArray[np.uint8], ...]
Planes = tuple[npt.NDArray[np.generic], ...]

_NOTHING = np.zeros(0)


class Tick(msgspec.Struct, kw_only=True, gc=False):
    """Steps of the pipelines read some of this and write some; arrays have one row for each arm.

    Nothing of a tick is kept by the next: a step that remembers does so itself, from `begin` on.
    """

    # from the wires and the clock
    step: int
    """Of the episode, from 0."""
    mode: Mode
    time_ns: int
    """On the clock of the ticks: measured, or simulated."""
    readings: tuple[ArmReading, ...]
    frames: tuple[Frame, ...] = ()
    frame_ages_ms: tuple[float, ...] = ()
    """When they were looked at."""
    object: Float64 | None = None
    """Shape (arms, 5), as in `hilrt.step.features.OBJECT`."""
    other: Float64 | None = None
    """Place of the object that is not meant, seen from each arm, shape (arms, 3) [m]."""
    task_success: bool = False
    """What the task itself, or a detector of the user's, says."""
    interrupted: bool = False
    """The episode cannot go on: somebody wants the run to end, or an arm was away."""
    blind: bool = False
    """An arm did not answer: its reading is the last one."""
    stale: tuple[str, ...] = ()
    """Cameras whose newest frame is too old."""
    unwritten: bool = False
    """The recorder is so far behind that another step might be lost."""
    unguarded: bool = False
    """The supervisor is silent: nobody would see us hang, or hear the operator's keys."""
    cut: bool = False
    """An arm that was away is back, not where it was told to be."""
    missed: int = 0
    """Ticks since the last one that something was decided on."""
    bus_faults: int = 0

    # observation
    joints: Float64 = _NOTHING
    """Measured, shape (arms, 6) [rad]."""
    pose: Float64 = _NOTHING
    """Measured T_base_ee, shape (arms, 4, 4) [m]."""
    parts: list[npt.ArrayLike] = []
    """Of the state vector, in the order of the steps."""
    state: Float32 = np.zeros(0, np.float32)
    """Shape (len(features.state),)."""
    views: Pictures = ()
    """What the policy sees, one for each of `features.views`."""
    sent: Planes = ()
    """What the learner is sent of them, as `hilrt.policy.vision.Sight` has it."""
    features: Mapping[str, "Tensor"] = {}
    """By camera: what the policy's frozen encoder makes of its view, bfloat16 (C, h, w); empty where none was asked."""

    # outcome of the step before
    wish: OperatorInput = OperatorInput()
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    success: bool = False
    discarded: bool = False
    probability: float = -1.0
    """Of success, as the reward classifier says; -1 where none is asked."""
    override: Override = Override.NONE
    """What the operator says against it."""

    # action
    policy_action: Float32 | None = None
    """None where no policy was asked."""
    policy_gripper: tuple[GripperCommand, ...] = ()
    human: bool = False
    handover: bool = False
    """The arm has just changed hands."""
    action: Float32 = np.zeros(0, np.float32)
    """Shape (len(features.action),), in [-1, 1] once it has been through `delta`."""
    gripper: tuple[GripperCommand, ...] = ()
    """One for each arm."""
    delta: Float64 = _NOTHING
    """Shape (arms, axes) [m or rad]."""
    target: Float64 = _NOTHING
    """Wanted T_base_ee, shape (arms, 4, 4) [m]."""
    joint_goal: Float64 = _NOTHING
    """Shape (arms, 6) [rad]."""
    limits: Limit = Limit(0)

    @property
    def waits(self) -> bool:
        """Whether nothing can be decided on what there is: the arms hold."""
        return self.blind or bool(self.stale) or self.unwritten or self.unguarded

    @property
    def over(self) -> bool:
        """Whether the episode ends here."""
        return self.terminated or self.truncated

    @property
    def images(self) -> Pictures:
        """The cameras' frames as they are recorded."""
        return tuple(frame.image for frame in self.frames)
