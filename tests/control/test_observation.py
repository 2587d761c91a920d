"""From measurements to the state vector and the policy's pictures."""

import numpy as np
import pytest
from rig import Rig

from hilrt.shm.pictures import Frame
from hilrt.step.record import GripperCommand

VELOCITY = "processor.observation.add_joint_velocity_to_observation"
CURRENT = "processor.observation.add_current_to_observation"
POSE = "processor.observation.add_ee_pose_to_observation"
CAMERA = ("robot.cameras.front={type = 'sim', width = 320, height = 240}",)


def test_joints_come_first_in_the_order_of_the_motors():
    """The measured angles lead the state, as they are."""
    rig = Rig()
    joints = rig.home + np.arange(6) / 100
    assert rig.part(rig.observe(joints=joints), "shoulder_pan.pos") == pytest.approx([joints[0, 0]])
    assert rig.observe(joints=joints).state[:6] == pytest.approx(joints[0], abs=1e-6)


def test_velocity_is_over_the_measured_time():
    """Defect seen elsewhere: velocity from the nominal period. A tick that came late divides by the time it took."""
    rig = Rig(f"{VELOCITY}=true")
    assert rig.part(rig.observe(time_ns=1_000_000_000), "shoulder_pan.vel") == [0.0]
    moved = rig.home + np.array([0.1, 0, 0, 0, 0, 0])
    late = rig.observe(joints=moved, time_ns=1_400_000_000)  # four periods of 0.1 s
    assert rig.part(late, "shoulder_pan.vel") == pytest.approx([0.25])


def test_velocity_starts_at_zero_with_each_episode():
    """The first tick of an episode has no velocity: the reset in between is no motion of the policy's."""
    rig = Rig(f"{VELOCITY}=true")
    rig.observe(time_ns=1_000_000_000)
    rig.pipelines.begin()
    tick = rig.observe(joints=rig.home + 0.5, time_ns=1_100_000_000)
    assert rig.part(tick, "elbow_flex.vel") == [0.0]


def test_velocity_only_when_asked():
    """Velocities, currents and the end-effector pose are in the state exactly when the config says so."""
    names = {option: Rig(f"{option}=true").features.state for option in (VELOCITY, CURRENT, POSE)}
    assert "gripper.vel" in names[VELOCITY]
    assert "gripper.current" in names[CURRENT]
    assert "ee.z" in names[POSE]
    bare = Rig(*(f"{option}=false" for option in (VELOCITY, CURRENT, POSE)))
    assert not [n for n in bare.features.state if n.endswith((".vel", ".current")) or n.startswith("ee.")]
    assert len(bare.observe().state) == len(bare.features.state)


def test_currents_keep_their_sign():
    """Defect seen elsewhere: currents read unsigned. A braking motor's is negative, in the state too."""
    rig = Rig(f"{CURRENT}=true")
    tick = rig.observe(current=[0.1, -0.2, 0.3, -0.4, 0.5, -0.6])
    assert [
        value for name, value in zip(rig.features.state, tick.state, strict=True) if name.endswith(".current")
    ] == (pytest.approx([0.1, -0.2, 0.3, -0.4, 0.5, -0.6]))


def test_end_effector_pose_joins_the_state():
    """Defect seen elsewhere: the pose was computed and never joined. Here it is there, counted from the start pose."""
    rig = Rig(f"{POSE}=true")
    assert rig.part(rig.observe(joints=rig.home), "ee.") == pytest.approx([0, 0, 0], abs=1e-7)
    joints = rig.home.copy()
    joints[0, 3] -= 0.2
    way = rig.position(joints) - rig.position(rig.home)
    tick = rig.observe(joints=joints)
    assert rig.part(tick, "ee.") == pytest.approx(way, abs=1e-6)
    assert tick.pose[0, :3, 3] == pytest.approx(rig.position(joints))


def test_setpoint_error_is_command_less_measurement():
    """Where the arm hangs 2 degrees below its command, the state says by how much, in metres and radians."""
    rig = Rig()
    sagging = rig.home.copy()
    sagging[0, 1] += np.deg2rad(2.0)
    sagging[0, 5] += 0.3
    tick = rig.observe(joints=sagging)
    missing = rig.position(rig.home) - rig.position(sagging)
    assert rig.part(tick, "setpoint_error.") == pytest.approx([*missing, -0.3], abs=1e-6)
    by_joint = Rig(by_joint=True)
    tick = by_joint.observe(joints=sagging)
    assert by_joint.part(tick, "setpoint_error.shoulder_lift") == pytest.approx([-np.deg2rad(2.0)], abs=1e-6)


def test_previous_action_is_the_executed_one():
    """The state holds what was executed on the last tick, cut to one step, and nothing at the start of an episode."""
    rig = Rig()
    rig.act([3.0, 0.5, -0.5], GripperCommand.OPEN)
    assert rig.part(rig.observe(), "previous.") == pytest.approx([1.0, 0.5, -0.5, 1.0])
    rig.pipelines.begin()
    assert rig.part(rig.observe(), "previous.") == [0, 0, 0, 0]


def test_object_pose_and_the_way_to_it():
    """The object's pose is in the state, and how far it is from the end effector."""
    rig = Rig()
    pose = np.array([[0.2, 0.05, 0.0125, 0.6, 0.8]])
    tick = rig.observe(object=pose)
    assert rig.part(tick, "object.") == pytest.approx(pose[0])
    assert rig.part(tick, "object_from_ee.") == pytest.approx(pose[0, :3] - rig.position(rig.home), abs=1e-6)
    assert not [name for name in Rig("sim.observe_object=false").features.state if name.startswith("object")]


def test_the_object_that_is_not_meant():
    """With two cubes the place of the other one is in the state, too; with one there is none."""
    rig = Rig("env.task=pick_of_two")
    tick = rig.observe(other=np.array([[0.25, -0.03, 0.0125]]))
    assert rig.part(tick, "other.") == pytest.approx([0.25, -0.03, 0.0125])
    assert not [name for name in Rig().features.state if name.startswith("other")]
    blind = Rig("env.task=pick_of_two", "sim.observe_object=false")
    assert not [name for name in blind.features.state if name.startswith("other")]


def test_two_arms_side_by_side():
    """With two arms every part of the state has one side's values, then the other's, and says so by name."""
    rig = Rig(f"{POSE}=true", name="sim_bimanual.toml")
    joints = rig.home.copy()
    joints[1] += 0.1
    tick = rig.observe(joints=joints)
    assert len(tick.state) == len(rig.features.state)
    assert rig.part(tick, "right.wrist_roll.pos") == pytest.approx([joints[1, 4]])
    assert rig.part(tick, "left.ee.") == pytest.approx([0, 0, 0], abs=1e-6)
    assert rig.part(tick, "right.ee.") == pytest.approx(
        rig.position(joints, 1) - rig.position(rig.home, 1), abs=1e-6
    )


def frame(value, number=0):
    image = np.full((240, 320, 3), value, np.uint8)
    image[:120] = 0
    return Frame(image=image, monotonic_ns=number, sequence=number)


def test_views_are_cropped_and_resized_and_frames_stay_whole():
    """The policy's picture has the size and the part that the config asks for; the recorded frame is the camera's."""
    rig = Rig(
        *CAMERA,
        "processor.image_preprocessing.resize_size=[32, 64]",
        "processor.image_preprocessing.crop_params_dict={front = [120, 0, 120, 160]}",
    )
    tick = rig.observe(frames=(frame(200),))
    (view,) = tick.views
    assert view.shape == (32, 64, 3) == (rig.features.views[0].height, rig.features.views[0].width, 3)
    assert (view == 200).all()  # the upper, black half is cropped away
    assert tick.images[0].shape == (240, 320, 3)


def test_default_view():
    """Without a table every camera is resized to 128 x 128, whole."""
    rig = Rig(*CAMERA)
    (view,) = rig.observe(frames=(frame(200),)).views
    assert view.shape == (128, 128, 3)
    assert (view[:63] == 0).all()
    assert (view[65:] == 200).all()


def test_display_gets_what_the_policy_sees():
    """With `display_cameras` every tick's views go to the window, with the time they were taken; without, nothing."""
    shown = []
    rig = Rig(
        *CAMERA, "processor.observation.display_cameras=true", show=lambda *picture: shown.append(picture)
    )
    tick = rig.observe(frames=(frame(200, 7),))
    ((name, view, time_ns),) = shown
    assert (name, time_ns) == ("front", 7)
    assert view is tick.views[0]
    assert not Rig(*CAMERA).config.displays
