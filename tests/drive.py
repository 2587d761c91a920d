"""Drives a simulated arm as the control process does: steps, inverse kinematics, servo goals."""

from typing import NamedTuple

import mujoco
import numpy as np

from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.sim.expert import ORDINARY, Expert, Tool
from hilrt.sim.layout import bases
from hilrt.sim.skills import CLOSE, OPEN, STAY
from hilrt.sim.task import CUBE_REST
from hilrt.sim.world import START_POSE_DEG, World

BOX = ((0.15, -0.11, 0.005), (0.31, 0.17, 0.12))
JAW_STEP = {CLOSE: -1.0, OPEN: 1.0}
ALL = [True] * 6


class Driver:
    """One arm in one world at one rate; positions are in the frame of its base."""

    def __init__(self, world: World, fps: float = 10.0, arm: int = 0, arms: int = 1) -> None:
        self.world, self.fps, self.arm = world, fps, arm
        self.base = bases(arms)[arm]
        self.max_step = np.pi / fps
        self.kinematics = Kinematics(SO100_URDF, max_step=self.max_step)
        self.goals = np.radians(START_POSE_DEG)
        self.pose = self.kinematics.forward(self.goals)

    def go_home(self, seed: int) -> None:
        """Arm to the start pose, cube to a new place."""
        self.goals = np.radians(START_POSE_DEG)
        self.world.set_goals(self.goals, ALL, arm=self.arm)
        self.world.step(1.0)
        self.world.place(seed)
        self.pose = self.kinematics.forward(self.goals)

    @property
    def ee(self) -> np.ndarray:
        """Measured end-effector position [m]."""
        return self.kinematics.forward(self.world.positions(self.arm))[:3, 3]

    @property
    def opening(self) -> float:
        """Measured gripper opening, 0 to 1."""
        return float((self.world.positions(self.arm)[5] + 0.174533) / (1.74533 + 0.174533))

    @property
    def cube(self) -> np.ndarray:
        """The cube's position [m]."""
        return self.world.object_pose()[:3] - self.base

    def act(self, delta, gripper: int) -> None:
        """One tick."""
        target = self.pose[:3, 3] + np.clip(delta, -1, 1) * 0.2 / self.fps
        self.pose[:3, 3] = np.clip(target, *BOX)
        self.goals[:5] = self.kinematics.inverse(self.goals, self.pose).q
        jaw = self.goals[5] + JAW_STEP.get(gripper, 0.0) * self.max_step
        self.goals[5] = np.clip(jaw, -0.174533, 1.74533)
        self.world.set_goals(self.goals, ALL, arm=self.arm)
        self.world.step(1 / self.fps)


class Outcome(NamedTuple):
    """How an attempt ended, and the expert's progress at each step."""

    success: bool
    steps: int
    progress: list


def attempt(
    driver: Driver,
    expert: Expert,
    noise: float = 0.0,
    seed: int = 0,
    seconds: float = 10.0,
    tool: Tool = ORDINARY,
) -> Outcome:
    """Let the expert work from here until success or the time limit."""
    expert.reset()
    rng = np.random.default_rng(seed)
    progress, coming, unseen = [], np.zeros(3), np.exp(-1 / (0.1 * driver.fps))
    for step in range(round(seconds * driver.fps)):
        scene = (driver.ee, driver.opening, driver.cube)
        action = expert.act(*scene, coming, tool=tool)
        progress.append(expert.progress(*scene))
        delta = np.clip(action.delta + rng.normal(0.0, noise, 3), -1, 1)
        coming = (coming + delta * 0.2 / driver.fps) * unseen
        driver.act(delta, action.gripper)
        if driver.world.success():
            return Outcome(True, step + 1, progress)
    return Outcome(False, step + 1, progress)


def put_cube(world: World, position, yaw: float = 0.0) -> None:
    """Move the cube by hand, at rest."""
    cube = world._data.joint("cube")
    cube.qpos = (*position, np.cos(yaw / 2), 0, 0, np.sin(yaw / 2))
    cube.qvel = np.zeros(6)
    mujoco.mj_forward(world._model, world._data)


def grip_the_cube(world: World) -> Driver:
    """Close the jaw on a cube put between the fingers, low over the table."""
    driver = Driver(world)
    driver.go_home(0)
    x, y, _ = driver.ee
    while driver.ee[2] > 0.008:
        driver.act((0.0, 0.0, -0.5), STAY)
    put_cube(world, (x, y - 0.02, CUBE_REST))
    while driver.opening > 0.3:
        driver.act((0.0, 0.0, 0.0), CLOSE)
    for _ in range(5):
        driver.act((0.0, 0.0, 0.0), CLOSE)
    return driver
