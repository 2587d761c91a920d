"""How far a gripper that is tilted reaches below its end effector, of which alone the workspace box knows."""

import itertools
import logging
from os import PathLike
from pathlib import Path

import numpy as np
import pinocchio as pin
from numpy.typing import ArrayLike

from hilrt.control.collision import load_shapes
from hilrt.control.tick import Float64
from hilrt.errors import RobotModelError
from hilrt.robots.kinematics import frame_of
from hilrt.robots.model import load_model

log = logging.getLogger(__name__)

SLACK = 0.001
"""So far a gripper may reach below the floor [m]: a tool that is nearly upright is no reason to stay higher."""


class Underside:
    """The gripper's lowest corner, wherever its joints are; its shapes are those of the collision check.

    A frame that is not at the tips has them below it upright, too: what counts is what a tilt adds to that.
    Not safe to share between threads: work arrays are reused from call to call.
    """

    def __init__(self, urdf_path: str | PathLike[str], frame: str, zeros: ArrayLike = ()) -> None:
        """`frame`: the end effector's; `zeros`: see `load_model`.

        A description without simple shapes tells nothing: then only the end effector counts.
        """
        try:
            self._model, shapes = load_shapes(Path(urdf_path), zeros)
        except RobotModelError as error:
            log.info("the floor holds for the end effector alone: %s", error)
            self._model, shapes = load_model(urdf_path, zeros), pin.GeometryModel()
        self._data = self._model.createData()
        end = self._model.frames[frame_of(self._model, frame)]
        self._hand, self._end = int(end.parentJoint), end.placement.translation
        corners: dict[int, list[Float64]] = {}
        for shape in shapes.geometryObjects:
            if shape.parentJoint >= self._hand:
                corners.setdefault(int(shape.parentJoint), []).append(_corners(shape))
        self._corners = {joint: np.concatenate(found) for joint, found in corners.items()}
        self._upright = self._beyond()

    def below(self, joints: Float64) -> float:
        """By how much the floor has to be higher for the gripper that is so tilted [m], of joints (6,) [rad]."""
        pin.forwardKinematics(self._model, self._data, joints[: self._model.nq])
        end = self._data.oMi[self._hand].act(self._end)[2]
        lowest = min((self._height(joint, c) for joint, c in self._corners.items()), default=end)
        return max(0.0, float(end - lowest) - self._upright - SLACK)

    def _height(self, joint: int, corners: Float64) -> float:
        placement = self._data.oMi[joint]
        return float((corners @ placement.rotation[2]).min() + placement.translation[2])

    def _beyond(self) -> float:
        """How far the gripper reaches beyond the end effector along the axis that the tool rolls about [m]."""
        q, hand = pin.neutral(self._model), self._hand
        axis = pin.computeJointJacobian(self._model, self._data, q, hand)[3:, hand - 1]
        pin.forwardKinematics(self._model, self._data, q)
        to_hand = self._data.oMi[hand].inverse()
        along = [
            (to_hand * self._data.oMi[joint]).act(corner) @ axis
            for joint, corners in self._corners.items()
            for corner in corners
        ]
        if not along:
            return 0.0
        end, away = self._end @ axis, np.sign(np.mean(along))
        return float(max(away * (place - end) for place in along))


def _corners(shape: "pin.GeometryObject") -> Float64:
    """Of the box around a shape, in the frame of its joint, shape (8, 3) [m]."""
    shape.geometry.computeLocalAABB()
    bounds = shape.geometry.aabb_local
    ends = zip(bounds.min_, bounds.max_, strict=True)
    return np.array([shape.placement.act(np.array(corner)) for corner in itertools.product(*ends)])
