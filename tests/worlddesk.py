"""A desk whose arm has weight: simulated joints, servos and a held cube that outlive the run, and tell what was so."""

from typing import NamedTuple

import mujoco
import numpy as np
from armdesk import Desk
from drive import STAY, grip_the_cube

from hilrt.config import SimArm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.devices.holding import GRIP_LEAD, GRIP_TORQUE
from hilrt.devices.startup import FOLLOWER
from hilrt.sim.arm import SimFollower
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.world import World

LIFT = 0.05
"""The height at which the run finds the cube [m]."""
LONGEST_S = 0.02
"""Physics goes on in no larger steps, as in the simulator."""
BOX = mujoco.mjtGeom.mjGEOM_BOX


class Moment(NamedTuple):
    """The truth at one instant."""

    joints: np.ndarray
    speed: float
    """Of the fastest joint [rad/s]."""
    load: float
    """Of the gripper, share of its full torque."""


class WorldDesk(Desk):
    """Serves one simulated arm of `nature` that holds the cube in the air, as a run before may have left it.

    Real time passes as long as it is open; `pass_time` lets much pass at once.
    """

    def __init__(self, folder, calibration, nature=None):
        nature = nature or SimArm()
        self.world = World("pick_lift", 0, nature=nature)
        driver = grip_the_cube(self.world)
        while driver.pose[2, 3] < LIFT:
            driver.act((0.0, 0.0, 0.5), STAY)
        self._spare = PseudoTerminal()
        self.follower = SimFollower(self.world, 0, Calibration.load(calibration), self._spare, nature)
        super().__init__(folder, calibration, self.follower._bank.servos)
        self.start = driver.goals
        self.seen = []
        self._set_up(np.append(driver.goals[:5], self.world.positions()[5]))
        self.pass_time(1.0)
        self.seen.clear()

    def _set_up(self, goals):
        """Servos as hilrt leaves them."""
        counts = self.calibration.counts(goals).tolist()
        for number, (servo, goal) in enumerate(zip(self.servos, counts, strict=True)):
            gripper = number == len(counts) - 1
            for register, value in (
                FOLLOWER.every | (FOLLOWER.gripper if gripper else FOLLOWER.joints)
            ).items():
                servo.put(register, value)
            servo.put(Register.GOAL_POSITION, goal - GRIP_LEAD * gripper)
            servo.put(Register.TORQUE_ENABLE, 1)
        servo.put(Register.TORQUE_LIMIT, GRIP_TORQUE)

    def _move(self, seconds):
        while seconds > 0:
            self.follower.drive()
            self.world.step(min(seconds, LONGEST_S))
            self.follower.measure()
            speed, load = np.abs(self.world.velocities()).max(), abs(self.world.loads()[5])
            self.seen.append(Moment(self.joints, float(speed), float(load)))
            seconds -= LONGEST_S

    def pass_time(self, seconds):
        """At once: nobody is at the wire."""
        with self._lock:
            self._move(seconds)

    @property
    def joints(self):
        """Where the arm is, shape (6,) [rad]."""
        return self.world.positions()

    @property
    def torque(self):
        """Of each motor, 1 or 0."""
        return self.held(Register.TORQUE_ENABLE)

    @property
    def grips(self):
        """Whether both fingers are at the cube, and it is not on the table."""
        with self._lock:
            scene = self.world._scene(0)
            return scene.held and scene.cube[2] > 0.02

    def overload(self, *motors):
        """These protect themselves: a fifth of their torque is left, until it is switched off and on."""
        with self._lock:
            for motor in motors:
                self.servos[motor - 1].put(Register.STATUS, Fault.OVERLOAD)

    def lowest(self, joints):
        """Height of the lowest point of any link that moves, at joints (6,) [rad], over the table [m]."""
        model, data = self.world._model, mujoco.MjData(self.world._model)
        data.qpos[:6] = joints
        mujoco.mj_kinematics(model, data)
        fixed = {model.body(name).id for name in ("world", "base_link", "cube")}
        heights = []
        for geom in np.flatnonzero([body not in fixed for body in model.geom_bodyid]):
            size, up = model.geom_size[geom], np.abs(data.geom_xmat[geom][6:])
            reach = up @ size if model.geom_type[geom] == BOX else size[0] + up[2] * size[1]
            heights.append(data.geom_xpos[geom][2] - reach)
        return min(heights)

    def __exit__(self, *details):
        super().__exit__(*details)
        self._spare.close()
        self.world.close()
