"""Departures in words: what, by how much, and what it costs."""

import json

import msgspec
import pytest
from conditions import ARM, CAMERA, CONDITIONS
from msgspec.structs import replace

from hilrt.config import Bounds
from hilrt.step import departure
from hilrt.step.conditions import Conditions, grouped
from hilrt.step.departure import departures


def arm(side: str = "", **fields: object) -> Conditions:
    return replace(CONDITIONS, arms={side: replace(ARM, **fields)})


def camera(**fields: object) -> Conditions:
    return replace(CONDITIONS, cameras={"front": replace(CAMERA, **fields)})


def conditions(**fields: object) -> Conditions:
    return replace(CONDITIONS, **fields)


LOWER = arm(start=(0.0, -8.0, 30.0, 60.0, 0.0, 50.0), start_m=(0.2, 0.0, 0.03))
MM, POSE = "processor.inverse_kinematics.end_effector_bounds", "processor.reset.fixed_reset_joint_positions"


@pytest.mark.parametrize(
    ("now", "said", "cost"),
    [
        (
            LOWER,
            f"{POSE}: z 70 mm before, 30 mm now, 40 mm lower; shoulder_lift -20 before, -8 degrees now",
            departure.START,
        ),
        (
            arm(start=(0.0, -20.0, 30.0, 60.0, 0.0, 80.0)),
            f"{POSE}: gripper 50 before, 80 of 100 now",
            departure.START,
        ),
        (
            arm(box=Bounds(min=(0.15, -0.1, 0.005), max=(0.35, 0.08, 0.12))),
            (
                f"{MM}: max x 300 mm before, 350 mm now, 50 mm further out; "
                "max y 100 mm before, 80 mm now, 20 mm further in"
            ),
            departure.WIDER,
        ),
        (
            arm(box=Bounds(min=(0.15, -0.1, 0.02), max=(0.3, 0.1, 0.12))),
            f"{MM}: min z 5 mm before, 20 mm now, 15 mm further in",
            departure.NARROWER,
        ),
        (
            arm(zeros_deg=(180.0, 178.0, 79.0, 180.0, 1.0), gripper_deg=(150.0, 260.0)),
            (
                "calibration: zero of elbow_flex turned by -12.5 degrees, zero of wrist_roll turned by +2.0 degrees, "
                "open gripper turned by -10.0 degrees"
            ),
            departure.ZEROS,
        ),
        (
            arm(offsets_deg=(0.0, 0.0, -12.5, 0.0, 0.0, 0.0)),
            "zero offsets (hilrt calibrate --touch): elbow_flex 0 before, -12.5 degrees now",
            departure.MODEL,
        ),
        (
            arm(id="spare", zeros_deg=(0.0,) * 5),
            "robot.id: arm follower before, spare now",
            departure.ANOTHER_ARM,
        ),
        (
            conditions(robot_type="so100_follower"),
            "robot.type: so101_follower before, so100_follower now",
            departure.ANOTHER_ARM,
        ),
        (
            conditions(gravity_compensation=True),
            "robot.gravity_compensation: off before, on now",
            departure.SAG,
        ),
        (
            conditions(grip_lead_deg=4.0),
            "robot.grip_lead_deg: 2 degrees before, 4 degrees now",
            departure.GRIP,
        ),
        (
            conditions(start_range_mm=(20.0, 20.0, 0.0)),
            "processor.reset.start_range_m: 0, 0, 0 mm before, 20, 20, 0 mm now",
            departure.START,
        ),
        (conditions(goals_hz=10), "robot.command_hz: 50 Hz before, 10 Hz now", departure.GOALS),
        (
            conditions(joint_velocity_deg_s=90.0),
            "safety.max_joint_velocity_deg_s: 180 degrees/s before, 90 degrees/s now",
            departure.SPEED,
        ),
        (
            conditions(max_gripper_pos=60.0),
            "processor.max_gripper_pos: 100 of 100 before, 60 of 100 now",
            departure.OPENING,
        ),
        (
            conditions(urdf="4567"),
            "processor.inverse_kinematics.urdf_path: another file than before",
            departure.MODEL,
        ),
        (
            conditions(frame="jaw"),
            "processor.inverse_kinematics.target_frame_name: gripper_frame_link before, jaw now",
            departure.MODEL,
        ),
        (
            conditions(own_steps=("action: mine:Slow {'by': 2}",)),
            "processor.steps: none before, action: mine:Slow {'by': 2} now",
            departure.OWN_STEPS,
        ),
        (
            conditions(sim={"stiffness": 17.8}),
            "sim: a real arm before, a simulated one now",
            departure.SIMULATED,
        ),
        (
            camera(device="/dev/video2"),
            "robot.cameras.front.index_or_path: /dev/video0 before, /dev/video2 now",
            departure.DEVICE,
        ),
        (
            camera(width=800),
            "robot.cameras.front.width: 640 pixels before, 800 pixels now",
            departure.LENS,
        ),
        (
            camera(height=600),
            "robot.cameras.front.height: 480 pixels before, 600 pixels now",
            departure.LENS,
        ),
        (
            camera(rotation=180),
            "robot.cameras.front.rotation: 0 degrees before, 180 degrees now",
            departure.TURNED,
        ),
        (camera(fps=15), "robot.cameras.front.fps: 30 Hz before, 15 Hz now", departure.PICTURES),
        (camera(fourcc="YUYV"), "robot.cameras.front.fourcc: MJPG before, YUYV now", departure.PICTURES),
        (
            camera(controls={"exposure": 157, "gain": 40}),
            "robot.cameras.front.controls.gain: 32 before, 40 now",
            departure.PICTURES,
        ),
        (
            camera(controls={"gain": 32}),
            "robot.cameras.front.controls.exposure: 157 before, the camera's own now",
            departure.PICTURES,
        ),
    ],
)
def test_each_is_noticed_and_said(now: Conditions, said: str, cost: str) -> None:
    """Its option, before and now in the units that people think in, and what it has cost others; it is no refusal."""
    (found,) = departures(CONDITIONS, now)
    assert str(found) == f"{said}. {cost}."
    assert not found.refused


def test_a_gripper_the_other_way_round_is_refused() -> None:
    """What was recorded as open would be closed."""
    (found,) = departures(CONDITIONS, conditions(open_position=0))
    assert found.refused
    assert str(found).startswith(
        "processor.gripper.open_position: 100 before, 0 now. What was open is closed"
    )


def test_softness_of_simulated_arms() -> None:
    """What both know of it is compared, each value by its name."""
    before, now = (conditions(sim={"stiffness": s, k: 1}) for s, k in ((200.0, "old"), (17.8, "new")))
    assert [str(each) for each in departures(before, now)] == [
        f"sim.arm.stiffness: 200 before, 17.8 now. {departure.SIMULATED}."
    ]


def test_scenes_of_the_simulator() -> None:
    """The same of where the object lies, what it is like, and how it looks."""
    before, now = (
        conditions(sim={}, scene={"patch_m": 0.1, "object_mass": m, "pictures.light": light})
        for m, light in ((0.02, 0.0), (0.1, 0.5))
    )
    assert [str(each) for each in departures(before, now)] == [
        f"sim.object_mass: 0.02 before, 0.1 now. {departure.SCENE}.",
        f"sim.pictures.light: 0 before, 0.5 now. {departure.SCENE}.",
    ]
    assert not list(departures(conditions(sim={}), now))


def test_nothing_is_said_of_what_is_the_same() -> None:
    """Equal conditions, rounding, and what only the record knows: crop and size are part of a policy's features."""
    assert not list(departures(CONDITIONS, CONDITIONS))
    rounded = arm(start=(0.04, -20.0, 30.0, 60.0, 0.0, 50.0), start_m=(0.2, 0.0, 0.0703))
    assert not list(departures(CONDITIONS, rounded))
    assert not list(departures(CONDITIONS, camera(crop=())))
    assert not list(departures(CONDITIONS, conditions(resize=(84, 84), cameras={})))


def test_controls_that_were_not_kept_are_not_compared() -> None:
    """A dataset of before they were is read, and nothing is said of them."""
    kept = json.loads(msgspec.json.encode(CONDITIONS))
    del kept["cameras"]["front"]["controls"]
    before = msgspec.json.decode(json.dumps(kept), type=Conditions)
    assert before == camera(controls=None)
    assert list(departures(before, CONDITIONS)) == []


def test_two_arms_are_told_apart() -> None:
    """Each is named by its side, with the options of its own."""
    two = replace(CONDITIONS, arms={"left": ARM, "right": ARM})
    said = [str(each) for each in departures(two, arm("right", id="b", start=LOWER.arms[""].start))]
    assert said == [
        (
            "fixed_reset_joint_positions of the right arm: shoulder_lift -20 before, -8 degrees now. "
            f"{departure.START}."
        ),
        f"robot.arms.right.id: arm follower before, b now. {departure.ANOTHER_ARM}.",
    ]


def test_episodes_are_grouped_by_their_conditions() -> None:
    """In the order in which these first occur; unknown ones are a group of their own."""
    lower = conditions(goals_hz=10)
    assert grouped([CONDITIONS, lower, None, replace(CONDITIONS), None]) == [
        (CONDITIONS, [0, 3]),
        (lower, [1]),
        (None, [2, 4]),
    ]
