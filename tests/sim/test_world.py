"""The simulated world: physics, goals, cube, success, determinism."""

import mujoco
import numpy as np
import pytest
from drive import ALL, grip_the_cube, put_cube

from hilrt.config import SimArm
from hilrt.errors import UnknownNameError
from hilrt.sim.layout import bases
from hilrt.sim.model import ARMS, JOINTS, STALL_TORQUE
from hilrt.sim.skills import CLOSE
from hilrt.sim.task import CUBE_REST
from hilrt.sim.tasks import TASKS
from hilrt.sim.world import START_POSE_DEG, SUCCESS_HOLD, World

START = np.radians(START_POSE_DEG)


@pytest.fixture
def world():
    """A fresh pick_lift world."""
    with World("pick_lift", 0) as world:
        yield world


def test_unknown_task_lists_known():
    """A task that does not exist is refused with the names of those that do."""
    with pytest.raises(UnknownNameError, match="no task 'lift'; there are: pick_lift, push, place, insert"):
        World("lift", 0)


def test_a_soft_arm_sags_by_its_weight_over_its_stiffness():
    """At a tenth of the stiffness the shoulder hangs ten times as far below its goal."""
    sags = []
    for stiffness in (200.0, 20.0):
        with World("pick_lift", 0, nature=SimArm(preset="stiff", stiffness=stiffness)) as world:
            world.set_goals(START, ALL)
            world.step(2.0)
            sags.append(abs(world.positions() - START)[1])
    assert np.degrees(sags[1]) > 0.9
    assert sags[1] / sags[0] == pytest.approx(10.0, rel=0.1)


def test_same_calls_same_bits():
    """Two worlds with the same seed and goals end in bit-identical states."""
    rng = np.random.default_rng(1)
    goals = START + rng.uniform(-0.4, 0.4, (20, 6))
    states = []
    for _ in range(2):
        world = World("push", 7)
        for goal in goals:
            world.set_goals(goal, ALL, velocity_limit=3.0)
            world.step(0.1)
        states.append(np.concatenate([world._data.qpos, world._data.qvel]))
    np.testing.assert_array_equal(states[0], states[1])


def test_one_arm_moves_as_it_did_before_there_were_two():
    """Cube, motion and load of a single arm are the recorded ones: published results were made with them."""
    with World("pick_lift", 7) as world:
        cube = (0.2325095466604667, 0.03972138009695755, 0.0125)
        np.testing.assert_allclose(world.object_pose()[:3], cube, rtol=0, atol=1e-15)
        world.set_goals(np.add(START, (0.4, 0.2, -0.3, -0.2, 0.5, 0.3)), ALL, velocity_limit=2.0)
        world.step(0.3)
        seen = np.stack((world.positions(), world.velocities(), world.loads()))
    recorded = [
        [0.442983980379, 0.071729366860, -0.140837906545, 1.344676746071, -0.976469827378, 1.172554021175],
        [0.006027519727, -0.000958622662, -0.001657142279, 0.000894636391, -0.113697534928, 0.000574587742],
        [0.042176691657, -0.178089241808, -0.140283079661, -0.004831400899, -0.032712506650, 0.007081271671],
    ]
    np.testing.assert_allclose(seen, recorded, rtol=0, atol=1e-11)


def test_each_of_two_arms_moves_its_own_joints():
    """Goals, torque and speed limit of one arm leave the other where it was, whichever is told first."""
    for moved in (0, 1):
        with World("pick_lift", 0, arms=2) as world:
            world.step(1.0)
            still = world.positions(1 - moved)
            world.set_goals(START - 0.3, ALL, velocity_limit=1.0, arm=moved)
            world.step(1.0)
            np.testing.assert_allclose(world.positions(moved), START - 0.3, atol=np.radians(0.5))
            np.testing.assert_allclose(world.positions(1 - moved), still, atol=1e-4)
            world.set_goals(START, [False] * 6, arm=moved)
            world.set_goals(START, ALL, arm=1 - moved)
            world.step(1.0)
            np.testing.assert_array_equal(world.loads(moved), 0.0)
            assert np.abs(world.loads(1 - moved)).max() > 0.05
            np.testing.assert_allclose(world.positions(1 - moved), still, atol=1e-4)


def test_an_arm_of_two_moves_like_the_only_one():
    """Away from the other, each of two arms follows the path a single one takes."""
    worlds = World("pick_lift", 0), World("pick_lift", 0, arms=2)
    for world, arms in zip(worlds, (1, 2), strict=True):
        for arm in range(arms):
            world.set_goals(START + 0.2, ALL, velocity_limit=1.0, torque_limit=0.8, arm=arm)
        world.step(0.5)
    single, double = worlds
    for arm in (0, 1):
        np.testing.assert_allclose(double.positions(arm), single.positions(), atol=1e-6)
        np.testing.assert_allclose(double.loads(arm), single.loads(), atol=1e-4)


def test_arms_stop_at_each_other():
    """Two arms that are turned towards each other meet and stay in front of their goals."""
    with World("pick_lift", 0, arms=2) as world:
        for arm, turn in enumerate((1.3, -1.3)):  # the pan turns clockwise
            goal = np.add(START, (turn, 0.3, -0.5, 0.0, 0.0, 0.0))
            world.set_goals(goal, ALL, velocity_limit=2.0, arm=arm)
        world.step(2.0)
        owners = world._model.geom_contype[world._data.contact.geom]
        assert (np.sort(owners, axis=1) == ARMS).all(axis=1).any()
        goals = world._motors.goals.reshape(2, 6)
        assert all(np.abs(world.positions(arm) - goals[arm]).max() > 0.1 for arm in (0, 1))


def test_small_steps_equal_large_ones(world):
    """Time cut into pieces that are no multiple of the physics step gives the same physics as whole."""
    other = World("pick_lift", 0)
    for w, pieces in ((world, 3), (other, 100)):
        w.set_goals(START + 0.2, ALL)
        for _ in range(pieces):
            w.step(0.5 / pieces)
    assert world.time == pytest.approx(0.5)
    assert world._steps == other._steps
    np.testing.assert_array_equal(world.positions(), other.positions())


def test_goals_are_reached(world):
    """A second after a goal is given, every joint is within half a degree of it, gravity or not."""
    goal = START + np.array([0.5, -0.3, 0.3, -0.4, 0.5, 0.2])
    world.set_goals(goal, ALL)
    world.step(1.0)
    np.testing.assert_allclose(world.positions(), goal, atol=np.radians(0.5))
    np.testing.assert_allclose(world.velocities(), 0.0, atol=0.02)


def test_velocity_limit_is_kept(world):
    """With a velocity limit the joint is on its way for as long as the limit says."""
    goal = START.copy()
    goal[0] += 1.0
    world.set_goals(goal, ALL, velocity_limit=0.5)
    world.step(1.0)
    assert world.positions()[0] - START[0] == pytest.approx(0.5, abs=0.05)
    assert world.velocities()[0] == pytest.approx(0.5, abs=0.1)


def test_torque_off_lets_the_arm_fall(world):
    """Without torque the shoulder gives way and its servo exerts nothing; with torque it stays."""
    world.step(1.0)
    held = world.positions()
    world.set_goals(START, [False] * 6)
    world.step(2.0)
    assert np.abs(world.positions() - held).max() > np.radians(10)
    np.testing.assert_array_equal(world.loads(), 0.0)
    np.testing.assert_array_equal(world.currents(), 0.0)


def test_torque_on_starts_from_where_the_arm_is(world):
    """A fallen arm that is switched on with a velocity limit leaves at that velocity, without a jerk."""
    world.set_goals(START, [False] * 6)
    world.step(2.0)
    fallen = world.positions()
    world.set_goals(START, ALL, velocity_limit=0.2)
    world.step(0.1)
    assert np.abs(world.positions() - fallen).max() < 0.1


def test_gripper_force_is_limited(world):
    """A gripper closed on a cube pushes with half the stall torque and no more."""
    grip_the_cube(world)
    assert world.loads()[JOINTS.index("gripper")] == pytest.approx(-1.47 / STALL_TORQUE, rel=0.01)


@pytest.mark.parametrize("task", TASKS)
def test_a_place_is_deterministic(task):
    """A seed gives one pose of the object, standing on the table; the arm is untouched."""
    world = World(task, 0)
    world.set_goals(START + 0.3, ALL)
    world.step(0.2)
    arm = world.positions()
    poses = []
    for seed in range(50):
        world.place(seed)
        poses.append(world.object_pose())
    world.place(3)
    np.testing.assert_array_equal(world.object_pose(), poses[3])
    np.testing.assert_array_equal(world.positions(), arm)
    np.testing.assert_allclose(np.array(poses)[:, 2], TASKS[task].rest)


def test_the_cube_comes_before_either_of_two_arms():
    """Seeds share the cube out between two arms; in front of its arm it lies where a single one would find it."""
    with World("push", 0) as single, World("push", 0, arms=2) as double:
        found = []
        for seed in range(40):
            single.place(seed)
            double.place(seed)
            offset = double.object_pose() - single.object_pose()
            found.append(int(offset[1] < 0))
            np.testing.assert_allclose(offset, (*bases(2)[found[-1]], 0.0, 0.0), atol=1e-12)
    assert 10 < sum(found) < 30


@pytest.mark.parametrize("face", [(1, 0, 0), (0, 1, 0)])
def test_yaw_ignores_quarter_turns_and_the_face_that_is_up(world, face):
    """A cube turned by 90 degrees, or lying on another face, has the same pose."""
    put_cube(world, (0.2, 0.0, CUBE_REST), yaw=0.2)
    expected = world.object_pose()
    np.testing.assert_allclose(expected[3:], (np.sin(0.8), np.cos(0.8)), atol=1e-9)
    put_cube(world, (0.2, 0.0, CUBE_REST), yaw=0.2 + np.pi / 2)
    np.testing.assert_allclose(world.object_pose(), expected, atol=1e-9)
    quat, roll = np.empty(4), np.array([np.sqrt(0.5), *(np.sqrt(0.5) * np.array(face))])
    mujoco.mju_mulQuat(quat, np.array([np.cos(0.1), 0, 0, np.sin(0.1)]), roll)
    world._data.joint("cube").qpos[3:] = quat
    mujoco.mj_forward(world._model, world._data)
    np.testing.assert_allclose(world.object_pose(), expected, atol=1e-9)


def test_success_needs_half_a_second_of_holding():
    """A held cube counts when it has been high enough for half a second, not before, and a drop ends it."""
    with World("pick_lift", 0) as world:
        driver = grip_the_cube(world)
        world.step(2.0)
        assert not world.success()  # held, but on the table
        while world.object_pose()[2] < CUBE_REST + 0.052:
            driver.act((0.0, 0.0, 0.5), CLOSE)
        assert not world.success()
        world.step(SUCCESS_HOLD)
        assert world.success()
        world.set_goals(START, ALL)  # open
        world.step(1.0)
        assert world.object_pose()[2] < CUBE_REST + 0.01
        assert not world.success()


def test_a_cube_in_the_air_is_not_lifted(world):
    """Height without both fingers on the cube is no success."""
    for _ in range(60):
        put_cube(world, (0.3, 0.1, 0.15))
        world.step(0.01)
    assert not world.success()


def test_held_cube_does_not_creep(world):
    """Ten seconds in the grip move the cube by less than a millimetre."""
    driver = grip_the_cube(world)
    for _ in range(5):
        driver.act((0.0, 0.0, 0.5), CLOSE)
    world.step(0.5)
    before = world.object_pose()[:3]
    world.step(10.0)
    assert np.linalg.norm(world.object_pose()[:3] - before) < 1e-3


@pytest.mark.parametrize("arms", [1, 2])
def test_push_needs_rest_on_the_target(arms):
    """The cube counts when it lies still on the disc of any arm, not while it slides across or lies beside."""
    world = World("push", 0, arms)
    x, y = TASKS["push"].target + bases(arms)[-1, :2]
    put_cube(world, (x, y - 0.035, CUBE_REST))
    world.step(1.0)
    assert not world.success()
    for _ in range(150):
        put_cube(world, (x, y, CUBE_REST))
        world._data.joint("cube").qvel[0] = 0.2
        world.step(0.004)
    assert not world.success()
    world.step(1.0)
    assert world.success()


def test_placing_clears_success():
    """A new place begins a new episode: old success does not carry over."""
    world = World("push", 0)
    put_cube(world, (*TASKS["push"].target, CUBE_REST))
    world.step(1.0)
    assert world.success()
    world.place(1)
    assert not world.success()
    world.step(0.1)
    assert not world.success()


def test_progress_grows_with_the_task(world):
    """Progress is larger with the cube gripped than from afar, and largest when it is lifted."""
    afar = world.progress()
    driver = grip_the_cube(world)
    gripped = world.progress()
    for _ in range(8):
        driver.act((0.0, 0.0, 0.5), CLOSE)
    assert 0.0 < afar < gripped < world.progress() <= 1.0
