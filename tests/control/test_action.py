"""From what is wanted to goal positions: the box, the step, the reference, the gripper, who decides."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rig import ROOT, STAY, Rig

from hilrt.control.action import HANDOVER_LEAD, LEAD
from hilrt.control.collision import Collisions
from hilrt.devices.calibration import units_from_radians
from hilrt.devices.operator import OperatorInput
from hilrt.errors import (
    CollisionError,
    ConfigError,
    JointRangeError,
    RobotModelError,
    StartOutsideBoxError,
    StartPoseError,
    UnknownNameError,
)
from hilrt.robots import SO100_URDF
from hilrt.step.record import GripperCommand, Limit

CLOSE, OPEN = GripperCommand.CLOSE, GripperCommand.OPEN
TOLERANCE = 1e-3  # [m], what inverse kinematics may leave, twice
BOX = "processor.inverse_kinematics.end_effector_bounds"
STEPS = "processor.inverse_kinematics.end_effector_step_sizes"
ROOMY = f"{BOX}.max=[0.4, 0.2, 0.3]"
WILD = st.floats(-3, 3, width=32)


def by_joint(*overrides, **more):
    return Rig(*overrides, by_joint=True, **more)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float32, (12, 3), elements=WILD),
    st.lists(st.sampled_from(GripperCommand), min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_never_leaves_box_nor_limits(actions, grips, hands):
    """No sequence of actions, whoever sends them, leaves the box, a joint limit or a speed limit."""
    rig = Rig()
    box = rig.config.processor.inverse_kinematics.end_effector_bounds
    before = rig.setpoint.joints.copy()
    for action, grip, human in zip(actions, grips, hands, strict=True):
        goal = rig.act(action.tolist(), grip, human=human).joint_goal
        position = rig.position(goal)
        assert (position >= np.array(box.min) - TOLERANCE).all()
        assert (position <= np.array(box.max) + TOLERANCE).all()
        assert (goal >= rig.limits.lower - 1e-9).all()
        assert (goal <= rig.limits.upper + 1e-9).all()
        assert np.abs(goal - before).max() <= rig.limits.max_step + 1e-9
        before = goal


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, (8, 5), elements=WILD))
def test_joint_control_never_leaves_limits(actions):
    """Joint control keeps every joint in its range and below its speed too."""
    rig = by_joint("processor.joint_step_deg=18.0")
    before = rig.setpoint.joints.copy()
    for action in actions:
        goal = rig.act(action).joint_goal
        assert (goal >= rig.limits.lower - 1e-9).all()
        assert (goal <= rig.limits.upper + 1e-9).all()
        assert np.abs(goal - before).max() <= rig.limits.max_step + 1e-9
        before = goal


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, (6, 3), elements=WILD))
def test_recorded_action_reproduces_the_command(actions):
    """The recorded action, sent again from the same reference, gives the same goal: also where box or reach cut it."""
    rig, again = Rig(), Rig()
    for action in actions:
        again.setpoint.sent = again.setpoint.joints = rig.setpoint.joints.copy()
        again.setpoint.pose = rig.setpoint.pose.copy()
        first = rig.act(action, OPEN)
        assert again.act(first.action, OPEN).joint_goal == pytest.approx(first.joint_goal, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, (5, 3), elements=st.floats(-1, 1, width=32)))
def test_mirrored_actions_mirror_the_path(actions):
    """Actions mirrored left to right move the end effector along the mirrored path."""
    symmetric = (f"{BOX}.min=[0.15, -0.1, 0.005]", f"{BOX}.max=[0.31, 0.1, 0.12]")
    left, right = Rig(*symmetric), Rig(*symmetric)
    for rig in (left, right):  # on the plane of the mirror
        rig.setpoint.pose[0, 1, 3] = 0.0
        rig.setpoint.joints[0, :5] = rig.kinematics[0].inverse(rig.setpoint.joints[0], rig.setpoint.pose[0]).q
    for action in actions * np.float32(0.5):
        here = left.position(left.act(action).joint_goal)
        there = right.position(right.act(action * np.float32([1, -1, 1])).joint_goal)
        assert there == pytest.approx(here * [1, -1, 1], abs=2 * TOLERANCE)


def test_full_action_is_one_step():
    """An action of one moves the commanded end effector by the axis step, and is recorded as one."""
    rig = Rig()
    start = rig.setpoint.pose[0, :3, 3].copy()
    tick = rig.act([1.0, 0.0, -1.0])
    assert rig.position(tick.joint_goal) - start == pytest.approx([0.02, 0.0, -0.02], abs=5e-4)
    assert tick.action.tolist() == [1.0, 0.0, -1.0]
    assert tick.limits & ~Limit.VELOCITY == Limit(0)


def test_step_sizes_scale_the_motion():
    """`end_effector_step_sizes` is the motion of one full action."""
    rig = Rig(f"{STEPS}={{x = 0.005, y = 0.02, z = 0.01}}")
    start = rig.setpoint.pose[0, :3, 3].copy()
    assert rig.position(rig.act([1, 0, -1]).joint_goal) - start == pytest.approx([0.005, 0, -0.01], abs=5e-4)


def test_only_named_axes_move():
    """The axes named in `end_effector_step_sizes` are the action's axes, in the order x, y, z, pitch, roll."""
    rig = Rig(f"{STEPS}={{z = 0.01, x = 0.02}}")
    start = rig.setpoint.pose[0, :3, 3].copy()
    assert rig.features.action == ("dx", "dz")
    assert rig.position(rig.act([0, 1]).joint_goal) - start == pytest.approx([0, 0, 0.01], abs=5e-4)


@pytest.mark.parametrize(("axis", "sign"), [("pitch", 1), ("pitch", -1), ("roll", 1), ("roll", -1)])
def test_pitch_and_roll_turn_the_tool(axis, sign):
    """Pitch raises or lowers the tool's axis in the arm's plane, roll turns about it; the position stays."""
    rig = Rig(
        f"{STEPS}={{x = 0.02, {axis} = 0.1}}",
        "processor.reset.fixed_reset_joint_positions=[0, -30, 40, 40, 0, 50]",
        f"{BOX}.max=[0.4, 0.17, 0.3]",
    )
    before = rig.setpoint.pose[0].copy()
    for _ in range(3):
        goal = rig.act([0.0, sign]).joint_goal
    after = rig.kinematics[0].forward(goal[0])
    turned = before[:3, :3].T @ after[:3, :3]
    rotation = (
        np.array([turned[2, 1] - turned[1, 2], turned[0, 2] - turned[2, 0], turned[1, 0] - turned[0, 1]]) / 2
    )
    assert after[:3, 3] == pytest.approx(before[:3, 3], abs=1e-3)
    if axis == "pitch":
        assert np.sign(after[2, 2] - before[2, 2]) == sign
        assert np.arccos(before[:3, 2] @ after[:3, 2]) == pytest.approx(0.3, abs=0.03)
    else:
        assert np.arcsin(rotation[2]) == pytest.approx(0.3 * sign, abs=0.03)


@pytest.mark.parametrize(("axis", "joint"), [("pitch", 3), ("roll", 4)])
def test_turning_does_not_wind_up(axis, joint):
    """Turned on at the end of a joint the tool stays there, as is reported, and comes back within two ticks."""
    rig = Rig(
        f"{STEPS}={{x = 0.02, {axis} = 0.1}}",
        "processor.reset.fixed_reset_joint_positions=[0, -30, 40, 40, 0, 50]",
        f"{BOX}.max=[0.4, 0.17, 0.3]",
    )
    for _ in range(35):
        tick = rig.act([0.0, 1.0])
    end = tick.joint_goal.copy()
    for _ in range(40):
        tick = rig.act([0.0, 1.0])
        assert tick.joint_goal == pytest.approx(end, abs=0.02)
        assert Limit.REACH in tick.limits
    for _ in range(2):
        tick = rig.act([0.0, -1.0])
    assert abs(tick.joint_goal[0, joint] - end[0, joint]) > 0.05


def test_wanted_orientation_goes_round_with_the_arm():
    """Moved sideways the tool turns with the arm's plane, which five joints cannot leave, and nothing is missed."""
    rig = Rig(
        f"{STEPS}={{y = 0.02, pitch = 0.1}}",
        "processor.reset.fixed_reset_joint_positions=[0, -30, 40, 40, 0, 50]",
        f"{BOX}.min=[0.1, -0.25, 0.0]",
        f"{BOX}.max=[0.4, 0.25, 0.2]",
    )
    for _ in range(9):
        goal = rig.act([1.0, 0.0]).joint_goal
        reached = rig.kinematics[0].forward(goal[0])[:3, :3]
        assert reached == pytest.approx(rig.setpoint.pose[0, :3, :3], abs=2e-3)
    assert np.rad2deg(goal[0, 0]) < -30


def test_joint_outside_its_range_comes_back_slowly():
    """An arm that was pushed out of its range and taken over there is led back; no goal leaves its range meanwhile."""
    pose = "processor.reset.fixed_reset_joint_positions=[2.5, -7.5, 9.0, 70.0, -84.7, 50.0]"
    rig = by_joint("env.fps=50", "safety.joint_margin_deg=15", pose)
    pushed = rig.setpoint.joints.copy()
    pushed[0, 0] = rig.limits.upper[0, 0] + 0.25
    rig.act([0] * 5, joints=pushed)
    goals = [rig.setpoint.sent[0, 0]]
    goals += [rig.act([0] * 5, human=True, joints=pushed).joint_goal[0, 0] for _ in range(40)]
    assert max(np.diff(goals)) <= rig.limits.max_step + 1e-9
    assert goals[-1] == rig.limits.upper[0, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000_000))
def test_wherever_the_arms_really_are(seed):
    """Two arms held back, pushed about, changing hands: ranges and speed hold, and what is far ahead comes nearer."""
    rng, rig = np.random.default_rng(seed), Rig(name="sim_bimanual.toml")
    low, high, most = rig.limits.lower, rig.limits.upper, rig.limits.max_step + 1e-9
    before, human = rig.setpoint.joints.copy(), False
    measured = before
    rig.act([0] * 6)
    for _ in range(20):
        stays = rng.random() > 0.2
        if not stays:
            off = rng.normal(0, rng.choice([0, 0.02, 0.3, 1.0]), (2, 6))
            measured = np.clip(before - off, low - 0.03, high + 0.03)
        human ^= rng.random() < 0.2
        goal = rig.act(rng.uniform(-2, 2, 6), OPEN, CLOSE, human=human, joints=measured).joint_goal
        assert ((goal >= low - 1e-9) & (goal <= high + 1e-9)).all()
        from_command, from_arm = np.abs(goal - before), np.abs(goal - measured)
        assert (from_command <= most).all()
        before_arm = np.abs(before - measured)
        assert not stays or ((from_arm <= LEAD + 2 * most) | (from_arm < before_arm))[:, :5].all()
        before = goal


def test_over_long_step_is_cut_not_fatal():
    """Defect seen elsewhere: an over-long step raised and killed the run. Here it counts as one full step."""
    long, full = Rig(), Rig()
    tick = long.act([40.0, 0.0, 0.0])
    assert tick.joint_goal == pytest.approx(full.act([1.0, 0.0, 0.0]).joint_goal)
    assert tick.action.tolist() == [1.0, 0.0, 0.0]
    assert Limit.STEP in tick.limits


@pytest.mark.parametrize(
    ("up", "ticks"), [(0.0, 6), (0.9, 6), (-0.2, 6), (-0.9, 3)], ids=["rest", "out", "slowly in", "in"]
)
def test_a_command_outside_the_box_is_led_back(up, ticks):
    """Defect seen elsewhere: the first command put the arm into the box at once. Undriven it takes a third of a step.

    An action that leads in is carried out, one that leads out is not.
    """
    rig = Rig()
    high = rig.config.processor.inverse_kinematics.end_effector_bounds.max[2]
    outside = rig.setpoint.pose[0].copy()
    outside[2, 3] = high + 0.039
    joints = rig.setpoint.joints.copy()
    for _ in range(3):
        joints[0, :5] = rig.kinematics[0].inverse(joints[0], outside).q
    rig.setpoint.anchor(joints)
    heights = [float(rig.position(joints)[2])]
    assert heights[0] > high + 0.035
    for _ in range(ticks):
        tick = rig.act([0.0, 0.0, up])
        assert (Limit.BOX in tick.limits) is (up > -1 / 3)
        heights.append(float(rig.position(tick.joint_goal)[2]))
    expected = min(-0.02 / 3, up * 0.02 if up < 0 else 0.0)
    assert np.diff(heights[: ticks - 1]) == pytest.approx(np.full(ticks - 2, expected), abs=TOLERANCE)
    assert heights[-1] < high + TOLERANCE


def test_box_is_counted_where_it_acts():
    """The workspace box is reported on the ticks on which it cut the wish, and on no other."""
    rig = Rig()
    flags = [bool(rig.act([0, 0, -1]).limits & Limit.BOX) for _ in range(8)]
    assert flags[0] is False
    assert flags[-1] is True
    assert not rig.act([0, 0, 1]).limits & Limit.BOX


def test_out_of_reach_is_counted_and_comes_back():
    """Beyond the arm's reach the reference stays where the arm can follow: the way back begins at once."""
    rig = Rig(f"{BOX}.max=[0.6, 0.17, 0.12]")
    for _ in range(20):
        tick = rig.act([1, 0, 0])
    far = rig.position(tick.joint_goal)[0]
    assert Limit.REACH in tick.limits
    assert rig.position(rig.act([-1, 0, 0]).joint_goal)[0] < far - 0.01


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000_000))
def test_out_of_reach_stays_in_the_box_and_below_one_step(seed):
    """Where inverse kinematics gives up, the arm still moves by no more than a step, and never out of the box."""
    rng, rig = np.random.default_rng(seed), Rig(f"{BOX}.min=[-0.2, -0.5, 0.05]", f"{BOX}.max=[0.6, 0.5, 0.6]")
    before, lost = rig.position(rig.setpoint.joints), 0
    for tick_number in range(40):
        if tick_number % 10 == 0:
            bias = rng.uniform(-2, 2, 3)
        tick = rig.act(bias)
        here = rig.position(tick.joint_goal)
        assert np.abs(here - before).max() <= 0.02 + TOLERANCE
        assert here[2] >= min(0.05, before[2]) - TOLERANCE
        before, lost = here, lost + (Limit.REACH in tick.limits)
    assert lost or rig.setpoint.pose[0, :3, 3] == pytest.approx(before, abs=TOLERANCE)


def test_limits_of_joints_are_counted():
    """A joint at the end of its range, or at its greatest speed, is reported."""
    rig = by_joint("processor.joint_step_deg=10.0")
    assert rig.act([0, 0, 0, 0, 0]).limits == Limit(0)
    assert rig.act([-1, 0, 0, 0, 0]).limits == Limit(0)
    for _ in range(15):
        tick = rig.act([-1, 0, 0, 0, 0])
    assert tick.limits == Limit.JOINT
    fast = by_joint("processor.joint_step_deg=18.0")
    assert fast.act([1, 0, 0, 0, 0]).limits == Limit.VELOCITY


def test_joint_control_moves_each_joint_by_its_step():
    """Without inverse kinematics a full action turns a joint by `joint_step_deg`, and no other."""
    rig = by_joint("processor.joint_step_deg=4.0")
    before = rig.setpoint.joints.copy()
    assert rig.features.action[2] == "elbow_flex.delta"
    moved = np.rad2deg(rig.act([0, 0, 1, 0, -0.5]).joint_goal - before)
    assert moved[0] == pytest.approx([0, 0, 4, 0, -2, 0])


def test_table_stops_the_arm_and_lets_it_up():
    """With `table_height_m` a command into the table is refused and counted, and the way up stays free."""
    low = f"{BOX}.min=[0.15, -0.11, -0.05]"
    free, guarded = Rig(low), Rig(low, "safety.table_height_m=0.0")
    for _ in range(8):
        free.act([0, 0, -1])
        tick = guarded.act([0, 0, -1])
    assert free.setpoint.pose[0, 2, 3] < -0.04
    assert guarded.setpoint.pose[0, 2, 3] > -0.005
    assert Limit.COLLISION in tick.limits
    up = guarded.act([0, 0, 1])
    assert not up.limits & Limit.COLLISION
    assert guarded.position(up.joint_goal)[2] > 0.01


def test_arm_that_starts_in_the_table_gets_out():
    """From below the table, as after a wrong height, commands that lead up are carried out and those down refused."""
    below, rig = Rig(), Rig("safety.table_height_m=0.03")
    for _ in range(4):
        below.act([0, 0, -1])
    rig.setpoint.anchor(below.setpoint.joints)
    start = rig.setpoint.pose[0, 2, 3]
    assert start < 0.01
    assert Limit.COLLISION in rig.act([0, 0, -1]).limits
    assert rig.setpoint.pose[0, 2, 3] == start
    assert not rig.act([0, 0, 1]).limits & Limit.COLLISION
    assert rig.setpoint.pose[0, 2, 3] == pytest.approx(start + 0.02)


def test_arm_does_not_run_into_itself():
    """With `self_collision` a joint command that would fold the wrist into the base is refused, and back is free."""
    pose = "processor.reset.fixed_reset_joint_positions=[0.0, -80.0, 80.0, 60.0, 0.0, 50.0]"
    free, guarded = by_joint(pose), by_joint(pose, "safety.self_collision=true")
    for _ in range(10):
        free.act([0, -1, 1, 1, 0])
        tick = guarded.act([0, -1, 1, 1, 0])
    assert Limit.COLLISION in tick.limits
    assert np.abs(free.setpoint.joints - guarded.setpoint.joints).max() > 0.1
    before = guarded.setpoint.joints.copy()
    assert guarded.act([0, 1, -1, -1, 0]).joint_goal[0, 1] > before[0, 1]


@pytest.mark.parametrize("step_deg", [5, 18])
def test_what_collision_guard_checks_is_what_is_sent(step_deg):
    """With the check on, no sequence of joint actions brings the arm closer than allowed, at the ends of joints too."""
    rig = by_joint(
        "safety.table_height_m=0.0", "safety.self_collision=true", f"processor.joint_step_deg={step_deg}"
    )
    check = Collisions(SO100_URDF, table_height=0.0)
    rng, before = np.random.default_rng(0), check.clearance(rig.home[0]).distance
    refused = 0
    for tick_number in range(400):
        if tick_number % 8 == 0:
            bias = rng.uniform(-1.5, 1.5, 5)
        tick = rig.act(bias, GripperCommand(int(rng.integers(3))))
        now = check.clearance(tick.joint_goal[0]).distance
        assert now > min(0.002, before) - 1e-6
        before, refused = now, refused + (Limit.COLLISION in tick.limits)
    assert refused > 10


def test_stopped_arm_can_still_let_go():
    """An arm that the table stops opens its gripper all the same."""
    rig = Rig("safety.table_height_m=0.0", f"{BOX}.min=[0.15, -0.11, -0.05]")
    for _ in range(10):
        tick = rig.act([0, 0, -1], STAY)
    held = tick.joint_goal[0].copy()
    tick = rig.act([0, 0, -1], OPEN)
    assert Limit.COLLISION in tick.limits
    assert tick.joint_goal[0, :5].tolist() == held[:5].tolist()
    assert tick.joint_goal[0, 5] > held[5]


# --- the arm's description ----------------------------------------------------------------------


def test_start_pose_is_the_configs():
    """`fixed_reset_joint_positions` is where an episode starts: five degrees and the gripper's position."""
    rig = Rig("processor.reset.fixed_reset_joint_positions=[10.0, -20.0, 30.0, 40.0, -50.0, 25.0]")
    assert units_from_radians(rig.home[0]) == pytest.approx([10, -20, 30, 40, -50, 25])
    assert rig.setpoint.joints == pytest.approx(rig.home)


def test_target_frame_is_the_configs():
    """`target_frame_name` says which frame the action moves."""
    frame = Rig("processor.inverse_kinematics.target_frame_name=gripper_link", ROOMY)
    offset = frame.setpoint.pose[0, :3, 3] - Rig().setpoint.pose[0, :3, 3]
    assert np.linalg.norm(offset) == pytest.approx(np.linalg.norm([-0.0079, -0.000218, -0.0981]), abs=1e-4)


def test_urdf_is_the_configs(tmp_path):
    """`urdf_path` says what the arm looks like: one with a longer forearm reaches elsewhere."""
    text = SO100_URDF.read_text()
    assert "-0.1349" in text
    (tmp_path / "long.urdf").write_text(text.replace("-0.1349", "-0.2349"))
    long = Rig(f"processor.inverse_kinematics.urdf_path={tmp_path}/long.urdf", ROOMY)
    assert np.linalg.norm(long.setpoint.pose[0, :3, 3] - Rig().setpoint.pose[0, :3, 3]) == pytest.approx(
        0.1, abs=1e-3
    )


def test_frame_that_the_arm_does_not_carry():
    """A frame before the wrist, or on the jaw, is refused: inverse kinematics has the arm's five joints."""
    for frame, joints in (("wrist_link", 4), ("moving_jaw_link", 6)):
        with pytest.raises(RobotModelError, match=f'"{frame}" is carried by {joints} joints'):
            Rig(f"processor.inverse_kinematics.target_frame_name={frame}")


def test_box_without_inverse_kinematics():
    """An arm's own box is refused with joint control, which would not keep it."""
    box = "robot.arms.right.end_effector_bounds={min = [0.15, -0.1, 0.06], max = [0.3, 0.1, 0.12]}"
    with pytest.raises(ConfigError, match=r"robot.arms.right.end_effector_bounds: needs \[processor.inverse"):
        by_joint(box, name="sim_bimanual.toml")


# --- gripper ------------------------------------------------------------------------------------


def test_gripper_stay_keeps_the_commanded_goal():
    """Defect seen elsewhere: "stay" re-targeted the measured gripper, and dropped the object."""
    rig = Rig()
    closing = rig.act([0, 0, 0], CLOSE).joint_goal[0, 5]
    assert closing == pytest.approx(rig.home[0, 5] - rig.limits.max_step)
    blocked = rig.setpoint.joints.copy()
    blocked[0, 5] += 0.5  # an object keeps the jaw open
    assert rig.act([0, 0, 0], STAY, joints=blocked).joint_goal[0, 5] == closing
    assert rig.act([0, 0, 0], STAY, human=True, joints=blocked).joint_goal[0, 5] == closing
    assert rig.act([0, 0, 0], OPEN).joint_goal[0, 5] == pytest.approx(rig.home[0, 5])


def test_gripper_polarity_is_the_configs():
    """Defect seen elsewhere: open and close changed places. Here `open_position` says which is which."""
    usual, turned = Rig(), Rig("processor.gripper.open_position=0")
    assert usual.act([0, 0, 0], OPEN).joint_goal[0, 5] > usual.home[0, 5]
    assert turned.act([0, 0, 0], OPEN).joint_goal[0, 5] < turned.home[0, 5]
    assert usual.limits.opening(usual.limits.upper) == pytest.approx([1.0])
    assert turned.limits.opening(turned.limits.lower) == pytest.approx([1.0])


@pytest.mark.parametrize("position", [0, 100])
def test_widest_opening(position):
    """`max_gripper_pos` is the widest opening that is commanded, whichever way round it was calibrated."""
    rig = Rig("processor.max_gripper_pos=60.0", f"processor.gripper.open_position={position}")
    for _ in range(20):
        tick = rig.act([0, 0, 0], OPEN)
    assert rig.limits.opening(tick.joint_goal) == pytest.approx([0.6])
    for _ in range(20):
        tick = rig.act([0, 0, 0], CLOSE)
    assert rig.limits.opening(tick.joint_goal) == pytest.approx([0.0])


def test_unused_gripper_never_moves():
    """With `use_gripper = false` neither policy nor operator moves it, and it is in neither action nor state."""
    rig = Rig("processor.gripper.use_gripper=false", "processor.gripper.gripper_penalty=0")
    assert rig.act([0, 0, 0], OPEN).joint_goal[0, 5] == rig.home[0, 5]
    assert rig.act([0, 0, 0], OPEN, human=True).joint_goal[0, 5] == rig.home[0, 5]
    assert rig.features.gripper == ()
    assert "previous.gripper" not in rig.features.state


def test_device_without_gripper():
    """With `teleop.use_gripper = false` the gripper stays with the policy while the operator drives."""
    rig = Rig("teleop.use_gripper=false")
    assert rig.act([0, 0, 0], OPEN, human=True).joint_goal[0, 5] == rig.home[0, 5]
    tick = rig.observe()
    tick.policy_action, tick.policy_gripper = np.float32([0, 0, 0]), (CLOSE,)
    tick.wish = OperatorInput(intervening=True, gripper=(OPEN,))
    rig.command(tick)
    assert tick.gripper == (CLOSE,)


# --- who decides --------------------------------------------------------------------------------


def test_operator_overrides_and_is_marked():
    """Defect seen elsewhere: the intervention flag was never set. While she drives it is, and she is obeyed."""
    rig = Rig()
    tick = rig.observe()
    tick.policy_action = np.float32([0, 0, 1])
    tick.wish = OperatorInput(intervening=True, action=(1.0, 0.0, 0.0))
    rig.command(tick)
    assert tick.human
    assert tick.action.tolist() == [1, 0, 0]
    assert tick.policy_action.tolist() == [0, 0, 1]
    assert not rig.act([0, 0, 0]).human


def test_handover_makes_no_jump():
    """Takeover and handback go on from the last command: an arm that lags a little is not set back."""
    rig = Rig()
    for _ in range(3):
        rig.act([1, 0, 0])
    told = rig.setpoint.joints.copy()
    lagging = told - 0.05
    assert rig.act([0, 0, 0], human=True, joints=lagging).joint_goal == pytest.approx(told, abs=2e-3)
    assert rig.act([0, 0, 0], joints=lagging).joint_goal == pytest.approx(told, abs=2e-3)


@pytest.mark.parametrize("make", [Rig, by_joint])
def test_handover_does_not_drive_on_a_held_arm(make):
    """An arm that something holds back is taken over near where it is, not where it had been told to go."""
    rig = make()
    rest = [0.0] * len(rig.features.action)
    held = rig.setpoint.joints.copy()
    held[0, 0] -= 1.0
    rig.act(rest, joints=held)  # nobody has changed
    tick = rig.act(rest, joints=held)
    assert tick.joint_goal[0, 0] - held[0, 0] == pytest.approx(LEAD + rig.limits.max_step, abs=0.01)
    taken_over = rig.act(rest, human=True, joints=held)
    assert Limit.HELD in taken_over.limits
    tick = rig.act(rest, human=True, joints=held)
    assert tick.joint_goal[0, 0] - held[0, 0] == pytest.approx(HANDOVER_LEAD, abs=0.01)


def test_handover_does_not_brake_an_arm_in_motion():
    """An arm that is nearly a tick behind its fast command goes on to it when it changes hands."""
    rig = by_joint("processor.joint_step_deg=18.0")
    told = rig.act([1, 0, 0, 0, 0]).joint_goal
    late = told.copy()
    late[0, 0] -= np.deg2rad(17.0)
    taken = rig.act([0] * 5, human=True, joints=late)
    assert taken.handover
    assert taken.joint_goal == pytest.approx(told, abs=1e-9)


def test_takeover_takes_the_reference_along():
    """What a held arm does next counts from near where it is: the reference pose and the joints agree."""
    rig = Rig()
    held = rig.setpoint.joints.copy()
    held[0, 0] -= 1.0
    rig.act([0, 0, 0], joints=held)
    for _ in range(4):
        rig.act([0, 0, 0], human=True, joints=held)
    assert rig.setpoint.pose[0, :3, 3] == pytest.approx(rig.position(rig.setpoint.joints), abs=TOLERANCE)
    assert rig.setpoint.joints[0, 0] - held[0, 0] < rig.limits.max_step + 0.05


@pytest.mark.parametrize("name", ["sim_so100.toml", "sim_bimanual.toml"])
@pytest.mark.parametrize("fps", [10, 30])
@pytest.mark.parametrize("human", [False, True])
def test_one_wrong_reading_moves_no_goal(name, fps, human):
    """A reading that says elbow and gripper +90 degrees moves no goal, hands changing too."""
    rig = Rig(f"env.fps={fps}", *(f"{STEPS}.{axis}={0.2 / fps}" for axis in "xyz"), name=name)
    rest = [0.0] * len(rig.features.action)
    rig.act(rest)
    wrong = rig.setpoint.sent.copy()
    wrong[:, [2, 5]] += np.pi / 2
    before = rig.setpoint.sent.copy()
    for joints in (wrong, None, wrong, None):
        assert rig.act(rest, human=human, joints=joints).joint_goal == pytest.approx(before, abs=1e-6)
    for _ in range(2):
        tick = rig.act(rest, human=human, joints=wrong)
    assert Limit.HELD in tick.limits, "what repeats is true"
    assert 0.01 < np.abs(tick.joint_goal - before).max() <= rig.limits.max_step + 1e-9


def test_first_tick_is_no_handover():
    """An episode that begins in other hands than the last one ended starts from the start pose as commanded."""
    rig = Rig()
    rig.act([0, 0, 0], human=True)
    rig.pipelines.begin()
    held = rig.home.copy()
    held[0, 0] -= 1.0
    assert not rig.act([0, 0, 0], joints=held).handover


def test_two_arms_act_by_side():
    """With two arms each side's part of the action and of the gripper command moves that side alone."""
    rig = Rig(name="sim_bimanual.toml")
    start = rig.setpoint.joints.copy()
    assert rig.features.action[3:] == ("right.dx", "right.dy", "right.dz")
    goal = rig.act([0, 0, 0, 0, 0, -1], STAY, OPEN).joint_goal
    assert goal[0] == pytest.approx(start[0], abs=1e-3)
    assert rig.position(goal, 1)[2] == pytest.approx(
        rig.kinematics[1].forward(start[1])[2, 3] - 0.02, abs=1e-3
    )
    assert goal[1, 5] > start[1, 5]


def test_sides_may_have_boxes_and_poses_of_their_own():
    """A side's own start pose and box take the place of the common ones."""
    rig = Rig(
        "robot.arms.right.fixed_reset_joint_positions=[10.0, -7.5, 9.0, 88.5, -84.7, 50.0]",
        "robot.arms.right.end_effector_bounds={min = [0.15, -0.11, 0.06], max = [0.31, 0.17, 0.12]}",
        name="sim_bimanual.toml",
    )
    assert np.rad2deg(rig.home[:, 0]) == pytest.approx([2.5, 10.0])
    for _ in range(10):
        goal = rig.act([0, 0, -1, 0, 0, -1]).joint_goal
    assert rig.position(goal, 0)[2] < 0.01
    assert rig.position(goal, 1)[2] == pytest.approx(0.06, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("override", "error", "words"),
    [
        (
            "processor.reset.fixed_reset_joint_positions=[200, 0, 0, 0, 0, 0]",
            StartPoseError,
            "shoulder_pan at 200.0 is outside -",
        ),
        (
            f"{BOX}={{min = [0.1, -0.2, 0.15], max = [0.21, 0.2, 0.25]}}",
            StartOutsideBoxError,
            "the start pose of the arm .* 7 mm above max in x, 76 mm below min in z",
        ),
        ("safety.table_height_m=0.1", CollisionError, "at the start pose, .* would be too near table"),
        (
            "processor.inverse_kinematics.target_frame_name=tool",
            UnknownNameError,
            "no target_frame_name 'tool'; there are",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_moves(override, error, words):
    """A start pose out of range, out of the box or in the table, and a frame that there is not, end the making."""
    with pytest.raises(error, match=words):
        Rig(override)


def test_a_start_pose_outside_the_box_is_one_arms():
    """The arm is named with the options of its own; joint control has no box; a millimetre is rounding."""
    own = "robot.arms.right.end_effector_bounds={{min = [0.15, -0.11, {}], max = [0.31, 0.17, 0.12]}}"
    with pytest.raises(
        StartOutsideBoxError, match=r"right arm .*: 6 mm below min in z.*or \$\.robot\.arms\.right\.end_eff"
    ):
        Rig(own.format(0.080), name="sim_bimanual.toml")
    Rig(own.format(0.075), name="sim_bimanual.toml")
    by_joint("processor.reset.fixed_reset_joint_positions=[90, -7.5, 9, 88.5, -84.7, 50]")


def test_empty_joint_range(tmp_path):
    """A calibrated range that the margin leaves nothing of is an error that names the joint and the file."""
    calibration = json.loads((ROOT / "configs/calibration/robots/so100_follower/sim.json").read_text())
    calibration["elbow_flex"].update(range_min=2000, range_max=2040)
    folder = tmp_path / "robots" / "so100_follower"
    folder.mkdir(parents=True)
    (folder / "sim.json").write_text(json.dumps(calibration))
    with pytest.raises(JointRangeError, match=r"elbow_flex has no range left: the one in .*sim\.json"):
        Rig(f"robot.calibration_dir={tmp_path}")
