"""End-effector control: the box, the step, the reference, the gripper."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hilrt import taskfile
from hilrt.control.action import EndEffectorControl, ResetMove
from hilrt.control.kinematics import Kinematics
from hilrt.control.safety import JointLimits
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.errors import ArmBlockedError
from hilrt.record import GripperCommand
from hilrt.robots import SO100_URDF

ROOT = Path(__file__).parents[2]
CONFIG = taskfile.load(
    ROOT / "configs" / "sim_so100.toml", [f"robot.calibration_dir={ROOT}/configs/calibration"]
)
HOME = radians_from_units(CONFIG.processor.reset.fixed_reset_joint_positions)
BOX = CONFIG.processor.inverse_kinematics.end_effector_bounds
TOLERANCE = 1e-3  # [m], what inverse kinematics may leave, twice


def control(home=HOME, config=CONFIG):
    max_step = np.deg2rad(config.safety.max_joint_velocity_deg_s) / config.env.fps
    kinematics = Kinematics(SO100_URDF, max_step=max_step)
    limits = JointLimits(config, Calibration.load(config.robot.calibration_path), kinematics)
    made = EndEffectorControl(config, kinematics, limits)
    made.anchor(home)
    return made, kinematics, limits


ACTIONS = arrays(np.float64, (12, 3), elements=st.floats(-3, 3))


@settings(max_examples=40, deadline=None)
@given(ACTIONS, st.lists(st.sampled_from(GripperCommand), min_size=12, max_size=12))
def test_never_leaves_box_nor_limits(actions, grips):
    """No sequence of actions, however long a step it asks for, leaves the box, a joint limit or a speed limit."""
    made, kinematics, limits = control()
    before = made.joints.copy()
    for action, grip in zip(actions, grips, strict=True):
        command = made.command(action, grip)
        position = kinematics.forward(command.joint_goal)[:3, 3]
        assert (position >= np.array(BOX.min) - TOLERANCE).all()
        assert (position <= np.array(BOX.max) + TOLERANCE).all()
        assert (command.joint_goal >= limits.lower - 1e-9).all()
        assert (command.joint_goal <= limits.upper + 1e-9).all()
        assert np.abs(command.joint_goal - before).max() <= limits.max_step + 1e-9
        before = command.joint_goal


def test_full_action_is_one_step():
    """An action of one moves the commanded end effector by the axis step, and is stored as one."""
    made, kinematics, _ = control()
    start = made.position.copy()
    command = made.command([1.0, 0.0, -1.0], GripperCommand.STAY)
    moved = kinematics.forward(command.joint_goal)[:3, 3] - start
    assert moved == pytest.approx([0.02, 0.0, -0.02], abs=5e-4)
    assert command.executed == pytest.approx([1.0, 0.0, -1.0])


def test_executed_action_reproduces_the_command():
    """Sending the stored action from the same reference gives the same goal, also where the box cut the wish."""
    made, _, _ = control()
    for _ in range(9):
        before = made.joints.copy()
        reference = made.pose.copy()
        command = made.command([1.0, -1.0, -1.0], GripperCommand.STAY)
        again, _, _ = control()
        again.joints, again.pose = before, reference
        assert again.command(command.executed, GripperCommand.STAY).joint_goal == pytest.approx(
            command.joint_goal, abs=1e-4
        )
    assert command.executed == pytest.approx([1.0, -1.0, -1.0])


def test_outside_the_box_is_led_back_by_steps():
    """A start below the box returns to it without a jump."""
    raised = taskfile.load(
        ROOT / "configs" / "sim_so100.toml",
        [
            f"robot.calibration_dir={ROOT}/configs/calibration",
            "processor.inverse_kinematics.end_effector_bounds.min=[0.1, -0.2, 0.15]",
            "processor.inverse_kinematics.end_effector_bounds.max=[0.3, 0.2, 0.25]",
        ],
    )
    made, _, _ = control(config=raised)
    heights = [float(made.position[2])]
    for _ in range(8):
        made.command([0.0, 0.0, 0.0], GripperCommand.STAY)
        heights.append(float(made.position[2]))
    rises = np.diff(heights)
    assert heights[0] < 0.14
    assert rises.max() <= 0.02 + 1e-6
    assert heights[-1] == pytest.approx(0.15, abs=2e-3)


def test_gripper_stays():
    """On stay the gripper keeps its commanded goal, whatever it measures."""
    made, _, limits = control()
    closing = made.command([0, 0, 0], GripperCommand.CLOSE).joint_goal[5]
    assert closing == pytest.approx(HOME[5] - limits.max_step)
    assert made.command([0, 0, 0], GripperCommand.STAY).joint_goal[5] == closing
    assert made.command([0, 0, 0], GripperCommand.OPEN).joint_goal[5] == pytest.approx(HOME[5])


def test_reset_is_straight_and_slow():
    """A reset moves no joint faster than its limit and ends at the start pose."""
    start = HOME + np.array([0.5, -0.3, 0.4, -0.2, 1.0, -0.4])
    move = ResetMove(start, HOME, max_step=0.1, patience=50)
    positions = [start] + [move.advance().copy() for _ in range(15)]
    assert np.abs(np.diff(positions, axis=0)).max() <= 0.1 + 1e-12
    assert positions[-1] == pytest.approx(HOME)
    assert move.arrived(HOME)
    assert not move.arrived(HOME + 0.2)


def test_blocked_reset_is_an_error():
    """An arm that stays away from its start pose is named with the joint that is off; no episode starts there."""
    move = ResetMove(HOME, HOME, max_step=0.1, patience=3)
    blocked = HOME + np.array([0, 0, 0.5, 0, 0, 0])
    with pytest.raises(ArmBlockedError, match="elbow_flex is 29 degrees away"):  # noqa: PT012 - the last one raises
        for _ in range(10):
            move.advance()
            move.arrived(blocked)
