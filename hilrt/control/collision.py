"""How far the arm is from itself and from the table, on simple shapes; pinocchio moves them, coal measures."""

import itertools
import logging
import math
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pinocchio as pin
from numpy.typing import ArrayLike, NDArray

from hilrt.config import MOTORS
from hilrt.errors import RobotModelError
from hilrt.robots import SO100_URDF
from hilrt.robots.model import load_model
from hilrt.robots.shapes import BOXES, CAPSULES, Box, Capsule

log = logging.getLogger(__name__)

TABLE = "table"
SHAPES_TAKEN = "The check takes boxes, cylinders and spheres."
FIRST_GUESS = np.array((1.0, 0.0, 0.0))
SAMPLES = 200  # poses in which two links must all overlap to count as built into each other


class Clearance(NamedTuple):
    """Smallest distance [m], the depth of penetration when negative, and the two links it is between."""

    distance: float
    first: str
    second: str


class Collisions:
    """Distance of the arm from itself and from a table under it.

    Two links joined by a joint are not checked against each other, nor the table against what stands on
    it: base and the link that the first joint turns.
    The SO-100's shapes are rounder than its links: folded flat, to its joint limits, it penetrates itself
    by 2 cm here. A caller that stops motion must let the arm out of there.
    Not safe to share between threads: work arrays are reused from call to call.

    Args:
        urdf_path: the arm's description; boxes, cylinders and spheres of its `<collision>` elements are
            used, but for the shipped SO-100 `robots.shapes`.
        table_height: of the table's surface in the base frame [m]; None is no table.
        itself: whether the arm's links are checked against each other.
        zeros: the joints' zero offsets [rad]; see `load_model`.

    Raises:
        RobotModelError: the file cannot be read, has no simple shapes, or none that could meet.
    """

    def __init__(
        self,
        urdf_path: str | PathLike[str],
        *,
        table_height: float | None = None,
        itself: bool = True,
        zeros: ArrayLike = (),
    ) -> None:
        path = Path(urdf_path)
        self._model, self._shapes = load_shapes(path, zeros)
        self._data = self._model.createData()
        self._q: NDArray[np.float64] = np.zeros(self._model.nq)
        self._links = [self._model.frames[shape.parentFrame].name for shape in self._shapes.geometryObjects]
        if itself:
            self._pair_links()
        if table_height is not None:
            self._pair_table(table_height)
        self._pairs = [(self._links[p.first], self._links[p.second]) for p in self._shapes.collisionPairs]
        if not self._pairs:
            raise RobotModelError(str(path), "it has no two shapes to check against each other")
        self._allocate()

    def clearance(self, joints: ArrayLike) -> Clearance:
        """Where the arm is nearest to itself or to the table.

        Args:
            joints: angles, shape (6,), order of MOTORS [rad]; one that is not finite gives -inf.
        """
        self._q[:] = np.asarray(joints)[: len(self._q)]
        if not math.isfinite(self._q.sum()):
            # coal would answer 0 or NaN, and a NaN is below no limit.
            return Clearance(-math.inf, *self._pairs[0])
        nearest = self._measure()
        return Clearance(self._distances.distanceResults[nearest].min_distance, *self._pairs[nearest])

    def _allocate(self) -> None:
        """Room for the results of the pairs there are now."""
        self._distances = self._shapes.createData()
        self._requests = list(self._distances.distanceRequests)

    def _measure(self) -> int:
        """Measure all pairs at the current joints; the nearest one's index."""
        for request in self._requests:
            # coal starts from its last answer, and ends a few bits elsewhere: no replay would be exact.
            request.cached_gjk_guess = FIRST_GUESS
        return int(pin.computeDistances(self._model, self._data, self._shapes, self._distances, self._q))

    def _pair_links(self) -> None:
        parents = self._model.parents
        on = [shape.parentJoint for shape in self._shapes.geometryObjects]
        for a, b in itertools.combinations(range(len(on)), 2):
            if on[a] != on[b] and parents[on[a]] != on[b] and parents[on[b]] != on[a]:
                self._shapes.addCollisionPair(pin.CollisionPair(a, b))
        for pair in self._built_in():
            log.info(
                "%s and %s always overlap: not checked", self._links[pair.first], self._links[pair.second]
            )
            self._shapes.removeCollisionPair(pair)

    def _built_in(self) -> "list[pin.CollisionPair]":
        """Pairs that overlap in every one of many poses: their shapes were drawn so."""
        pairs = list(self._shapes.collisionPairs)
        self._allocate()
        low, high = self._model.lowerPositionLimit, self._model.upperPositionLimit
        for pose in np.random.default_rng(0).uniform(low, high, (SAMPLES, len(low))):
            self._q[:] = pose
            self._measure()
            results = zip(self._shapes.collisionPairs, self._distances.distanceResults, strict=True)
            apart = [pair for pair, result in results if result.min_distance > 0]
            pairs = [pair for pair in pairs if pair not in apart]
            if not pairs:
                break
        return pairs

    def _pair_table(self, height: float) -> None:
        surface = pin.coal.Halfspace(np.array((0.0, 0.0, 1.0)), height)
        table = self._shapes.addGeometryObject(pin.GeometryObject(TABLE, 0, 0, pin.SE3.Identity(), surface))
        self._links.append(TABLE)
        for index, shape in enumerate(self._shapes.geometryObjects):
            if shape.parentJoint > 1:
                self._shapes.addCollisionPair(pin.CollisionPair(index, table))


def load_shapes(path: Path, zeros: ArrayLike) -> "tuple[pin.Model, pin.GeometryModel]":
    """An arm and its simple shapes; arguments and errors as of `Collisions`."""
    model = load_model(path, zeros)
    if path.resolve() == SO100_URDF.resolve():
        return model, _so100_shapes(model)
    try:
        shapes = pin.buildGeomFromUrdf(model, str(path), pin.GeometryType.COLLISION)
    except ValueError as error:
        raise RobotModelError(str(path), f"{error} {SHAPES_TAKEN}") from error
    problem = _problem(model, shapes)
    if problem:
        raise RobotModelError(str(path), problem)
    return model, shapes


def _problem(model: "pin.Model", shapes: "pin.GeometryModel") -> str:
    """What keeps a description from being checked; empty if nothing does."""
    if model.nq != model.nv or model.nq > len(MOTORS):
        return f"its joints must have limits and be, in this order, {', '.join(MOTORS)}"
    if not shapes.ngeoms:
        return f"no link has a <collision> element. {SHAPES_TAKEN}"
    for shape in shapes.geometryObjects:
        if shape.geometry.getObjectType() != pin.coal.OBJECT_TYPE.OT_GEOM:
            link = model.frames[shape.parentFrame].name
            return f"the <collision> of {link} is a mesh. {SHAPES_TAKEN}"
    return ""


def _so100_shapes(model: "pin.Model") -> "pin.GeometryModel":
    shapes = pin.GeometryModel()
    parts = [(part.link, *_capsule(part)) for part in CAPSULES] + [(part.link, *_box(part)) for part in BOXES]
    for number, (link, placement, geometry) in enumerate(parts):
        index = model.getFrameId(link, pin.FrameType.BODY)
        frame = model.frames[index]
        on_joint = frame.placement * placement
        shapes.addGeometryObject(
            pin.GeometryObject(f"{link}_{number}", frame.parentJoint, index, on_joint, geometry)
        )
    return shapes


def _capsule(part: Capsule) -> "tuple[pin.SE3, pin.coal.Capsule]":
    start, end = np.array(part.start), np.array(part.end)
    turn = pin.Quaternion.FromTwoVectors(np.array((0.0, 0.0, 1.0)), end - start)
    length = float(np.linalg.norm(end - start))
    return pin.SE3(turn.matrix(), (start + end) / 2), pin.coal.Capsule(part.radius, length)


def _box(part: Box) -> "tuple[pin.SE3, pin.coal.Box]":
    placement = pin.SE3(pin.utils.rotate("z", part.turn), np.array(part.centre))
    return placement, pin.coal.Box(*(2 * side for side in part.half))
