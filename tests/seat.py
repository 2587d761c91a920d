"""Where a person sits at leader arms: simulated leaders on their ports, her hands, her keys, and a follower to lead.

Time passes when the test lets it.
"""

import os
import select
import sys
import threading
from pathlib import Path

import numpy as np

from hilrt.control.motion import Motion
from hilrt.control.operators import SPEED, _opening_steps
from hilrt.devices.calibration import Calibration
from hilrt.devices.leader import Leader
from hilrt.devices.leaderarm import LeaderArm
from hilrt.devices.operator import Command, Scene
from hilrt.devices.steering import Steering
from hilrt.devices.tug import Tug
from hilrt.sim.hand import Words
from hilrt.sim.leader import SimLeader
from hilrt.sim.pty import PseudoTerminal
from hilrt.step.record import Mode

sys.path.insert(0, str(Path(__file__).parent / "control"))
from rig import Rig

CALIBRATION = (
    Path(__file__).parents[1] / "configs" / "calibration" / "teleoperators" / "so101_leader" / "sim.json"
)
PATIENT_S = 20.0
"""Deadline of a transaction: nothing here measures time."""


class Served:
    """A simulated leader whose requests a thread answers."""

    def __init__(self):
        self.sim = SimLeader(Calibration.load(CALIBRATION), PseudoTerminal())
        self.hand = None
        self._lock = threading.Lock()
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while self._stop not in select.select([self.sim.fd, self._stop], [], [])[0]:
            with self._lock:
                self.sim.answer()

    def held(self, register):
        """What the servos hold."""
        return [servo.get(register) for servo in self.sim.bank.servos]

    def pass_time(self, seconds):
        """With the hand where it is."""
        with self._lock:
            self.sim.advance(seconds, self.hand)

    def close(self):
        os.write(self._stopper, b"x")
        self._thread.join()
        os.close(self._stop)
        os.close(self._stopper)
        self.sim.close()


class Seat:
    """Leaders of the arms of a task file, connected, and the pipelines that they drive."""

    def __init__(self, *overrides, tugs=False, intervene=True, demonstrates=False, **rig):
        self.rig = Rig(*overrides, **rig)
        self.served = [Served() for _ in self.rig.features.sides]
        self.period_s = 1 / self.rig.config.env.fps
        self.speed = SPEED * np.deg2rad(self.rig.config.safety.max_joint_velocity_deg_s)
        self.keys = Words()
        self.steps = []
        self._options = {"intervene": intervene, "demonstrates": demonstrates}
        self._tugs = [Tug(self.rig.config.env.fps) for _ in self.served] if tugs else ()

    async def __aenter__(self):
        calibration, rig = Calibration.load(CALIBRATION), self.rig
        self.arms = [
            await LeaderArm.connect(served.sim.port, calibration, f"leader {i}", self.speed, PATIENT_S)
            for i, served in enumerate(self.served)
        ]
        ik = rig.config.processor.inverse_kinematics
        axes = tuple(ik.end_effector_step_sizes.axes) if ik else ()
        scale, widest = np.array(rig.config.action_scale), rig.config.processor.max_gripper_pos / 100
        steps = _opening_steps(rig.limits, rig.home)
        steerings = [
            Steering(Motion(kinematics, axes).between, scale, step, widest)
            for kinematics, step in zip(rig.kinematics, steps, strict=True)
        ]
        self.leader = Leader(self.arms, steerings, self.keys, tugs=self._tugs, **self._options)
        for arm in self.arms:
            await arm.read()
        return self

    async def __aexit__(self, *_):
        for arm in self.arms:
            arm.let_go()
            await arm.command(0.0)
            await arm.close()
        for served in self.served:
            served.close()

    @property
    def command(self):
        joints = self.rig.setpoint.joints
        return Command(joints, self.rig.limits.opening(joints))

    def scene(self):
        return Scene(
            np.zeros((len(self.arms), 3)), np.zeros(len(self.arms)), None, False, 0, 0.0, self.command
        )

    async def exchange(self):
        """One period, as in simulated time."""
        for arm, served in zip(self.arms, self.served, strict=True):
            await arm.command(self.period_s)
            await arm.read()  # a reply: what was sent has arrived
            served.pass_time(self.period_s)
            await arm.read()

    async def rest(self, ticks=60):
        """A reset: the followers stand at the start pose, the leaders come along."""
        for _ in range(ticks):
            self.leader.rest(self.command)
            await self.exchange()

    async def begin(self, mode=Mode.TRAIN):
        """A reset and the begin of an episode."""
        await self.rest()
        self.leader.begin(mode, 0)
        self.rig.pipelines.begin()

    async def tick(self, policy=None, gripper=()):
        """One tick: the operator's wish, or else the policy's action; the arms do what they are told."""
        await self.exchange()
        wish = self.leader.sense(self.scene())
        tick = self.rig.observe()
        tick.wish = wish
        tick.policy_action = np.zeros(len(self.rig.features.action), np.float32) if policy is None else policy
        tick.policy_gripper = gripper
        before = self.rig.setpoint.joints.copy()
        self.rig.command(tick)
        self.steps.append(np.abs(self.rig.setpoint.joints - before)[:, :5].max())
        return wish

    def grasp(self, arm=0):
        """Put a hand on a leader, where it is."""
        self.served[arm].hand = self.served[arm].sim.positions

    async def take(self):
        """Hands on all leaders, until their torque is off and their motion counts."""
        for arm in range(len(self.arms)):
            self.grasp(arm)
        while not (await self.tick()).action:
            pass

    def put(self, motion, arm=0):
        """Move the hand by joint angles [rad]."""
        self.served[arm].hand = self.served[arm].hand + np.asarray(motion)

    def tool(self, joints, arm=0):
        """Position of the end effector [m]."""
        return self.rig.kinematics[arm].forward(joints)[:3, 3]
