"""A scripted person: demonstrates with an expert's eyes, watches the policy, and takes over when it is stuck.

It uses nothing a person at the arms could not see, wants what a person's device could say, and makes mistakes.
With two arms it moves the one that stands nearer to the cube.
"""

from collections.abc import Sequence

import numpy as np

from hilrt.config import Config, Sim, nature_of
from hilrt.devices.calibration import radians_from_units
from hilrt.devices.operator import Float64, Motionless, OperatorInput, Scene
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.sim.expert import Expert
from hilrt.sim.manner import draw_manner
from hilrt.sim.skills import Tool
from hilrt.step.record import GripperCommand, Mode

BURST_STEPS = 3
WORSE = 0.15
"""A fall of progress by this much below its best is noticed at once."""
FOLLOWS_S = 0.1
"""How long an arm without lag takes for two thirds of a motion that is asked of it [s]."""
NEARER = 0.05
"""The other arm's turn when it stands nearer to the cube by this much [m]."""
OF_MANNER = 1
"""Tells the chance by which an episode's manner is drawn from that of its slips."""


class ScriptedOperator(Motionless):
    """`teleop.type = "scripted"`."""

    def __init__(self, config: Config, spent: int = 0, names: Sequence[str] = ()) -> None:
        """`spent`: human steps of earlier starts of the run; `names`: of her action's axes, if not the config's."""
        self._habits = config.teleop.scripted
        self._intervene = config.teleop.intervene
        self._limit = config.max_episode_steps
        self._reaction = round(self._habits.reaction_s * config.env.fps)
        self._names = tuple(names) or config.processor.action_names
        sim = config.sim or Sim()
        self._expert = Expert(config.env.task, config.env.fps, sim.object_scale)
        self._tools = [_tool(config, side) for side in config.robot.sides]
        steps = dict(zip(config.processor.action_names, config.action_scale, strict=True))
        self._steps = np.array([0.0 if names else steps.get(f"d{axis}", 0.0) for axis in "xyz"])
        lag_s = nature_of(sim.arm).lag_s
        self._unseen = float(np.exp(-1.0 / (config.env.fps * (FOLLOWS_S + lag_s))))
        self._spent = spent
        self.begin(Mode.EVAL, 0)

    message = ""

    def close(self) -> None:
        """Nothing is open."""

    def begin(self, mode: Mode, seed: int) -> None:
        """A new episode starts; `seed` decides all chance in it."""
        self._rng = np.random.default_rng(seed)
        self._mode = mode
        self._watching: bool | None = None
        self._burst: tuple[float, float, float] | None = None
        self._burst_left = 0
        self._holding = 0
        self._done = self._forgetting = False
        self._reacting: int | None = None
        self._arm: int | None = None
        self._expert.manner = draw_manner(np.random.default_rng((seed, OF_MANNER)), self._habits.variety)
        self._expert.reset()
        self._coming = np.zeros(3)
        self._look_afresh(0)

    def sense(self, scene: Scene) -> OperatorInput:
        """What it wants now."""
        if self._mode is Mode.EVAL:
            return OperatorInput()
        self._choose_arm(scene)
        if self._mode is Mode.DEMO:
            wish = self._demonstrate(scene)
            self._done = self._done or scene.done
            return wish._replace(rerecord=scene.step >= self._limit - 1 and not self._done)
        if not self._takes_over(scene):
            return OperatorInput()
        self._spent += 1
        if self._forgetting:
            return self._wish(np.zeros(3), GripperCommand.STAY, arms=len(scene.ee))
        return self._demonstrate(scene)

    def _choose_arm(self, scene: Scene) -> None:
        """The arm that stands nearer to the cube; the last one, unless the other does clearly."""
        assert scene.object is not None  # the process that builds the operator provides for it
        distances = np.hypot(scene.object[:, 0], scene.object[:, 1])
        nearest = int(np.argmin(distances))
        if self._arm is None:
            self._arm = nearest
        elif distances[nearest] < distances[self._arm] - NEARER:
            self._arm = nearest
            self._expert.reset()
            self._look_afresh(scene.step)

    def _seen(self, scene: Scene) -> tuple[Float64, float, Float64]:
        """End effector, gripper opening and cube, as the chosen arm's expert wants them."""
        assert scene.object is not None
        return scene.ee[self._arm], float(scene.opening[self._arm]), scene.object[self._arm]

    @property
    def _tool(self) -> Tool:
        """The chosen arm's."""
        assert self._arm is not None  # it has been chosen
        return self._tools[self._arm]

    def _demonstrate(self, scene: Scene) -> OperatorInput:
        """The expert's action with a person's noise and slips."""
        action, gripper = self._expert.act(*self._seen(scene), self._coming, self._tool)
        habits = self._habits
        if self._burst_left == 0 and self._rng.random() < habits.wrong_bursts / BURST_STEPS:
            self._burst = tuple(self._rng.uniform(-1.0, 1.0, 3))
            self._burst_left = BURST_STEPS
        if self._burst_left:
            self._burst_left -= 1
            action = np.asarray(self._burst)
        noisy = np.clip(action + self._rng.normal(0.0, habits.noise, 3), -1.0, 1.0)
        self._coming = (self._coming + noisy * self._steps) * self._unseen
        return self._wish(noisy, GripperCommand(gripper), arms=len(scene.ee))

    def _wish(self, motion: Float64, command: GripperCommand, arms: int) -> OperatorInput:
        """Motion (3,) of the chosen arm in the order of `Features.action`; everything else stays."""
        moved = dict(zip(("dx", "dy", "dz"), motion.tolist(), strict=True))
        action = tuple(
            moved.get(name, 0.0) if arm == self._arm else 0.0 for arm in range(arms) for name in self._names
        )
        commands = tuple(command if arm == self._arm else GripperCommand.STAY for arm in range(arms))
        return OperatorInput(intervening=True, action=action, gripper=commands)

    def _takes_over(self, scene: Scene) -> bool:
        """Hold on, let go, or notice that the policy needs help."""
        if self._holding:
            self._holding -= 1
            if self._holding == 0:
                self._let_go(scene.step)
            return True
        if not self._may_watch(scene.autonomous_rate):
            return False
        if self._reacting is not None:
            self._reacting -= 1
            if self._reacting > 0:
                return False
            self._reacting = None
            self._holding = self._hold_length()
            self._expert.reset()
            return True
        if self._stuck(scene):
            self._reacting = self._reaction
        return False

    def _may_watch(self, autonomous_rate: float) -> bool:
        if self._watching is None:
            chance = max(self._habits.attention, 1.0 - autonomous_rate) * self._habits.attendance
            self._watching = bool(self._rng.random() < chance)
        return self._intervene and self._watching and self._spent < self._habits.budget_steps

    def _hold_length(self) -> int:
        if self._rng.random() >= self._habits.release_early:
            return self._limit  # to the end of the episode
        return int(self._rng.integers(*self._habits.hold_steps, endpoint=True))

    def _let_go(self, step: int) -> None:
        """Watch again, or forget to."""
        if self._habits.forgets and self._rng.random() < self._habits.forgets:
            self._forgetting, self._holding = True, self._limit
        self._look_afresh(step)

    def _look_afresh(self, step: int) -> None:
        self._best = -np.inf
        self._best_step = step

    def _stuck(self, scene: Scene) -> bool:
        progress = self._expert.progress(*self._seen(scene))
        if progress > self._best + 0.01:
            self._best, self._best_step = progress, scene.step
        stalled = scene.step - self._best_step >= self._habits.stall_steps
        return stalled or progress < self._best - WORSE


def _tool(config: Config, side: str) -> Tool:
    """As that arm holds it at its start pose, which it keeps to, and as low as its box lets it."""
    pose = Kinematics(SO100_URDF).forward(radians_from_units(config.reset_pose(side)))
    box = config.bounds(side)
    turn_deg = round(np.degrees(np.arctan2(pose[1, 0], pose[0, 0]))) - 90
    return Tool(np.radians(turn_deg), box.min[2] if box else -np.inf)
