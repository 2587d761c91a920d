"""The pipelines of a task file, with readings made by hand: no bus, no simulator."""

from pathlib import Path

import numpy as np

from hilrt.config import taskfile
from hilrt.control.assembly import Pipelines
from hilrt.control.tick import Tick
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.devices.operator import OperatorInput
from hilrt.step.features import from_config
from hilrt.step.record import GripperCommand, Mode

ROOT = Path(__file__).parents[2]
CALIBRATIONS = f"robot.calibration_dir={ROOT}/configs/calibration"
STAY = GripperCommand.STAY


def load(*overrides, name="sim_so100.toml", by_joint=False):
    """A shipped task file with overrides; `by_joint`: without inverse kinematics."""
    tree = taskfile.document(ROOT / "configs" / name, [CALIBRATIONS, *overrides]).unwrap()
    if by_joint:
        del tree["processor"]["inverse_kinematics"]
        tree["teleop"]["type"] = "keyboard"
    return taskfile.from_tree(tree, name)


class Rig:
    """Pipelines, begun, and ticks to put through them; the arm is where it was last told to be."""

    def __init__(self, *overrides, show=None, name="sim_so100.toml", by_joint=False, judge=None):
        """`judge`: makes one for a config and its features."""
        self.config = load(*overrides, name=name, by_joint=by_joint)
        self.features = from_config(self.config)
        calibrations = [Calibration.load(self.config.robot.calibration_path(s)) for s in self.features.sides]
        judge = judge(self.config, self.features) if judge else None
        self.pipelines = Pipelines(self.config, self.features, calibrations, show, judge)
        self.pipelines.begin()
        self.limits, self.setpoint, self.home = (
            self.pipelines.limits,
            self.pipelines.setpoint,
            self.pipelines.home,
        )
        self.kinematics = self.setpoint._kinematics

    def tick(self, joints=None, current=None, load=None, time_ns=0, step=0, mode=Mode.TRAIN, **fields):
        """A tick whose readings say that the arms are there."""
        joints = self.setpoint.joints if joints is None else np.reshape(joints, (-1, 6))
        readings = tuple(
            ArmReading(
                monotonic_ns=time_ns,
                position=row.copy(),
                velocity=np.zeros(6),
                current=np.zeros(6) if current is None else np.asarray(current, float),
                load=np.zeros(6) if load is None else np.asarray(load, float),
                temperature=np.full(6, 35.0),
                voltage=np.full(6, 12.0),
                status=np.zeros(6, np.int64),
            )
            for row in joints
        )
        fields.setdefault("object", np.zeros((len(readings), 5)))
        fields.setdefault("other", np.zeros((len(readings), 3)))
        return Tick(step=step, mode=mode, time_ns=time_ns, readings=readings, **fields)

    def observe(self, **kwargs):
        """A tick through the observation pipeline."""
        tick = self.tick(**kwargs)
        self.pipelines.observation.run(tick)
        return tick

    def part(self, tick, prefix):
        """Values of the state whose names begin so."""
        return [
            value
            for name, value in zip(self.features.state, tick.state, strict=True)
            if name.startswith(prefix)
        ]

    def act(self, action, *gripper, human=False, joints=None, load=None):
        """A tick through observation and action, decided by the policy or by the operator."""
        tick = self.observe(joints=joints, load=load)
        self.pipelines.grip.see(tick.readings, self.setpoint.sent)  # as the cell does
        if human:
            tick.wish = OperatorInput(intervening=True, action=tuple(action), gripper=gripper)
        else:
            tick.policy_action, tick.policy_gripper = np.asarray(action, np.float32), gripper
        return self.command(tick)

    def command(self, tick):
        """A tick through the action pipeline, and sent."""
        self.pipelines.action.run(tick)
        self.setpoint.commit(tick)
        return tick

    def position(self, joint_goal, arm=0):
        """Where a goal puts the end effector [m]."""
        return self.kinematics[arm].forward(joint_goal[arm])[:3, 3]
