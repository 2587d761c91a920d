"""Forward and inverse kinematics of the arm, on pinocchio; this file alone knows it."""

from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pinocchio as pin
from numpy.typing import ArrayLike, NDArray

from hilrt.errors import RobotModelError, UnknownNameError

Array = NDArray[np.float64]

POSITION_TOLERANCE = 5e-4  # [m], what counts as reached
JOINT_TOLERANCE = 3e-4  # [rad], a smaller iteration step ends the solve
MAX_ITERATIONS = 25
MIN_DAMPING = 1e-7  # [m2/rad2]


class IkResult(NamedTuple):
    """Joint angles (n,) [rad], what is left of the position error [m], and whether that is small."""

    q: Array
    position_error: float
    converged: bool


class Kinematics:
    """Kinematics of the serial chain from the URDF's base to one frame.

    Not safe to share between threads: work arrays are reused from call to call.

    Args:
        urdf_path: the arm's description.
        frame: end-effector frame; the n joints that carry it are the ones solved for.
        orientation_weight: [m/rad], how many metres of position error one radian is worth. Small, so
            that an arm with five joints gives up orientation and not position; 0 ignores orientation.
        max_step: largest change of a joint from `q_start` in one `inverse` [rad].

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
    ) -> None:
        self._model = _load(Path(urdf_path))
        self._data = self._model.createData()
        if not self._model.existFrame(frame):
            raise UnknownNameError("frame", frame, [f.name for f in self._model.frames])
        self._frame = self._model.getFrameId(frame)
        # Joints are numbered from 1 along the chain, so the frame's own joint counts them.
        self.joints = int(self._model.frames[self._frame].parentJoint)
        self.lower: Array = np.array(self._model.lowerPositionLimit[: self.joints])
        self.upper: Array = np.array(self._model.upperPositionLimit[: self.joints])
        self._weight = orientation_weight
        self._max_step = max_step
        self._q: Array = np.zeros(self._model.nq)
        self._eye: Array = np.eye(self.joints)

    def forward(self, q: ArrayLike) -> Array:
        """Pose T_base_ee, shape (4, 4) [m], of joint angles (n,) or longer [rad]."""
        self._q[: self.joints] = np.asarray(q)[: self.joints]
        pin.framesForwardKinematics(self._model, self._data, self._q)
        return np.array(self._data.oMf[self._frame].homogeneous)

    def inverse(self, q_start: ArrayLike, T_target: Array) -> IkResult:  # noqa: N803 (a transform)
        """Joint angles that bring the frame to `T_target`, as near to `q_start` as that allows.

        Levenberg-Marquardt from the damping of Sugihara (IEEE T-RO 27(5), 2011): no jump at a singularity
        or where the target is out of reach. Limits hold inside the iteration: a joint that pushes against
        one is left out of the step.
        Position comes first: where orientation would keep it from being reached, orientation gives way.

        Args:
            q_start: joint angles, shape (n,) or longer [rad]; outside the limits is brought inside.
            T_target: wanted pose, shape (4, 4), base frame [m].
        """
        whole = self._solve(q_start, T_target, self._weight)
        if whole.converged or not self._weight:
            return whole
        position_only = self._solve(q_start, T_target, 0.0)
        return min(whole, position_only, key=lambda result: result.position_error)

    def _solve(self, q_start: ArrayLike, T_target: Array, weight: float) -> IkResult:  # noqa: N803
        n = self.joints
        q = self._q[:n]
        np.clip(np.asarray(q_start)[:n], self.lower, self.upper, out=q)
        low = np.maximum(self.lower, q - self._max_step)
        high = np.minimum(self.upper, q + self._max_step)
        error, jacobian = self._linearise(T_target, weight)
        cost = float(error @ error)
        damping = MIN_DAMPING + 0.01 * cost
        for _ in range(MAX_ITERATIONS):
            before = q.copy()
            step = self._step(error, jacobian, damping, low - q, high - q)
            np.clip(q + step, low, high, out=q)
            new_error, new_jacobian = self._linearise(T_target, weight)
            new_cost = float(new_error @ new_error)
            small = max(step.max(), -step.min()) < JOINT_TOLERANCE
            if new_cost > cost:
                # Without this, a soft orientation makes the solve circle around the limits for ever.
                q[:] = before
                damping *= 10.0
            else:
                error, jacobian, cost = new_error, new_jacobian, new_cost
                damping = max(MIN_DAMPING, 0.1 * damping)
            if small:
                break
        miss = float(np.sqrt(error[:3] @ error[:3]))
        return IkResult(q.copy(), miss, miss < POSITION_TOLERANCE)

    def _linearise(self, T_target: Array, weight: float) -> tuple[Array, Array]:  # noqa: N803
        """Weighted error (6,) at the current joints, and its Jacobian (6, n)."""
        jacobian: Array = pin.computeFrameJacobian(
            self._model, self._data, self._q, self._frame, pin.LOCAL_WORLD_ALIGNED
        )[:, : self.joints]
        pose = self._data.oMf[self._frame]
        error = np.empty(6)
        error[:3] = T_target[:3, 3] - pose.translation
        error[3:] = pin.log3(T_target[:3, :3] @ pose.rotation.T)
        error[3:] *= weight
        jacobian[3:] *= weight
        return error, jacobian

    def _step(self, error: Array, jacobian: Array, damping: float, low: Array, high: Array) -> Array:
        """Damped Gauss-Newton step between `low` and `high`.

        Clipping alone would leave the other joints counting on motion that never comes, and the solve
        stalls centimetres away; so a joint that meets its bound stays there and the rest solve again.
        """
        hessian = jacobian.T @ jacobian + damping * self._eye
        gradient = error @ jacobian
        step: Array = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        outside = (step < low) | (step > high)
        fixed = outside
        while outside.any():
            free = ~fixed
            step[fixed] = np.clip(step, low, high)[fixed]
            pull = gradient[free] - hessian[np.ix_(free, fixed)] @ step[fixed]
            step[free] = np.linalg.solve(hessian[np.ix_(free, free)], pull)
            outside = free & ((step < low) | (step > high))
            fixed = fixed | outside
        return step


def _load(path: Path) -> "pin.Model":
    try:
        return pin.buildModelFromUrdf(str(path))
    except ValueError as error:
        raise RobotModelError(str(path), str(error)) from error
