"""The motors of simulated servos: goals and gains in, torques of the physics out.

A servo asks its motor for torque in proportion to its error beyond the dead zone, less what D takes off for speed, and
no more than TORQUE_LIMIT has. What the motor generates as it turns takes off the rest by and by, so that nothing is
left at its no-load speed; it is most of the joint's damping in the URDF. Each time the torque turns round, the motor
crosses the play of the gears before it pushes. The encoder is on the output shaft: it sees the play.
"""

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilrt.config import Nature
from hilrt.sim.model import JOINTS, STALL_TORQUE

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

UNLIMITED = 1e9  # [rad/s], [rad/s2]
BEARING = 0.1
"""Share of a joint's damping and friction that stays while its motor is within its play: the rest is the gears'."""


class Orders(NamedTuple):
    """What an arm's servos go by, each shape (6,) or scalar."""

    goals: ArrayLike
    """[rad]."""
    torque_enabled: ArrayLike
    """Bool; a servo without torque is limp."""
    velocity_limit: ArrayLike = UNLIMITED
    """[rad/s], of the servo's set-point on its way."""
    torque_limit: ArrayLike = 1.0
    """Share of the stall torque that a servo may use."""
    acceleration: ArrayLike = UNLIMITED
    """[rad/s2], of the set-point."""
    p_gain: ArrayLike = 1.0
    """P_COEFFICIENT, as a share of the 16 that is written at start-up."""
    d_gain: ArrayLike = 1.0
    """D_COEFFICIENT, as a share of the 32 that is written at start-up."""
    supply: ArrayLike = 1.0
    """Voltage, as a share of the 12 V at which the motor has its stall torque."""


class Motors:
    """Those of all arms of a world, in the order of MuJoCo's joints and actuators.

    Args:
        model: of the scene; its gains are set here.
        data: its state.
        nature: of the servos.
        start: angles at which the joints are, shape (joints,) [rad].
    """

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, nature: Nature, start: Array) -> None:
        self._model, self._data = model, data
        self._stiffness, self._damping, self._lag_s = nature.stiffness, nature.damping, nature.lag_s
        self._dead_zone = np.radians(nature.dead_zone_deg)
        self._half_play = np.radians(nature.play_deg) / 2
        n = start.size
        self._angles: Array = data.qpos[:n]  # these are views of MuJoCo's memory
        self._speeds: Array = data.qvel[:n]
        self._limit: Array = model.actuator_forcerange[:, 1]
        self._damped: Array = model.dof_damping[:n]
        self._rubbing: Array = model.dof_frictionloss[:n]
        self._slope, self._friction = (
            self._damped.copy(),
            self._rubbing.copy(),
        )  # of gears and bearing together
        self.goals: Array = start.copy()
        self._lagging: Array = start.copy()
        self._velocity_limit: Array = np.full(n, UNLIMITED)
        self._acceleration: Array = self._velocity_limit.copy()
        self._velocity: Array = np.zeros(n)
        self._p: Array = np.full(n, nature.stiffness)  # [N m/rad]
        self._d: Array = np.full(n, nature.damping)  # [N m s/rad]
        self._on: Bools = np.ones(n, dtype=bool)
        self._ahead: Array = np.zeros(n)  # of the motor, from the middle of its play [rad]
        self._angles[:] = start
        data.ctrl[:] = start

    def order(self, arm: int, orders: Orders) -> None:
        """From now on that arm's servos go by these."""
        joints, bits = joints_of(arm), 1 << np.arange(len(JOINTS)) + arm * len(JOINTS)
        off = self._model.opt.disableactuator
        # A servo that is switched on starts from where it is, not from an old set-point.
        fresh = (off & bits).astype(bool)
        for set_point in (self._data.ctrl, self._lagging):
            np.copyto(set_point[joints], self._angles[joints], where=fresh)
        np.copyto(self._velocity[joints], 0.0, where=fresh)
        self._on[joints] = orders.torque_enabled
        self._model.opt.disableactuator = int(off & ~bits.sum() | ~self._on[joints] @ bits)
        self.goals[joints] = orders.goals
        self._velocity_limit[joints] = orders.velocity_limit
        self._acceleration[joints] = orders.acceleration
        supply = np.asarray(orders.supply)
        self._p[joints] = self._stiffness * np.asarray(orders.p_gain) * supply
        self._d[joints] = self._damping * np.asarray(orders.d_gain) * supply
        torque = np.broadcast_to(STALL_TORQUE * np.asarray(orders.torque_limit) * supply, len(JOINTS))
        self._model.actuator_forcerange[joints] = np.stack((-torque, torque), axis=1)

    def advance(self, seconds: float) -> None:
        """Set-points and torques for the next so many seconds of physics."""
        self._move_set_points(seconds)
        if self._dead_zone or self._half_play:
            self._transmit(seconds)
        else:
            self._act(self._p, self._d, 0.0)

    def _move_set_points(self, seconds: float) -> None:
        """Towards the goals as fast as servos may, and no faster than they can stop there."""
        goals = self.goals
        if self._lag_s:
            self._lagging += (goals - self._lagging) * (1.0 - np.exp(-seconds / self._lag_s))
            goals = self._lagging
        way = goals - self._data.ctrl
        stopping = np.sqrt(2.0 * self._acceleration * np.abs(way))
        wanted = np.sign(way) * np.minimum(self._velocity_limit, stopping)
        change = self._acceleration * seconds
        velocity = np.minimum(np.maximum(wanted, self._velocity - change), self._velocity + change)
        arrives = (velocity * way >= 0.0) & (np.abs(velocity) * seconds >= np.abs(way))
        step = np.where(arrives, way, velocity * seconds)
        self._velocity = step / seconds
        self._data.ctrl += step

    def _transmit(self, seconds: float) -> None:
        """None of the servos' torque reaches the joints inside the dead zone, or while the motor crosses the play."""
        error = self._data.ctrl - self._angles
        unseen = within(error, self._dead_zone)
        works = error != unseen
        if self._half_play:
            torque = self._p * (error - unseen) - self._d * self._speeds
            works &= self._couple(torque * (works & self._on), seconds)
        p, d = self._p * works, self._d * works
        self._act(p, d, -p * unseen)

    def _couple(self, torque: Array, seconds: float) -> Bools:
        """Move the motors within their play; whether each is at its end, against its joint.

        Without inertia, a motor runs there at the speed at which its torque is used up; the gears' friction holds it.
        """
        torque = within(torque, self._limit)
        runs = (torque - within(torque, self._friction)) / self._slope
        self._ahead = within(self._ahead + (runs - self._speeds) * seconds, self._half_play)
        coupled: Bools = np.abs(self._ahead) >= self._half_play
        share = BEARING + (1.0 - BEARING) * coupled
        np.multiply(self._slope, share, out=self._damped)
        np.multiply(self._friction, share, out=self._rubbing)
        return coupled

    def _act(self, p: Array, d: Array, constant: ArrayLike) -> None:
        """Torque = p (set-point - angle) - d speed + constant, until told otherwise."""
        self._model.actuator_gainprm[:, 0] = p
        bias = self._model.actuator_biasprm
        bias[:, 0], bias[:, 1], bias[:, 2] = constant, -p, -d


def within(value: Array, limit: Array | float) -> Array:
    """Cut to -limit .. limit."""
    return np.minimum(np.maximum(value, -limit), limit)


def joints_of(arm: int) -> slice:
    """That arm's part of MuJoCo's arrays."""
    return slice(arm * len(JOINTS), (arm + 1) * len(JOINTS))
