"""What a step consists of: names, shapes and dtypes, derived once from the config.

Ring, journal, replay and networks all take their shapes from here, so two parts can never disagree about one.
"""

import msgspec

from hilrt.config import MOTORS, Config

OBJECT = ("object.x", "object.y", "object.z", "object.sin_4yaw", "object.cos_4yaw")
"""Pose of a cube in the base frame [m]; its yaw repeats every 90 degrees."""

OBJECT_FROM_EE = ("object_from_ee.x", "object_from_ee.y", "object_from_ee.z")
"""The way that is left from the end effector to the object [m]: millimetres here decide a grasp."""

ALIGNMENT = 64
"""Frames start on cache lines."""


class Image(msgspec.Struct, frozen=True):
    """One camera's frame: uint8, shape (height, width, 3), RGB, at `offset` within a step's frames."""

    name: str
    height: int
    width: int
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of one frame."""
        return self.height * self.width * 3


class Features(msgspec.Struct, frozen=True):
    """Names of everything in a step.

    The state is float32, shape (len(state),); the action float32 in [-1, 1], shape (len(action),); the gripper
    command one of `gripper` by index.
    """

    fps: int
    state: tuple[str, ...]
    action: tuple[str, ...]
    gripper: tuple[str, ...]
    images: tuple[Image, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of all frames of a step, gaps for alignment included."""
        return max((_aligned(i.offset + i.nbytes) for i in self.images), default=0)

    @property
    def header_bytes(self) -> int:
        """Upper bound of an encoded step record without its frames."""
        return 512 + 8 * (len(self.state) + 2 * len(self.action) + len(MOTORS) + len(self.images))

    def schema(self) -> str:
        """Canonical JSON; equal text means the same step."""
        return msgspec.json.encode(self).decode()


def from_schema(schema: str) -> Features:
    """Inverse of `Features.schema`."""
    return msgspec.json.decode(schema, type=Features)


def from_config(config: Config) -> Features:
    """Features of the steps that this config produces."""
    return Features(
        fps=config.env.fps,
        state=_state_names(config),
        action=("dx", "dy", "dz"),
        gripper=("close", "stay", "open"),
        images=_images(config),
    )


def _state_names(config: Config) -> tuple[str, ...]:
    add = config.processor.observation
    names = [f"{m}.pos" for m in MOTORS]
    if add.add_joint_velocity_to_observation:
        names += [f"{m}.vel" for m in MOTORS]
    if add.add_current_to_observation:
        names += [f"{m}.current" for m in MOTORS]
    if add.add_ee_pose_to_observation:
        names += ["ee.x", "ee.y", "ee.z"]
    names += ["setpoint_error.x", "setpoint_error.y", "setpoint_error.z", "setpoint_error.gripper"]
    names += ["previous.dx", "previous.dy", "previous.dz", "previous.gripper"]
    if config.sim and config.sim.observe_object:
        names += OBJECT + OBJECT_FROM_EE
    return tuple(names)


def _images(config: Config) -> tuple[Image, ...]:
    images, offset = [], 0
    for name, camera in config.robot.cameras.items():
        turned = camera.rotation in {90, 270}
        height, width = (camera.width, camera.height) if turned else (camera.height, camera.width)
        images.append(Image(name, height, width, offset))
        offset = _aligned(offset + height * width * 3)
    return tuple(images)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
