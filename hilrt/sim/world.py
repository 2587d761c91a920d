"""The simulated world: the arm's physics, one cube, a task, and cameras that render on request."""

import warnings
from typing import Self

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilrt.errors import UnknownNameError
from hilrt.resource import Resource
from hilrt.sim.model import CAMERAS, FINGERS, JOINTS, STALL_CURRENT, STALL_TORQUE, build_spec
from hilrt.sim.tasks import CUBE_REST, Scene, draw_cube_pose, find_task

Array = NDArray[np.float64]

# Tool straight down, jaw open, finger tip 7.4 cm above the middle of the patch; 2 cm higher and the
# wrist would be at its limit. Order as JOINTS.
START_POSE_DEG = (2.5, -7.5, 9.0, 88.5, -84.7, 50.0)

SUCCESS_HOLD = 0.5  # [s], how long the goal must hold without a break
CHUNK = 5  # physics steps between looks at the task and at the servos' set-points


class World(Resource):
    """A simulated SO-100 on a table. Joints come in the order of `model.JOINTS`, angles in rad.

    Deterministic: the same task, seed and calls give the same bits.

    Args:
        task: name of the task, see `tasks.TASKS`.
        seed: of the cube's first pose.

    Raises:
        UnknownNameError: no such task.
    """

    def __init__(self, task: str, seed: int) -> None:
        self._task = find_task(task)
        spec = build_spec()
        self._task.furnish(spec)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._renderers: dict[tuple[int, int], mujoco.Renderer] = {}
        self._fingers = [self._model.geom(name).id for name in FINGERS]
        self._cube = self._model.body("cube").id
        self._cube_geom = self._model.geom("cube").id
        self._cube_velocity: Array = self._data.joint("cube").qvel[:3]  # a view of MuJoCo's memory
        self._ee = self._model.body("gripper_frame_link").id
        self._clock = 0.0
        self._steps = 0
        self._hold_steps = round(SUCCESS_HOLD / self._model.opt.timestep)
        self._goal_since: int | None = None
        self._goals: Array = np.radians(START_POSE_DEG)
        self._velocity_limit: Array = np.full(len(JOINTS), np.inf)
        self._data.qpos[: len(JOINTS)] = self._goals
        self._data.ctrl[:] = self._goals
        self.place(seed)

    def place(self, seed: int) -> None:
        """Put the cube at a random pose in the patch, at rest; the arm stays as it is."""
        x, y, yaw = draw_cube_pose(np.random.default_rng(seed))
        cube = self._data.joint("cube")
        cube.qpos = (x, y, CUBE_REST, np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))
        cube.qvel = np.zeros(6)
        self._goal_since = None
        mujoco.mj_forward(self._model, self._data)

    def set_goals(
        self,
        goals: ArrayLike,
        torque_enabled: ArrayLike,
        velocity_limit: ArrayLike = np.inf,
        torque_limit: ArrayLike = 1.0,
    ) -> None:
        """Goal positions of the servos, from the next step on.

        Args:
            goals: shape (6,) [rad].
            torque_enabled: shape (6,), bool; a servo without torque is limp.
            velocity_limit: shape (6,) or scalar [rad/s], of the servo's set-point on its way.
            torque_limit: shape (6,) or scalar, share of the stall torque a servo may use.
        """
        enabled = np.asarray(torque_enabled, dtype=bool)
        was_off = np.array([self._model.opt.disableactuator >> i & 1 for i in range(len(JOINTS))])
        # A servo that is switched on starts from where it is, not from an old set-point.
        np.copyto(self._data.ctrl, self.positions(), where=was_off.astype(bool))
        self._model.opt.disableactuator = int((~enabled) @ (1 << np.arange(len(JOINTS))))
        self._goals[:] = goals
        self._velocity_limit[:] = velocity_limit
        torque = STALL_TORQUE * np.broadcast_to(torque_limit, len(JOINTS))
        self._model.actuator_forcerange[:] = np.stack((-torque, torque), axis=1)

    def step(self, seconds: float) -> None:
        """Let that much time pass, to the nearest physics step; the rest is carried over [s]."""
        self._clock += seconds
        remaining = round(self._clock / self._model.opt.timestep) - self._steps
        while remaining > 0:
            count = min(CHUNK, remaining)
            self._move_set_points(count * self._model.opt.timestep)
            mujoco.mj_step(self._model, self._data, nstep=count)
            self._steps += count
            self._watch_goal()
            remaining -= count

    @property
    def time(self) -> float:
        """Simulated time asked for since the world was made [s]; physics is within half a step of it."""
        return self._clock

    def positions(self) -> Array:
        """Joint angles, shape (6,) [rad]."""
        return np.array(self._data.qpos[: len(JOINTS)])

    def velocities(self) -> Array:
        """Joint velocities, shape (6,) [rad/s]."""
        return np.array(self._data.qvel[: len(JOINTS)])

    def loads(self) -> Array:
        """Servo torques as a share of the stall torque, shape (6,), in [-1, 1]."""
        return np.array(self._data.qfrc_actuator[: len(JOINTS)]) / STALL_TORQUE

    def currents(self) -> Array:
        """Servo currents, shape (6,) [A], estimated as proportional to torque."""
        return np.abs(self.loads()) * STALL_CURRENT

    def object_pose(self) -> Array:
        """The cube as x, y, z, sin 4 yaw, cos 4 yaw, shape (5,), base frame [m].

        Four times the yaw, because a quarter turn of a cube is no turn: no jump anywhere, and the
        same whichever face is up.
        """
        rotation = self._data.xmat[self._cube].reshape(3, 3)
        upright = int(np.argmax(np.abs(rotation[2])))
        edge = rotation[:, (upright + 1) % 3]
        yaw = np.arctan2(edge[1], edge[0])
        return np.array([*self._data.xpos[self._cube], np.sin(4 * yaw), np.cos(4 * yaw)])

    def success(self) -> bool:
        """Whether the task's goal has held for `SUCCESS_HOLD` without a break."""
        return self._goal_since is not None and self._steps - self._goal_since >= self._hold_steps

    def progress(self) -> float:
        """How far along the task is, from 0 to 1."""
        low, high = self._model.joint("gripper").range
        opening = (self._data.joint("gripper").qpos[0] - low) / (high - low)
        return self._task.progress(self._data.xpos[self._ee], float(opening), self._data.xpos[self._cube])

    def mirror(self, other: Self) -> None:
        """Look like another world of the same task, so that this one can be rendered in its place."""
        np.copyto(self._data.qpos, other._data.qpos)
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)

    def render(self, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """Picture from a camera of `model.CAMERAS`, shape (height, width, 3), RGB.

        The first call makes the off-screen context; MUJOCO_GL must have been set before MuJoCo was
        imported.

        Raises:
            UnknownNameError: no such camera.
        """
        if camera not in CAMERAS:
            raise UnknownNameError("simulated camera", camera, CAMERAS)
        renderer = self._renderers.get((height, width))
        if renderer is None:
            renderer = mujoco.Renderer(self._model, height, width)
            self._renderers[height, width] = renderer
        renderer.update_scene(self._data, camera=camera)
        picture: NDArray[np.uint8] = renderer.render()
        return picture

    def close(self) -> None:
        """Free the rendering contexts; the rest needs no freeing."""
        while self._renderers:
            self._renderers.popitem()[1].close()

    def __del__(self) -> None:
        if getattr(self, "_renderers", None):
            warnings.warn("World was not closed", ResourceWarning, source=self, stacklevel=2)

    def _move_set_points(self, seconds: float) -> None:
        reach = self._velocity_limit * seconds
        self._data.ctrl += np.clip(self._goals - self._data.ctrl, -reach, reach)

    def _watch_goal(self) -> None:
        # mj_step leaves contacts and poses of the last step's start; they are consistent with each
        # other, and one physics step old.
        scene = Scene(
            cube=self._data.xpos[self._cube],
            cube_speed=float(np.linalg.norm(self._cube_velocity)),
            held=self._is_held(),
        )
        if not self._task.achieved(scene):
            self._goal_since = None
        elif self._goal_since is None:
            self._goal_since = self._steps

    def _is_held(self) -> bool:
        pairs = self._data.contact.geom
        touching = pairs[(pairs == self._cube_geom).any(axis=1)]
        return all((touching == finger).any() for finger in self._fingers)
