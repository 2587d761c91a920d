"""What a step consists of: names, shapes and dtypes, derived once from the config.

Ring, journal, replay and networks all take their shapes from here, so two parts can never disagree about one.
"""

from itertools import product

import msgspec

from hilrt.config import MOTORS, Config
from hilrt.config.state import name_of, state_groups
from hilrt.errors import EnvironmentUnknownError

GRIPPER = ("close", "stay", "open")

ALIGNMENT = 64
"""Frames start on cache lines."""


class Image(msgspec.Struct, frozen=True):
    """One picture: uint8, shape (height, width, 3), RGB, at `offset` within a step's pictures."""

    name: str
    height: int
    width: int
    offset: int
    cropped: bool = False
    """In a copy for other tools: what the policy sees of the frame, in its place."""
    region: tuple[int, ...] = ()
    """Of a view: top, left, height, width of what it shows, and height and width of the frame [pixels]; empty: all."""

    @property
    def nbytes(self) -> int:
        """Bytes of one picture."""
        return self.height * self.width * 3


class Features(msgspec.Struct, frozen=True):
    """Names of everything in a step.

    The state is float32, shape (len(state),); the action float32 in [-1, 1], shape (len(action),), arm after arm;
    the gripper command one of `gripper` by index, which with two arms tells both, and with none in use is absent.
    """

    fps: int
    sides: tuple[str, ...]
    """Names of the arms; a single one's is empty."""
    state: tuple[str, ...]
    action: tuple[str, ...]
    gripper: tuple[str, ...]
    images: tuple[Image, ...]
    """As the cameras give them; recorded."""
    views: tuple[Image, ...]
    """As the policy sees them: cropped and resized, which is part of what it, and an encoder, was trained on."""
    scale: tuple[float, ...] = ()
    """Motion of a full action along each of its axes [m or rad]."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of all frames of a step, gaps for alignment included."""
        return _bytes(self.images)

    @property
    def view_bytes(self) -> int:
        """The same of the views."""
        return _bytes(self.views)

    @property
    def header_bytes(self) -> int:
        """Upper bound of an encoded step record without its frames."""
        vectors = len(self.state) + 3 * len(self.action) + len(MOTORS) * len(self.sides)
        return 512 + 8 * (vectors + len(self.images))

    @property
    def seen(self) -> "Features":
        """What a policy depends on: all but the size of the frames as recorded."""
        return msgspec.structs.replace(self, images=())

    def schema(self) -> str:
        """Canonical JSON; equal text means the same step."""
        return msgspec.json.encode(self).decode()


def from_schema(schema: str) -> Features:
    """Inverse of `Features.schema`."""
    return msgspec.json.decode(schema, type=Features)


def from_config(config: Config) -> Features:
    """Features of the steps that this config produces.

    Raises:
        EnvironmentUnknownError: they are those of an environment, which was not asked yet.
    """
    if config.in_environment:
        return _of_environment(config)
    sides = tuple(config.robot.sides)
    names = config.processor.action_names
    return Features(
        fps=config.env.fps,
        sides=sides,
        state=tuple(name for group in state_groups(config).values() for name in group),
        action=tuple(name_of(side, name) for side in sides for name in names),
        scale=config.action_scale * len(sides),
        gripper=_gripper(config),
        images=_images(config),
        views=_views(config),
    )


def _of_environment(config: Config) -> Features:
    spaces = config.env.spaces
    if spaces is None:
        raise EnvironmentUnknownError(config.env.id)
    return Features(
        fps=config.env.fps,
        sides=("",),
        state=spaces.state,
        action=spaces.action,
        scale=(1.0,) * len(spaces.action),
        gripper=GRIPPER if spaces.gripper else (),
        images=_images(config),
        views=_views(config),
    )


def _gripper(config: Config) -> tuple[str, ...]:
    """Commands for one arm, or all combinations for two, the first arm's changing fastest."""
    if not config.processor.gripper.use_gripper:
        return ()
    combinations = product(GRIPPER, repeat=len(config.robot.sides))
    return tuple(" ".join(reversed(commands)) for commands in combinations)


def _images(config: Config) -> tuple[Image, ...]:
    return _laid_out({name: camera.frame_size for name, camera in config.robot.cameras.items()})


def _views(config: Config) -> tuple[Image, ...]:
    settings = config.processor.image_preprocessing
    views = _laid_out(dict.fromkeys(config.robot.cameras, settings.resize_size))
    frames = {name: camera.frame_size for name, camera in config.robot.cameras.items()}
    crops = {name: crop for name, crop in settings.crop_params_dict.items() if crop != (0, 0, *frames[name])}
    return tuple(
        msgspec.structs.replace(v, region=(*crops[v.name], *frames[v.name])) if v.name in crops else v
        for v in views
    )


def _laid_out(sizes: dict[str, tuple[int, int]]) -> tuple[Image, ...]:
    images, offset = [], 0
    for name, (height, width) in sizes.items():
        images.append(Image(name, height, width, offset))
        offset = _aligned(offset + height * width * 3)
    return tuple(images)


def _bytes(images: tuple[Image, ...]) -> int:
    return max((_aligned(i.offset + i.nbytes) for i in images), default=0)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
