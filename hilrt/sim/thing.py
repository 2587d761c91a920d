"""What the object of a task is like, and what befalls it."""

from typing import NamedTuple

import mujoco
import numpy as np

from hilrt.config import Config, Sim

OBJECT = "cube"
"""The object's body, joint and geom in the model, whatever it is."""
OTHER = "other"
"""The same of another one that is not meant, where there is one."""
LONG_S = 60.0
"""A nudge does not wait for a share of more than that: where one drives by hand, an episode may last a day [s]."""


class Thing(NamedTuple):
    """The object of a task, other than usual."""

    scale: float = Sim().object_scale
    """Its size, as a multiple of the usual."""
    mass: float = Sim().object_mass
    """[kg]"""
    nudge: float = Sim().nudge_mm * 1e-3
    """How far it is pushed once in each scene; 0: never [m]."""
    nudged_s: tuple[float, float] = (0.0, 0.0)
    """Between when, after it was put [s]."""

    def shape(self, spec: mujoco.MjSpec) -> None:
        """Make the scene's object so large and so heavy, and the one that is not meant alike."""
        for geom in filter(None, map(spec.geom, (OBJECT, OTHER))):
            geom.size = np.multiply(geom.size, self.scale)
            geom.mass = self.mass


USUAL = Thing()


def thing_of(config: Config) -> Thing:
    """As the task file has it."""
    sim, limit_s = config.sim or Sim(), min(config.processor.reset.control_time_s, LONG_S)
    return Thing(sim.object_scale, sim.object_mass, sim.nudge_mm * 1e-3, (0.1 * limit_s, 0.5 * limit_s))
