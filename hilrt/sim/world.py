"""The simulated world: the physics of one or two arms, one cube, a task, and cameras that render on request."""

import logging
import warnings
from collections import deque
from typing import Self

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilrt.config import Area, SimArm, SimPictures, nature_of
from hilrt.errors import NoRoomError, UnknownNameError
from hilrt.resource import Resource
from hilrt.sim.layout import bases
from hilrt.sim.look import PLAIN, Look, furnish
from hilrt.sim.model import CAMERAS, FINGERS, STALL_CURRENT, STALL_TORQUE, build_spec, of_arm
from hilrt.sim.motors import UNLIMITED, Motors, Orders, joints_of
from hilrt.sim.nudge import Nudge
from hilrt.sim.patch import USUAL, Patch
from hilrt.sim.servo import IDEAL
from hilrt.sim.task import Scene
from hilrt.sim.tasks import LYING, find_task
from hilrt.sim.thing import OBJECT, OTHER, Thing
from hilrt.sim.thing import USUAL as USUAL_THING

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

# Tool straight down, jaw open, finger tip 7.4 cm above the middle of the patch; 2 cm higher and the
# wrist would be at its limit. Order as JOINTS.
START_POSE_DEG = (2.5, -7.5, 9.0, 88.5, -84.7, 50.0)

SUCCESS_HOLD = 0.5  # [s], how long the goal must hold without a break
LIFTED = 0.02  # [m], by which an object has left the table
CHUNK = 5  # physics steps between looks at the task and at the servos' set-points


class World(Resource):
    """One SO-100 on a table, or two. Joints come in the order of `model.JOINTS`, angles in rad; `arm` counts from 0.

    Deterministic: the same task, seed and calls give the same bits.

    Args:
        task: name of the task, see `tasks.TASKS`.
        seed: of the cube's first pose.
        arms: 1 or 2, standing as in `layout.bases`.
        nature: of their servos.
        patch: where the object is put.
        thing: what it is like, and what befalls it.
        pictures: what else is drawn of their looks when a scene is put up, or a world mirrored.

    Raises:
        UnknownNameError: no such task.
    """

    def __init__(
        self,
        task: str,
        seed: int,
        arms: int = 1,
        nature: SimArm = IDEAL,
        patch: Patch = USUAL,
        thing: Thing = USUAL_THING,
        pictures: SimPictures = PLAIN,
    ) -> None:
        self._task, self._patch = find_task(task, thing.scale), patch
        self._bases = bases(arms)
        self._nudge = Nudge(thing, patch, self._bases, self._task.keep_off)
        told = nature_of(nature)
        spec = build_spec(arms)
        for base in self._bases:
            self._task.furnish(spec, base)
        thing.shape(spec)
        furnish(spec, pictures)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._look = Look(self._model, pictures)
        self._renderers: dict[tuple[int, int], mujoco.Renderer] = {}
        self._painted: dict[tuple[int, int], int] = {}
        self._fingers = [[self._model.geom(of_arm(arm, f)).id for f in FINGERS] for arm in range(arms)]
        self._cube = self._model.body(OBJECT).id
        self._cube_geom = self._model.geom(OBJECT).id
        self._cube_velocity: Array = self._data.joint(OBJECT).qvel[:3]  # a view of MuJoCo's memory
        self._ee = [self._model.body(of_arm(arm, "gripper_frame_link")).id for arm in range(arms)]
        self._clock = 0.0
        self._steps = 0
        self._hold_steps = round(SUCCESS_HOLD / self._model.opt.timestep)
        self._goal_since: int | None = None
        start = np.tile(np.radians(START_POSE_DEG), arms)
        self._motors = Motors(self._model, self._data, told, start)
        self._latency_steps = round(told.camera_latency_ms * 1e-3 / self._model.opt.timestep)
        self._views: deque[tuple[int, Array]] = deque()
        self.place(seed)

    def place(self, seed: int, within: Area | None = None) -> None:
        """Put the object at a random pose in an arm's patch, at rest; the arms stay as they are.

        `within`: part of the table before that arm where it goes instead, unless it cannot lie there; then the log
        says so.

        Raises:
            NoRoomError: it can lie nowhere in the patch either.
        """
        try:
            placed = self._drawn(seed, within)
        except NoRoomError as error:
            if within is None:
                raise
            log.warning("%s This time it goes anywhere in the patch.", error)
            placed = self._drawn(seed, None)
        for name, pose in zip((OBJECT, OTHER), placed, strict=False):
            self._put(name, *pose)
        self._goal_since = None
        self._lifted = False
        self._seed, self._placed = seed, self._steps
        self._look.show(seed, 0)
        self._nudge.begin(seed)
        mujoco.mj_forward(self._model, self._data)
        self._views.clear()  # nobody has seen it come

    def _drawn(self, seed: int, within: Area | None) -> tuple[tuple[float, float, float], ...]:
        """Where the object goes, and one that is not meant; raises `NoRoomError`."""
        rng = np.random.default_rng(seed)
        if self._task.apart:
            return self._patch.draw_pair(rng, self._bases, self._task.apart, within)
        return (self._patch.draw(rng, self._bases, self._task.keep_off, within),)

    def _put(self, name: str, x: float, y: float, yaw: float) -> None:
        """An object on the table, at rest."""
        joint = self._data.joint(name)
        joint.qpos = (x, y, self._task.rest, np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))
        joint.qvel = np.zeros(6)

    def set_goals(
        self,
        goals: ArrayLike,
        torque_enabled: ArrayLike,
        velocity_limit: ArrayLike = UNLIMITED,
        torque_limit: ArrayLike = 1.0,
        acceleration: ArrayLike = UNLIMITED,
        *,
        p_gain: ArrayLike = 1.0,
        d_gain: ArrayLike = 1.0,
        supply: ArrayLike = 1.0,
        arm: int = 0,
    ) -> None:
        """Goal positions of one arm's servos, from the next step on; all as in `Orders`."""
        orders = Orders(
            goals, torque_enabled, velocity_limit, torque_limit, acceleration, p_gain, d_gain, supply
        )
        self._motors.order(arm, orders)

    def step(self, seconds: float) -> None:
        """Let that much time pass, to the nearest physics step; the rest is carried over [s]."""
        self._clock += seconds
        remaining = round(self._clock / self._model.opt.timestep) - self._steps
        while remaining > 0:
            count = min(CHUNK, remaining)
            self._motors.advance(count * self._model.opt.timestep)
            mujoco.mj_step(self._model, self._data, nstep=count)
            self._steps += count
            self._watch_goal()
            self._push()
            if self._latency_steps:
                self._be_seen()
            remaining -= count

    @property
    def time(self) -> float:
        """Simulated time asked for since the world was made [s]; physics is within half a step of it."""
        return self._clock

    def positions(self, arm: int = 0) -> Array:
        """Joint angles, shape (6,) [rad]."""
        return np.array(self._data.qpos[joints_of(arm)])

    def velocities(self, arm: int = 0) -> Array:
        """Joint velocities, shape (6,) [rad/s]."""
        return np.array(self._data.qvel[joints_of(arm)])

    def loads(self, arm: int = 0) -> Array:
        """Servo torques as a share of the stall torque, shape (6,), in [-1, 1]."""
        return np.array(self._data.qfrc_actuator[joints_of(arm)]) / STALL_TORQUE

    def currents(self, arm: int = 0) -> Array:
        """Servo currents, shape (6,) [A], estimated as proportional to torque."""
        return np.abs(self.loads(arm)) * STALL_CURRENT

    def object_pose(self) -> Array:
        """The cube as x, y, z, sin 4 yaw, cos 4 yaw, shape (5,), world frame [m].

        Four times the yaw, because a quarter turn of a cube is no turn: no jump anywhere, and the
        same whichever face is up.
        """
        rotation = self._data.xmat[self._cube].reshape(3, 3)
        upright = int(np.argmax(np.abs(rotation[2])))
        edge = rotation[:, (upright + 1) % 3]
        yaw = np.arctan2(edge[1], edge[0])
        return np.array([*self._data.xpos[self._cube], np.sin(4 * yaw), np.cos(4 * yaw)])

    def other_position(self) -> Array | None:
        """The object that is not meant, shape (3,), world frame [m]; None where there is none."""
        return np.array(self._data.body(OTHER).xpos) if self._task.apart else None

    def success(self) -> bool:
        """Whether the task's goal has held for `SUCCESS_HOLD` without a break."""
        return self._goal_since is not None and self._steps - self._goal_since >= self._hold_steps

    def progress(self, arm: int = 0) -> float:
        """How far along the task that arm is, from 0 to 1."""
        low, high = self._model.joint("gripper").range
        opening = (self.positions(arm)[-1] - low) / (high - low)
        ee = self._data.xpos[self._ee[arm]] - self._bases[arm]
        return self._task.progress(ee, float(opening), self._scene(arm).cube)

    def mirror(self, other: Self) -> None:
        """Look as a camera sees another world of the same task and arms, so that this one can be rendered in its place.

        That is as it was `camera_latency_ms` ago, or up to a chunk earlier.
        """
        steps, qpos = other._views[0] if other._views else (other._steps, other._data.qpos)
        np.copyto(self._data.qpos, qpos)
        self._look.show(other._seed, steps - other._placed)
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)

    def render(self, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """Picture from a camera of `model.CAMERAS`, shape (height, width, 3), RGB.

        `front` sees every arm's patch; `wrist` is on the first arm, the second has none.
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
        elif self._painted[height, width] != self._look.painted:
            renderer._gl_context.make_current()  # noqa: SLF001 - mujoco.Renderer has no other way
            mujoco.mjr_uploadTexture(self._model, renderer._mjr_context, 0)  # noqa: SLF001 - likewise
        self._painted[height, width] = self._look.painted
        renderer.update_scene(self._data, camera=camera)
        return self._look.develop(renderer.render(), self._model.camera(camera).id)

    def close(self) -> None:
        """Free the rendering contexts; the rest needs no freeing."""
        while self._renderers:
            self._renderers.popitem()[1].close()

    def __del__(self) -> None:
        if getattr(self, "_renderers", None):
            warnings.warn("World was not closed", ResourceWarning, source=self, stacklevel=2)

    def _be_seen(self) -> None:
        """Keep how everything stands until cameras have shown it."""
        self._views.append((self._steps, self._data.qpos.copy()))
        while len(self._views) > 1 and self._views[1][0] <= self._steps - self._latency_steps:
            self._views.popleft()

    def _watch_goal(self) -> None:
        # mj_step leaves contacts and poses of the last step's start; they are consistent with each
        # other, and one physics step old.
        self._lifted |= bool(self._data.xpos[self._cube][2] > self._task.rest + LIFTED)
        if not any(self._task.achieved(self._scene(arm)) for arm in range(len(self._bases))):
            self._goal_since = None
        elif self._goal_since is None:
            self._goal_since = self._steps

    def _push(self) -> None:
        """Push the object when that is due, if it lies on the table and nobody holds it."""
        if not self._nudge.due((self._steps - self._placed) * self._model.opt.timestep):
            return
        place = self._data.xpos[self._cube]
        held = any(self._scene(arm).held for arm in range(len(self._bases)))
        if place[2] < self._task.rest + LYING and not held:
            other = self.other_position()
            self._cube_velocity[:2] += self._nudge.velocity(place[:2], None if other is None else other[:2])

    def _scene(self, arm: int) -> Scene:
        pairs = self._data.contact.geom
        touching = pairs[(pairs == self._cube_geom).any(axis=1)]
        fingers = [bool((touching == finger).any()) for finger in self._fingers[arm]]
        return Scene(
            cube=self._data.xpos[self._cube] - self._bases[arm],
            cube_speed=float(np.linalg.norm(self._cube_velocity)),
            upright=float(self._data.xmat[self._cube][8]),
            held=all(fingers),
            touched=any(fingers),
            lifted=self._lifted,
        )
