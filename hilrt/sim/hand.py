"""A scripted person at simulated leader arms: she wants what the scripted operator wants, and her hands do it.

What she wants reaches the follower only through the leader's servos, its bus and its driver, and by her keys.
"""

from collections.abc import Sequence

import numpy as np

from hilrt.config import Config
from hilrt.devices.calibration import GRIPPER_CLOSED_RAD, GRIPPER_OPEN_RAD, Vector
from hilrt.devices.keyboard import Key, press
from hilrt.devices.leader import Leader
from hilrt.devices.leaderarm import LeaderArm
from hilrt.devices.operator import Command, Float64, OperatorInput, Scene, Silent
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.run.simlink import SimLink
from hilrt.sim.operator import ScriptedOperator
from hilrt.step.record import GripperCommand, Mode

SPEED = 0.2
"""Of her hand along each axis [m/s]."""
SQUEEZE = 3.0
"""Of her fingers [rad/s]."""

NEAR = 0.04
"""From the finger tip to an object between the fingers, at most [m]."""
CLOSING = 0.45
"""Opening of a gripper that closes on something, at most."""


class Words:
    """Her keys: presses so far."""

    def __init__(self) -> None:
        self.key_intervene = self.key_success = self.key_failure = self.key_rerecord = self.key_other_arm = 0


class Hand(Silent):
    """`teleop.type = "so100_leader"` or `"so101_leader"` with `[sim]`."""

    def __init__(
        self,
        config: Config,
        person: ScriptedOperator,
        leader: Leader,
        arms: Sequence[LeaderArm],
        keys: Words,
        link: SimLink,
    ) -> None:
        """`person` is asked what she wants, `keys` are those that `leader` reads; `link` leads to her hands."""
        self._person, self._leader, self._arms, self._keys, self._link = person, leader, arms, keys, link
        self._names, self._scale = config.processor.action_names, np.array(config.action_scale)
        steps = dict(zip(self._names, self._scale.tolist(), strict=True))
        self._reach = np.array([min(SPEED / config.env.fps, steps.get(f"d{axis}", np.inf)) for axis in "xyz"])
        self._squeeze = SQUEEZE / config.env.fps
        self._kinematics = Kinematics(SO100_URDF, SO100_FRAME)
        self._mode = Mode.EVAL

    @property
    def message(self) -> str:
        """As of any leader."""
        return self._leader.message

    def close(self) -> None:
        """Nothing else is open."""
        self._leader.close()

    def begin(self, mode: Mode, seed: int) -> None:
        """A new episode starts."""
        self._mode = mode
        self._leader.begin(mode, seed)
        self._person.begin(mode, seed)

    def rest(self, command: Command) -> None:
        """Her hands are off."""
        self._withdraw()
        self._leader.rest(command)

    def sense(self, scene: Scene) -> OperatorInput:
        """What her leaders and keys say; then she looks, and moves her hands for the next tick."""
        wish = self._leader.sense(scene)
        wanted = self._person.sense(self._foreseen(scene, wish))
        if self._mode is Mode.TRAIN and wanted.intervening is not wish.intervening:
            press(self._keys, Key.INTERVENE)
        if wanted.rerecord:
            press(self._keys, Key.RERECORD)
        if wanted.intervening and wish.intervening:
            self._move(wanted)
        else:
            self._withdraw()
        return wish

    def _foreseen(self, scene: Scene, wish: OperatorInput) -> Scene:
        """The scene once the followers are where her hands are already; else she would push on for a tick too long."""
        if not wish.action:
            return scene
        ahead = np.reshape(wish.action, (len(self._arms), -1)) * self._scale
        moved = [self._moved(joints, way) for joints, way in zip(scene.command.joints, ahead, strict=True)]
        return scene._replace(ee=scene.ee + moved, object=self._carried(scene, np.array(moved)))

    def _carried(self, scene: Scene, moved: Float64) -> Float64 | None:
        """The object, which goes along where a gripper has it."""
        if scene.object is None:
            return None
        carried = scene.object.copy()
        near = np.linalg.norm(carried[:, :3] - scene.ee, axis=1) < NEAR
        carried[:, :3] += np.where((near & (scene.opening < CLOSING))[:, None], moved, 0.0)
        return carried

    def _moved(self, joints: Vector, way: Float64) -> Float64:
        """Motion of the end effector, shape (3,) [m], that an action is, shape (axes,) [m or rad]."""
        if "dx" in self._names or "dy" in self._names or "dz" in self._names:
            by_name = dict(zip(self._names, way.tolist(), strict=True))
            return np.array([by_name.get(f"d{axis}", 0.0) for axis in "xyz"])
        turned = joints[:5] + way
        return self._kinematics.forward(turned)[:3, 3] - self._kinematics.forward(joints)[:3, 3]

    def _move(self, wanted: OperatorInput) -> None:
        """Both hands, to where she wants the tools."""
        motions = np.reshape(wanted.action, (len(self._arms), 3)) * self._reach
        for number, (arm, motion, command) in enumerate(
            zip(self._arms, motions, wanted.gripper, strict=True)
        ):
            if (joints := arm.position) is not None:
                self._link.put_hand(number, self._reached(joints, motion, command))

    def _reached(self, joints: Vector, motion: Float64, command: GripperCommand) -> Vector:
        """The leader's joints, shape (6,) [rad], after a motion of its tool, shape (3,) [m], and of its gripper."""
        target = self._kinematics.forward(joints)
        target[:3, 3] += motion
        squeezed = joints[5] + (int(command) - int(GripperCommand.STAY)) * self._squeeze
        opening = np.clip(squeezed, GRIPPER_CLOSED_RAD, GRIPPER_OPEN_RAD)
        return np.append(self._kinematics.inverse(joints, target).q, opening)

    def _withdraw(self) -> None:
        for number in range(len(self._arms)):
            self._link.put_hand(number, None)
