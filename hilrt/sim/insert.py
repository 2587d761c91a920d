"""A peg, and the socket that it belongs into."""

import mujoco
import numpy as np

from hilrt.sim.model import ARMS, CUBE, CUBE_SIDE, TABLE
from hilrt.sim.task import REACH, Array, Scene, grasping, miss, share

PEG_HEIGHT = 0.040  # [m]; it is as wide as a cube, so that the same jaw holds it
PLAY = 0.002  # [m], by which the hole is wider than the peg
SMOOTH = (
    0.5,
    0.01,
    0.0001,
)  # friction, with the pads too: what they stick to stays as askew as they caught it
UPRIGHT = 0.95  # cosine of a tilt that the hole leaves no room for
SIDES = 8  # of the hole
WALL = 0.006  # [m], thickness
STRAIGHT = 0.008  # [m], depth of the hole below its funnel
FUNNEL = 0.004  # [m], depth of the funnel, and how much it widens the hole to each side
RIM = STRAIGHT + FUNNEL  # [m], height above the table
GREY = (0.35, 0.38, 0.42, 1.0)


class Insert:
    """Lift a peg that stands on the table, and lower it into a socket beside the patch."""

    rest = PEG_HEIGHT / 2
    target = (0.22, 0.10)  # [m], base frame
    keep_off = (*target, 0.055)
    apart = None
    seated = 0.003  # [m], above the bottom of the hole

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:
        """Turn the cube into a peg, and put the socket up."""
        peg = spec.geom("cube")
        peg.type = mujoco.mjtGeom.mjGEOM_CYLINDER
        peg.size = (CUBE_SIDE / 2, PEG_HEIGHT / 2, 0.0)
        peg.friction, peg.priority = SMOOTH, 1
        for side in range(SIDES):
            _add_wall(spec, np.add(base, (*self.target, 0.0)), 2 * np.pi * side / SIDES)

    def achieved(self, scene: Scene) -> bool:
        """Down in the hole, not lying across it; held or not."""
        deep = float(scene.cube[2]) < self.rest + self.seated
        return deep and scene.upright > UPRIGHT and self.in_hole(scene.cube)

    def progress(self, ee: Array, opening: float, cube: Array) -> float:
        """A fifth each for reaching the peg and lifting it, the rest for bringing it there and down."""
        height = float(cube[2]) - self.rest
        up = 1.0 if self.in_hole(cube) else share(height, RIM)
        near = max(0.0, 1.0 - miss(cube, self.target) / REACH)
        down = 1.0 - share(height, RIM) if self.in_hole(cube) else 0.0
        return 0.2 * grasping(ee, opening, cube) + 0.2 * up + 0.3 * near + 0.3 * down

    def in_hole(self, cube: Array) -> bool:
        """Whether the peg's centre is above the hole, or in it."""
        return miss(cube, self.target) < PLAY / 2 + FUNNEL


def _add_wall(spec: mujoco.MjSpec, centre: Array, angle: float) -> None:
    """One side of the socket, at that angle about its axis [rad]: a wall, and on it a slope of the funnel."""
    inside = (CUBE_SIDE + PLAY) / 2
    half = np.tan(np.pi / SIDES) * (inside + WALL)
    frame = spec.worldbody.add_frame(pos=centre, euler=(0.0, 0.0, angle))
    solid = {
        "type": mujoco.mjtGeom.mjGEOM_BOX,
        "contype": TABLE,
        "conaffinity": sum(ARMS) | CUBE,
        "friction": (0.3, 0.005, 0.0001),
        "rgba": GREY,
    }
    wall = spec.worldbody.add_geom(
        pos=(inside + WALL / 2, 0.0, STRAIGHT / 2), size=(WALL / 2, half, STRAIGHT / 2), **solid
    )
    sunk = np.sqrt(0.5) * 0.0015
    slope = spec.worldbody.add_geom(
        pos=(inside + FUNNEL / 2 + sunk, 0.0, STRAIGHT + FUNNEL / 2 - sunk),
        quat=(np.cos(np.pi / 8), 0.0, -np.sin(np.pi / 8), 0.0),
        size=(np.sqrt(0.5) * FUNNEL, half, 0.0015),
        **solid,
    )
    for geom in (wall, slope):
        geom.set_frame(frame)
