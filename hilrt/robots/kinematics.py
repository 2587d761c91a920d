"""Forward and inverse kinematics of the arm, on pinocchio."""

import math
from os import PathLike
from typing import NamedTuple

import eigenpy
import numpy as np
import pinocchio as pin
from numpy.typing import ArrayLike, NDArray

from hilrt.errors import UnknownNameError
from hilrt.robots.model import load_model

Array = NDArray[np.float64]

POSITION_TOLERANCE = 5e-4  # [m], what counts as reached
POSITION_AIM = 1e-4  # [m], where a solve may end: well inside the tolerance
SETTLED = 5e-3  # [rad], an iteration step after which orientation has little left to gain
STUCK = 3e-4  # [rad], one after which nothing has
MAX_ITERATIONS = 20
MAX_RETRY_ITERATIONS = 6
MIN_DAMPING = 1e-7  # [m2/rad2]
DAMPING = 0.005  # [1/rad2], times the error's square


class IkResult(NamedTuple):
    """Joint angles (n,) [rad], what is left of the position error [m], and whether that is small."""

    q: Array
    position_error: float
    converged: bool


class _Box:
    """What one step may reach: joint angles between `low` and `high`, shape (n,) [rad]."""

    def __init__(self, low: Array, high: Array) -> None:
        self.low, self.high = low, high
        self._pairs = list(zip(low.tolist(), high.tolist(), strict=True))

    def __contains__(self, q: Array) -> bool:
        # Five comparisons of floats cost a quarter of the same in numpy.
        return all(low <= x <= high for x, (low, high) in zip(q.tolist(), self._pairs, strict=True))

    def clip(self, q: Array) -> Array:
        return np.minimum(np.maximum(q, self.low), self.high)


class Kinematics:
    """Kinematics of the serial chain from the URDF's base to one frame.

    Not safe to share between threads: work arrays are reused from call to call.

    Args:
        urdf_path: the arm's description.
        frame: end-effector frame; the n joints that carry it are the ones solved for.
        orientation_weight: [m/rad], how many metres of position error one radian is worth. Small, so
            that an arm with five joints gives up orientation and not position; 0 ignores orientation.
        max_step: largest change of a joint from `q_start` in one `inverse` [rad].
        zeros: the joints' zero offsets, shape (n,) or longer [rad]; see `load_model`.

    Raises:
        RobotModelError: the file cannot be read.
        UnknownNameError: it has no such frame.
    """

    def __init__(
        self,
        urdf_path: str | PathLike[str],
        frame: str = "gripper_frame_link",
        *,
        orientation_weight: float = 0.005,
        max_step: float = np.inf,
        zeros: ArrayLike = (),
    ) -> None:
        self._model = load_model(urdf_path, zeros)
        self._data = self._model.createData()
        self._frame = frame_of(self._model, frame)
        # Joints are numbered from 1 along the chain, so the frame's own joint counts them.
        self.joints = int(self._model.frames[self._frame].parentJoint)
        self.lower: Array = np.array(self._model.lowerPositionLimit[: self.joints])
        self.upper: Array = np.array(self._model.upperPositionLimit[: self.joints])
        self.root: Array = np.array(self._model.jointPlacements[1].translation)
        """Where the first joint stands, shape (3,), base frame [m]."""
        self._weight = orientation_weight
        self.max_step = max_step
        self._q: Array = np.zeros(self._model.nq)
        self._row_weights: Array = np.repeat([1.0, orientation_weight], 3)[:, None]
        self._hessian: Array = np.empty((self.joints, self.joints))
        self._diagonal: Array = self._hessian.reshape(-1)[:: self.joints + 1]
        self._cholesky = eigenpy.LLT(self.joints)

    def forward(self, q: ArrayLike) -> Array:
        """Pose T_base_ee, shape (4, 4) [m], of joint angles (n,) or longer [rad]."""
        self._q[: self.joints] = np.asarray(q)[: self.joints]
        pin.framesForwardKinematics(self._model, self._data, self._q)
        return np.array(self._data.oMf[self._frame].homogeneous)

    def gravity(self, q: ArrayLike) -> Array:
        """Torque of the arm's own weight on each joint, shape (n,) [N m], of joint angles (n,) or longer [rad].

        The base stands upright. Zero where the URDF has no masses.
        """
        self._q[: self.joints] = np.asarray(q)[: self.joints]
        return -np.array(pin.computeGeneralizedGravity(self._model, self._data, self._q))[: self.joints]

    def inverse(self, q_start: ArrayLike, T_target: Array) -> IkResult:  # noqa: N803 (a transform)
        """Joint angles that bring the frame to `T_target`, as near to `q_start` as that allows.

        Levenberg-Marquardt from the damping of Sugihara (IEEE T-RO 27(5), 2011): no jump at a singularity
        or where the target is out of reach. Limits hold inside the iteration: a joint that pushes against
        one is left out of the step.
        Position comes first: where orientation would keep it from being reached, orientation gives way.
        A miss ends no further from the target's position than `q_start` is.

        Args:
            q_start: joint angles, shape (n,) or longer [rad]; outside the limits is brought inside.
            T_target: wanted pose, shape (4, 4), base frame [m].
        """
        start = _Box(self.lower, self.upper).clip(np.asarray(q_start)[: self.joints])
        box = _Box(
            np.maximum(self.lower, start - self.max_step), np.minimum(self.upper, start + self.max_step)
        )
        target = pin.SE3(T_target)
        q, miss = self._descend(start, target, box, soft=self._weight > 0.0)
        if miss < POSITION_TOLERANCE:
            return IkResult(q, miss, True)
        q, miss = self._insist(start, q, target, box)
        return IkResult(q, miss, miss < POSITION_TOLERANCE)

    def _insist(self, start: Array, stuck: Array, target: "pin.SE3", box: _Box) -> tuple[Array, float]:
        """Position alone, first from where the solve got stuck, for continuity, then from the other side.

        The arm can fold two ways. A solve that ran against limits on the wrong one gets there when it sets
        out from a little behind the start.
        """
        q, miss = self._descend(stuck, target, box, soft=False)
        if miss < POSITION_TOLERANCE:
            return q, miss
        behind = box.clip(start + 0.3 * (start - q))
        other, other_miss = self._descend(behind, target, box, soft=False)
        if other_miss < POSITION_TOLERANCE:
            return other, other_miss
        begin_miss = _length(target.translation - self.forward(start)[:3, 3])
        return (q, miss) if miss <= begin_miss else (start, begin_miss)

    def _descend(self, q: Array, target: "pin.SE3", box: _Box, *, soft: bool) -> tuple[Array, float]:
        """Joints (n,) at a local minimum of the error in the box, and the position error left [m].

        `soft`: orientation counts too, by its weight.
        """
        error, jacobian = self._linearise(q, target, soft=soft)
        cost = float(error.dot(error))
        damping = MIN_DAMPING + DAMPING * cost
        for _ in range(MAX_ITERATIONS if soft else MAX_RETRY_ITERATIONS):
            new_q = self._step(q, error, jacobian, damping, box)
            change = (new_q - q).tolist()
            largest = max(*change, -min(change))
            new_error, new_jacobian = self._linearise(new_q, target, soft=soft)
            new_cost = float(new_error.dot(new_error))
            if new_cost <= cost:
                q, error, jacobian, cost = new_q, new_error, new_jacobian, new_cost
                damping = max(MIN_DAMPING, 0.1 * damping)
            else:
                # Without this, a soft orientation makes the solve circle around the limits for ever.
                damping *= 10.0
            settled = largest < SETTLED or not soft
            if largest < STUCK or (settled and _length(error) < POSITION_AIM):
                break
        return q, _length(error)

    def _linearise(self, q: Array, target: "pin.SE3", *, soft: bool) -> tuple[Array, Array]:
        """Error (3,) [m], or (6,) with the weighted orientation's, and its Jacobian by the joints."""
        n = self.joints
        self._q[:n] = q
        jacobian: Array = pin.computeFrameJacobian(
            self._model, self._data, self._q, self._frame, pin.LOCAL_WORLD_ALIGNED
        )
        pose = self._data.oMf[self._frame]
        if not soft:
            return target.translation - pose.translation, jacobian[:3, :n]
        error = np.empty(6)
        error[:3] = target.translation - pose.translation
        error[3:] = self._weight * pin.log3((target * pose.inverse()).rotation)
        return error, jacobian[:, :n] * self._row_weights

    def _step(self, q: Array, error: Array, jacobian: Array, damping: float, box: _Box) -> Array:
        """Joints (n,) after a damped Gauss-Newton step inside the box.

        Clipping alone would leave the other joints counting on motion that never comes, and the solve
        stalls centimetres away; so a joint that meets its limit stays there and the rest solve again.
        """
        new_q = q + self._solve(jacobian, error, damping)
        base: Array = q
        free: Array | float = 1.0
        for _ in range(self.joints):
            if new_q in box:
                return new_q
            inside = box.clip(new_q)
            met = inside != new_q
            base, free = np.where(met, inside, base), np.where(met, 0.0, free)
            new_q = base + self._solve(jacobian * free, error - jacobian.dot(base - q), damping)
        return box.clip(new_q)

    def _solve(self, jacobian: Array, error: Array, damping: float) -> Array:
        np.dot(jacobian.T, jacobian, out=self._hessian)
        self._diagonal += damping
        step: Array = self._cholesky.compute(self._hessian).solve(error.dot(jacobian))
        return step


def _length(vector: Array) -> float:
    x, y, z = vector[:3].tolist()
    return math.hypot(x, y, z)


def frame_of(model: pin.Model, name: str) -> int:
    """Number of a frame. A link is meant before a joint: in the makers' older URDF both are called `gripper`."""
    found = [i for i, frame in enumerate(model.frames) if frame.name == name]
    if not found:
        raise UnknownNameError("target_frame_name", name, [frame.name for frame in model.frames])
    return next((i for i in found if model.frames[i].type == pin.FrameType.BODY), found[0])
