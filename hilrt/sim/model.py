"""The MuJoCo model: the URDF of each arm, given simple shapes and actuators; a table, a cube and cameras."""

import mujoco
import numpy as np

from hilrt.robots import SO100_URDF
from hilrt.robots.shapes import CAPSULES
from hilrt.sim.layout import bases

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
CAMERAS = ("front", "wrist")
FINGERS = ("fixed_finger", "moving_finger")
CUBE_SIDE = 0.025  # [m]
SLIDING = (0.5, 0.005, 0.0001)  # friction of a cube on the table
STALL_TORQUE = 2.94  # [N m]
STALL_CURRENT = 2.7  # [A], STS3215 at 12 V
TIMESTEP = 0.002  # [s]

ARMATURE = 0.028  # [kg m2]

# The jaw's inner face is parallel to the fixed finger's when a cube is between them.
JAW_PARALLEL = 0.165  # [rad]
FINGER_FACE = -0.0079  # [m], inner face of the fixed finger, x in the gripper's frame
FINGER_TIP = -0.0981  # [m], z in the gripper's frame

# Contact parameters. MuJoCo scales contact stiffness with the lighter body's mass; with its defaults
# fingers that press a 20 g cube with 10 N sink into it and spit it out.
STIFF = {"solref": (0.004, 1.0), "solimp": (0.98, 0.999, 0.001, 0.5, 2.0)}

# Collision classes (bits): an arm meets table, cube and the other arm but never itself; the joint limits do that.
TABLE, CUBE = 1, 4
ARMS = (2, 8)

WHITE = (0.90, 0.90, 0.86, 1.0)
BLACK = (0.12, 0.12, 0.13, 1.0)
ORANGE = (0.95, 0.55, 0.10, 1.0)
RED = (0.85, 0.10, 0.12, 1.0)
WOOD = (0.55, 0.47, 0.38, 1.0)


def build_spec(arms: int = 1) -> mujoco.MjSpec:
    """The scene common to all tasks, not yet compiled; joints and actuators come arm after arm, as `of_arm` names them.

    A single arm's base is the world's frame; see `layout.bases` for two. `motors` sets the servos' gains.
    """
    places = bases(arms)
    spec = _build_arm(0)
    spec.body("base_link").pos = places[0]
    for arm in range(1, arms):
        stand = spec.worldbody.add_frame(pos=places[arm])
        spec.attach(_build_arm(arm), prefix=of_arm(arm, ""), frame=stand)
    _set_options(spec)
    _add_scene(spec, arms)
    return spec


def of_arm(arm: int, name: str) -> str:
    """The model's name of an arm's part: the first arm's have the URDF's own."""
    return f"{arm}.{name}" if arm else name


def _build_arm(arm: int) -> mujoco.MjSpec:
    spec = mujoco.MjSpec.from_file(str(SO100_URDF))
    spec.compiler.fusestatic = False  # keeps gripper_frame_link a body of its own
    for i, name in enumerate(JOINTS):
        # A group of its own, so that torque can be switched off.
        _add_servo(spec, name, group=arm * len(JOINTS) + i)
    for body, start, end, radius in CAPSULES:
        spec.body(body).add_geom(
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            fromto=(*start, *end),
            size=(radius, 0, 0),
            rgba=WHITE,
        )
    _add_fingers(spec)
    for geom in spec.geoms:
        # Of two geoms either one's say is enough: a later arm asks for contact with the earlier ones.
        geom.contype, geom.conaffinity = ARMS[arm], sum(ARMS[:arm])
    return spec


def _set_options(spec: mujoco.MjSpec) -> None:
    option = spec.option
    option.timestep = TIMESTEP
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 300.0  # friction much stiffer than normal force: what is gripped askew does not creep
    spec.visual.global_.offwidth = 1280
    spec.visual.global_.offheight = 960
    spec.visual.quality.shadowsize = 512
    spec.visual.quality.offsamples = 0  # without a GPU four samples a pixel double the time of a picture
    spec.visual.headlight.ambient = (0.35, 0.35, 0.35)
    spec.visual.headlight.diffuse = (0.35, 0.35, 0.35)
    spec.visual.map.znear = 0.01


def _add_servo(spec: mujoco.MjSpec, name: str, group: int) -> None:
    spec.joint(name).armature = ARMATURE
    servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, group=group)
    servo.set_to_position(kp=0.0)
    servo.forcelimited = True
    servo.forcerange = (-STALL_TORQUE, STALL_TORQUE)


def _add_fingers(spec: mujoco.MjSpec) -> None:
    gripper = spec.body("gripper_link")
    box = mujoco.mjtGeom.mjGEOM_BOX
    gripper.add_geom(type=box, pos=(0.004, 0, -0.014), size=(0.026, 0.018, 0.016), rgba=WHITE)
    pad = {
        "type": box,
        "condim": 4,
        "friction": (1.0, 0.01, 0.0001),
        **STIFF,
        "rgba": ORANGE,
    }
    length, thickness = 0.070, 0.010
    gripper.add_geom(
        name=FINGERS[0],
        pos=(FINGER_FACE - thickness / 2, 0.0, FINGER_TIP + length / 2),
        size=(thickness / 2, 0.011, length / 2),
        **pad,
    )
    # The jaw's frame: x as the gripper's, y along the gripper's z, z against its y; pivot at `origin`.
    origin = spec.body("moving_jaw_link").pos
    face = FINGER_FACE + CUBE_SIDE - origin[0]
    x, y = face + thickness / 2, FINGER_TIP + length / 2 - origin[2]
    c, s = np.cos(-JAW_PARALLEL), np.sin(-JAW_PARALLEL)
    spec.body("moving_jaw_link").add_geom(
        name=FINGERS[1],
        pos=(c * x - s * y, s * x + c * y, origin[1]),
        quat=(np.cos(JAW_PARALLEL / 2), 0, 0, -np.sin(JAW_PARALLEL / 2)),
        size=(thickness / 2, length / 2, 0.011),
        **pad,
    )


def _add_scene(spec: mujoco.MjSpec, arms: int) -> None:
    world = spec.worldbody
    world.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(0.6, 0.6, 0.1),
        contype=TABLE,
        conaffinity=sum(ARMS) | CUBE,
        friction=SLIDING,
        rgba=WOOD,
    )
    add_cube(world, "cube", RED)
    world.add_light(pos=(0.3, -0.3, 0.9), dir=(-0.1, 0.3, -0.9), diffuse=(0.5, 0.5, 0.5))
    if arms == 1:
        _add_camera(world, "front", (0.56, 0.0, 0.30), (0.18, 0.02, 0.03), fovy=48.0)
    else:
        _add_camera(world, "front", (0.62, 0.0, 0.36), (0.12, 0.0, 0.06), fovy=48.0)
    _add_camera(spec.body("gripper_link"), "wrist", (0.006, -0.075, -0.005), (0.006, 0.0, -0.105), fovy=75.0)


def add_cube(world: mujoco.MjsBody, name: str, colour: tuple[float, float, float, float]) -> None:
    """A cube that can be moved; body, joint and geom have this name. Cubes meet each other, too."""
    cube = world.add_body(name=name, pos=(0.2, 0.0, CUBE_SIDE / 2))
    cube.add_freejoint(name=name)
    cube.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(CUBE_SIDE / 2,) * 3,
        contype=CUBE,
        conaffinity=sum(ARMS) | CUBE,
        condim=4,
        friction=SLIDING,
        rgba=colour,
        **STIFF,
    )


def _add_camera(
    body: mujoco.MjsBody,
    name: str,
    position: tuple[float, float, float],
    look_at: tuple[float, float, float],
    fovy: float,
) -> None:
    """Camera in the body's frame that looks at a point, with that frame's +z up in the picture."""
    back = np.subtract(position, look_at)
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    axes = np.stack((right, np.cross(back, right), back), axis=1)
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, axes.ravel())
    body.add_camera(name=name, pos=position, quat=quat, fovy=fovy)
