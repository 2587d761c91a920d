"""Steps from measurements to the state vector and the policy's pictures."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from hilrt.control.pipeline import Signal, Stateless
from hilrt.control.setpoint import Setpoint
from hilrt.control.tick import Float64, Tick
from hilrt.devices.preprocess import Preprocess
from hilrt.robots.kinematics import Kinematics
from hilrt.step.record import GripperCommand

JOINTS = Signal("joints", ("arms", 6), "rad")
POSE = Signal("pose", ("arms", 4, 4), "m")
PARTS = Signal("parts")
STATE = Signal("state", ("state",))
VIEWS = Signal("views", ("cameras",))

Show = Callable[[str, npt.NDArray[np.uint8], int], None]
"""Takes a camera's name, a picture, and the time it was taken [ns]."""


class Joints(Stateless):
    """Raw telemetry to standard form: joint angles, in the order of the motors."""

    name = "joints"
    reads = (Signal("readings", ("arms",)),)
    writes = (JOINTS, PARTS._replace(unit="rad"))

    def __call__(self, tick: Tick) -> None:
        tick.joints = np.array([reading.position for reading in tick.readings])
        tick.parts.append(tick.joints.ravel())


class JointVelocity:
    """Change of the joints over the measured time since the last tick [rad/s]; zero on the first."""

    name = "joint_velocity"
    reads = (JOINTS, Signal("time_ns", (), "ns"))
    writes = (PARTS._replace(unit="rad/s"),)

    def __init__(self) -> None:
        self._last: tuple[int, Float64] | None = None

    def begin(self) -> None:
        """The arm has been moved since: no difference across episodes."""
        self._last = None

    def __call__(self, tick: Tick) -> None:
        velocity = np.zeros(tick.joints.size)
        if self._last is not None and tick.time_ns > self._last[0]:
            seconds = (tick.time_ns - self._last[0]) * 1e-9
            velocity = (tick.joints - self._last[1]).ravel() / seconds
        tick.parts.append(velocity)
        self._last = (tick.time_ns, tick.joints)


class MotorCurrent(Stateless):
    """Signed motor currents [A], from the telemetry that is there already: no second transaction."""

    name = "motor_current"
    reads = (Signal("readings", ("arms",)),)
    writes = (PARTS._replace(unit="A"),)

    def __call__(self, tick: Tick) -> None:
        tick.parts.extend(reading.current for reading in tick.readings)


class ForwardKinematics(Stateless):
    """Joints to end-effector pose; its position relative to the start pose joins the state when asked for."""

    name = "forward_kinematics"
    reads = (JOINTS,)
    writes: tuple[Signal, ...] = (POSE,)

    def __init__(self, kinematics: Sequence[Kinematics], home: Float64, *, in_state: bool) -> None:
        """`home`: start pose, shape (arms, 6) [rad]."""
        self._kinematics = kinematics
        self._home = np.array([k.forward(q)[:3, 3] for k, q in zip(kinematics, home, strict=True)])
        self._in_state = in_state
        if in_state:
            self.writes = (POSE, PARTS._replace(unit="m"))

    def __call__(self, tick: Tick) -> None:
        tick.pose = np.array([k.forward(q) for k, q in zip(self._kinematics, tick.joints, strict=True)])
        if self._in_state:
            tick.parts.append((tick.pose[:, :3, 3] - self._home).ravel())


class SetpointError(Stateless):
    """The last command less what was measured, of all that the action moves: how hard the arm is pushing."""

    name = "setpoint_error"
    reads: tuple[Signal, ...] = (JOINTS, POSE)
    writes = (PARTS._replace(unit="m, rad"),)

    def __init__(self, setpoint: Setpoint, *, by_joint: bool, gripper: bool) -> None:
        self._setpoint, self._by_joint, self._gripper = setpoint, by_joint, gripper
        if by_joint:
            self.reads, self.writes = (JOINTS,), (PARTS._replace(unit="rad"),)

    def __call__(self, tick: Tick) -> None:
        off = self._setpoint.joints - tick.joints
        moved = off[:, :5] if self._by_joint else self._setpoint.pose[:, :3, 3] - tick.pose[:, :3, 3]
        tick.parts.append(np.hstack((moved, off[:, 5:])).ravel() if self._gripper else moved.ravel())


class PreviousAction(Stateless):
    """The action last executed; zero at the start of an episode."""

    name = "previous_action"
    reads = ()
    writes = (PARTS,)

    def __init__(self, setpoint: Setpoint, *, gripper: bool) -> None:
        self._setpoint, self._gripper = setpoint, gripper

    def __call__(self, tick: Tick) -> None:
        action = self._setpoint.action
        if self._gripper:
            told = np.array([float(g) - float(GripperCommand.STAY) for g in self._setpoint.gripper])
            action = np.column_stack((action, told))
        tick.parts.append(action.ravel())


class ObjectPose(Stateless):
    """The object's true pose, where a simulator knows it, and the way to it from the end effector."""

    name = "object_pose"
    reads = (Signal("object", ("arms", 5), "m"), POSE)
    writes = (PARTS._replace(unit="m"),)

    def __call__(self, tick: Tick) -> None:
        if tick.object is not None:
            way = tick.object[:, :3] - tick.pose[:, :3, 3]
            tick.parts.append(np.hstack((tick.object, way)).ravel())


class OtherObject(Stateless):
    """The true place of the object that is not meant, where a simulator knows it."""

    name = "other_object"
    reads = (Signal("other", ("arms", 3), "m"),)
    writes = (PARTS._replace(unit="m"),)

    def __call__(self, tick: Tick) -> None:
        if tick.other is not None:
            tick.parts.append(tick.other.ravel())


class State(Stateless):
    """All parts in one vector."""

    name = "state"
    reads = (PARTS,)
    writes = (STATE,)

    def __call__(self, tick: Tick) -> None:
        tick.state = np.concatenate(tick.parts).astype(np.float32)


class CropResize(Stateless):
    """Frames to the policy's pictures, each frame once."""

    name = "crop_resize"
    reads = (Signal("frames", ("cameras",)),)
    writes = (VIEWS,)

    def __init__(self, names: Sequence[str], preprocess: Preprocess) -> None:
        self._names, self._view = names, preprocess.view

    def __call__(self, tick: Tick) -> None:
        named = zip(self._names, tick.frames, strict=True)
        tick.views = tuple(self._view(name, frame) for name, frame in named)


class Display(Stateless):
    """Hands the policy's pictures to the window; whoever draws it does so elsewhere."""

    name = "display"
    reads = (VIEWS, Signal("frames", ("cameras",)))
    writes = ()

    def __init__(self, names: Sequence[str], show: Show) -> None:
        self._names, self._show = names, show

    def __call__(self, tick: Tick) -> None:
        for name, view, frame in zip(self._names, tick.views, tick.frames, strict=True):
            self._show(name, view, frame.monotonic_ns)
