"""An arm's description as pinocchio has it, with the zero offsets of one arm in it."""

from os import PathLike

import numpy as np
import pinocchio as pin
from numpy.typing import ArrayLike, NDArray

from hilrt.errors import RobotModelError


def load_model(urdf_path: str | PathLike[str], zeros: ArrayLike = ()) -> "pin.Model":
    """Read a URDF.

    Offsets are turned into the joints' places, so that whatever is computed on the model has them: it takes and gives
    angles as the calibration does, limits too.

    Args:
        urdf_path: the arm's description.
        zeros: what is added to the angles of the first joints, one each, to make them the description's [rad].

    Raises:
        RobotModelError: the file cannot be read.
    """
    try:
        model = pin.buildModelFromUrdf(str(urdf_path))
    except ValueError as error:
        raise RobotModelError(str(urdf_path), str(error)) from error
    shift = np.zeros(model.nq)
    shift[: np.size(zeros)] = np.asarray(zeros)[: model.nq]
    if shift.any():
        _shift(model, shift)
    return model


def _shift(model: "pin.Model", zeros: NDArray[np.float64]) -> None:
    for number, joint in list(enumerate(model.joints))[1:]:
        turned = joint.createData()
        joint.calc(turned, zeros)
        model.jointPlacements[number] = model.jointPlacements[number] * turned.M
    model.lowerPositionLimit -= zeros
    model.upperPositionLimit -= zeros
