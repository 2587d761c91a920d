"""Distance from itself and from the table: by hand, against MuJoCo, along paths, in the demo's workspace."""

import tomllib
from itertools import combinations, product
from math import hypot, inf, nan, pi

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs import ROOT

from hilrt.control.collision import Collisions
from hilrt.errors import RobotModelError
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.robots.shapes import BOXES, CAPSULES
from hilrt.sim.model import build_spec
from hilrt.sim.world import START_POSE_DEG

START = np.radians(START_POSE_DEG)
LOWER = np.array((-1.91986, -1.74533, -1.69, -1.65806, -2.74385, -0.174533))
UPPER = np.array((1.91986, 1.74533, 1.69, 1.65806, 2.84121, 1.74533))
ZERO = np.zeros(6)
JAW_PARALLEL = 0.165  # [rad]
# No point of the arm is further than this from any joint's axis, so no distance grows faster [m/rad].
REACH = 0.5

poses = st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6).map(lambda s: LOWER + s * (UPPER - LOWER))

BALL = '<collision><origin xyz="{} 0 0"/><geometry><sphere radius="0.1"/></geometry></collision>'


def write_urdf(path, last, reach=0.5, middle="", joint="revolute"):
    """Three links in a row, hinged about z at 0 and `reach`; a ball of 10 cm on the first, `last` on the last."""
    hinge = (
        '<joint name="{0}" type="{1}"><parent link="{2}"/><child link="{3}"/><origin xyz="{4} 0 0"/>'
        '<axis xyz="0 0 1"/><limit lower="-3.2" upper="3.2" effort="1" velocity="1"/></joint>'
    )
    path.write_text(
        f'<robot name="r"><link name="a">{BALL.format(0)}</link><link name="b">{middle}</link><link name="c">{last}'
        f"</link>{hinge.format('j1', joint, 'a', 'b', 0)}{hinge.format('j2', joint, 'b', 'c', reach)}</robot>"
    )
    return path


def test_zero_pose_to_the_table_as_by_hand():
    """With the arm up and forward, the lowest moving link is the upper arm, 18 mm thick around its axis."""
    axis = 0.0624 + 0.0542  # height of the shoulder_lift axis in the base frame
    clearance = Collisions(SO100_URDF, table_height=0.05, itself=False).clearance(ZERO)
    assert clearance.distance == pytest.approx(axis - 0.018 - 0.05, abs=1e-4)
    assert (clearance.first, clearance.second) == ("upper_arm_link", "table")


def test_wrist_to_parallel_jaw_as_by_hand():
    """Jaw parallel to the finger: its nearest edge is 17.1 mm beside and 43.1 mm before the wrist's round end."""
    joints = (0.0, 0.0, 0.0, 0.0, 0.7, JAW_PARALLEL)
    clearance = Collisions(SO100_URDF).clearance(joints)
    beside = -0.0079 + 0.025  # gripper's frame, x: the fixed finger's face and a cube's width
    along = (
        0.015 + 0.0981 - 0.070
    )  # its z: the wrist's axis ends 15 mm behind it, the jaw begins 28.1 mm before
    assert clearance.distance == pytest.approx(hypot(beside, along) - 0.018, abs=1e-4)
    assert (clearance.first, clearance.second) == ("wrist_link", "moving_jaw_link")


def test_wrist_folded_into_the_base_as_by_hand():
    """Upper arm forward, lower arm 60 degrees from straight back under it: the wrist is in the base by 14 mm."""
    clearance = Collisions(SO100_URDF).clearance(np.radians((0, 90, 60, -60, 0, 10)))
    # Lift axis (0.0692, 0.1166) in x, z; elbow (+0.1126, -0.0280); lower arm turned by 150 degrees (-0.1142, -0.0720).
    wrist = (0.0692 + 0.1126 - 0.1142, 0.1166 - 0.0280 - 0.0720)
    expected = (
        hypot(wrist[0] - 0.0388, wrist[1] - 0.035) - 0.030 - 0.018
    )  # to the near end of the base's axis
    assert clearance.distance == pytest.approx(expected, abs=2e-4)
    assert (clearance.first, clearance.second) == ("base_link", "wrist_link")


def test_each_check_finds_its_own_kind_only():
    """An arm through the table is seen by the table's check alone, one folded into its base by the other alone."""
    through_table, folded = np.radians((0, 100, 0, 0, 0, 10)), np.radians((0, 90, 60, -60, 0, 10))
    table = Collisions(SO100_URDF, table_height=-0.2, itself=False)
    itself = Collisions(SO100_URDF)
    both = Collisions(SO100_URDF, table_height=-0.2)
    assert table.clearance(folded).distance > 0 > itself.clearance(folded).distance
    assert itself.clearance(through_table).distance > 0
    for collisions in (table, itself):
        for joints in (through_table, folded):
            assert both.clearance(joints).distance <= collisions.clearance(joints).distance
    high = Collisions(SO100_URDF, table_height=0.1)
    assert high.clearance(through_table).second == "table"
    assert high.clearance(through_table).distance < 0


def test_what_stands_on_the_table_is_not_checked_against_it():
    """Base and shoulder may be sunk into the table: only what moves up and down counts."""
    clearance = Collisions(SO100_URDF, table_height=0.09, itself=False).clearance(ZERO)
    assert clearance.first == "upper_arm_link"
    assert clearance.distance > 0


@settings(max_examples=100, deadline=None)
@given(start=poses, end=poses)
def test_distance_has_no_jump(start, end):
    """Along any path the distance changes no faster than the arm's furthest point can move."""
    collisions = Collisions(SO100_URDF, table_height=0.0)
    path = np.linspace(start, end, 60)
    distances = [collisions.clearance(joints).distance for joints in path]
    limit = REACH * np.abs(path[1] - path[0]).sum() + 1e-5
    assert np.abs(np.diff(distances)).max() <= limit


@settings(max_examples=50, deadline=None)
@given(joints=poses, before=poses)
def test_answer_does_not_depend_on_the_last_one(joints, before):
    """The same joints give the same bits, whatever was asked before."""
    fresh, used = Collisions(SO100_URDF, table_height=0.0), Collisions(SO100_URDF, table_height=0.0)
    used.clearance(before)
    assert used.clearance(joints) == fresh.clearance(joints)


def test_simulated_world_has_the_same_boxes():
    """Gripper and fingers are where the simulated ones are, and as large, to 0.02 mm."""
    model = build_spec().compile()
    links = [model.body(body).name for body in model.geom_bodyid]
    boxes = np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_BOX)
    simulated = [geom for geom in boxes if links[geom].endswith("_link")]
    assert [links[geom] for geom in simulated] == [part.link for part in BOXES]
    for geom, part in zip(simulated, BOXES, strict=True):
        turn = (np.cos(part.turn / 2), 0.0, 0.0, np.sin(part.turn / 2))
        np.testing.assert_allclose(model.geom(geom).pos, part.centre, atol=2e-5)
        np.testing.assert_allclose(model.geom(geom).quat, turn, atol=2e-5)
        np.testing.assert_allclose(model.geom(geom).size, part.half, atol=2e-5)


def test_agrees_with_mujoco():
    """On the simulated world's shapes MuJoCo finds the same smallest distance, to 0.1 mm, in poses of all kinds."""
    model = build_spec().compile()
    data = mujoco.MjData(model)
    links = {model.body(part.link).id for part in (*CAPSULES, *BOXES)}
    on, parents = model.geom_bodyid, model.body_parentid
    arm = [geom for geom in range(model.ngeom) if on[geom] in links]
    joined = {(on[a], on[b]) for a, b in product(arm, arm) if on[b] in {on[a], parents[on[a]]}}
    pairs = [(a, b) for a, b in combinations(arm, 2) if not joined & {(on[a], on[b]), (on[b], on[a])}]
    base, table = model.body("base_link").id, model.geom("table").id
    pairs += [(geom, table) for geom in arm if base not in {on[geom], parents[on[geom]]}]
    collisions = Collisions(SO100_URDF, table_height=0.0)
    rng = np.random.default_rng(0)
    compared = set()
    for _ in range(1000):
        joints = rng.uniform(LOWER, UPPER)
        data.qpos[:6] = joints
        mujoco.mj_kinematics(model, data)
        theirs = min(mujoco.mj_geomDistance(model, data, a, b, 1.0, None) for a, b in pairs)
        ours = collisions.clearance(joints)
        assert (ours.distance > 0) == (theirs > 0)
        # Where a capsule is deep in a box, MuJoCo's depth falls short of the shortest way out by up to 2 cm.
        if ours.distance > 0 or ours.second not in {"gripper_link", "moving_jaw_link"}:
            assert ours.distance == pytest.approx(theirs, abs=1e-4)
            compared.add(ours[1:])
    assert len(compared) >= 7


def demo_box():
    """Corners of the demo's workspace, from its file."""
    task = tomllib.loads((ROOT / "configs/sim_so100.toml").read_text())
    bounds = task["processor"]["inverse_kinematics"]["end_effector_bounds"]
    return np.array(bounds["min"]), np.array(bounds["max"])


def tool_down(kinematics, position):
    """Joints with the tool as nearly straight down at a point as the arm can, and its tilt from down [deg]."""
    target = kinematics.forward(START)
    target[:3, 3] = position
    joints = START[:5]
    for _ in range(4):
        joints = kinematics.inverse(joints, target).q
    reached = kinematics.forward(joints)
    assert np.linalg.norm(reached[:3, 3] - position) < 5e-4
    return joints, np.degrees(np.arccos(-reached[2, 2]))


def test_demo_workspace_is_clear_and_a_centimetre_lower_is_not():
    """With the tool down nothing is reported in the demo's box at any jaw angle; 1 cm under the table always."""
    kinematics = Kinematics(SO100_URDF)
    collisions = Collisions(SO100_URDF, table_height=0.0)
    assert collisions.clearance(START).distance > 0.02
    low, high = demo_box()
    jaws = np.linspace(LOWER[5], UPPER[5], 9)
    upright = 0
    for x in np.linspace(low[0], high[0], 6):
        for y in np.linspace(low[1], high[1], 6):
            for z in (*np.linspace(low[2], high[2], 4), -0.01):
                joints, tilt = tool_down(kinematics, (x, y, z))
                found = [collisions.clearance((*joints, jaw)) for jaw in jaws]
                nearest = min(found)
                if z < 0:
                    assert max(found).distance < -0.0099
                    assert {each.second for each in found} == {"table"}
                elif tilt < 10.0:
                    assert nearest.distance > 0.001
                    upright += 1
                else:
                    # Out of the tool's straight reach it tilts, and the jaw's far corner dips.
                    assert nearest.distance > -0.002
    assert upright > 90


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_angles_that_are_not_finite_are_never_safe(bad):
    """One bad angle gives minus infinity, which every limit refuses; the next answer is sound again."""
    collisions = Collisions(SO100_URDF, table_height=0.0)
    assert collisions.clearance((0, 0, bad, 0, 0, 0)).distance == -inf
    assert collisions.clearance(START).distance > 0.02


def test_own_description_brings_its_shapes(tmp_path):
    """Two balls of 10 cm, one on an arm of 50 + 35 cm: 65 cm apart stretched out, 5 cm deep folded back."""
    collisions = Collisions(write_urdf(tmp_path / "r.urdf", BALL.format(0.35)))
    assert collisions.clearance(ZERO) == (pytest.approx(0.65), "a", "c")
    assert collisions.clearance((0.3, pi, 0, 0, 0, 0)) == (pytest.approx(-0.05), "a", "c")


def test_what_overlaps_in_every_pose_is_left_out(tmp_path):
    """Balls that no pose pulls apart are built into each other; the ball further out is still checked."""
    last = BALL.format(0.05) + BALL.format(0.4)
    collisions = Collisions(write_urdf(tmp_path / "r.urdf", last, reach=0.05))
    assert collisions.clearance(ZERO).distance == pytest.approx(0.25)


def test_what_overlaps_in_some_poses_is_checked(tmp_path):
    """Balls that overlap in the zero pose but not in every one are reported."""
    collisions = Collisions(write_urdf(tmp_path / "r.urdf", BALL.format(-0.45)))
    assert collisions.clearance(ZERO).distance == pytest.approx(-0.15)


def test_links_joined_by_a_joint_are_not_checked(tmp_path):
    """The middle link's ball overlaps its neighbours' without being reported."""
    middle = BALL.format(0.4)
    collisions = Collisions(write_urdf(tmp_path / "r.urdf", BALL.format(0), middle=middle))
    assert collisions.clearance(ZERO) == (pytest.approx(0.3), "a", "c")


def test_a_mesh_is_refused_by_its_link(tmp_path):
    """A triangle mesh is no simple shape; the message says whose it is and what is taken."""
    stl = tmp_path / "tri.stl"
    stl.write_text(
        "solid t\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
        "endloop\nendfacet\nendsolid t\n"
    )
    mesh = f'<collision><geometry><mesh filename="file://{stl}"/></geometry></collision>'
    with pytest.raises(RobotModelError, match=r"<collision> of c is a mesh.*boxes, cylinders and spheres"):
        Collisions(write_urdf(tmp_path / "r.urdf", mesh))


def test_unusable_descriptions_are_refused(tmp_path):
    """No file, a missing mesh, no shapes, joints without limits, nothing that could meet: each says which."""
    path = tmp_path / "r.urdf"
    with pytest.raises(RobotModelError, match=r"r\.urdf"):
        Collisions(path)
    mesh = '<collision><geometry><mesh filename="none.stl"/></geometry></collision>'
    with pytest.raises(RobotModelError, match=r"none\.stl.*boxes, cylinders and spheres"):
        Collisions(write_urdf(path, mesh))
    with pytest.raises(RobotModelError, match="joints must have limits"):
        Collisions(write_urdf(path, BALL.format(0), joint="continuous"))
    with pytest.raises(RobotModelError, match="no two shapes"):
        Collisions(write_urdf(path, ""))
    path.write_text(SO100_URDF.read_text())
    with pytest.raises(RobotModelError, match="no link has a <collision>"):
        Collisions(path)
    with pytest.raises(RobotModelError, match="no two shapes"):
        Collisions(SO100_URDF, itself=False)
