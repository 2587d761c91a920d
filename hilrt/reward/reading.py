"""What the file of a reward classifier says of it, and whether that fits a task; its weights stay where they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import safe_open

from hilrt.devices.tensorfile import reading
from hilrt.errors import ClassifierError, ClassifierViewError
from hilrt.reward.about import ENTRY, FORMAT, About, parts_seen
from hilrt.step.difference import sizes
from hilrt.step.features import Features, Image
from hilrt.step.sealed import SealError, format_of, unsealed


def read_about(path: Path) -> About:
    """Read what it says.

    Raises:
        ClassifierError: there is none, it is damaged, of another version, or something else.
    """
    with reading(path, ClassifierError), safe_open(path, framework="np") as file:
        entry = (file.metadata() or {}).get(ENTRY)
    if entry is None:
        raise ClassifierError(str(path), "is no reward classifier of hilrt's")
    try:
        if (found := format_of(entry.encode())) != FORMAT:
            raise ClassifierError(str(path), f"is of format {found}; this version of hilrt reads {FORMAT}")
        about = unsealed(entry.encode(), About)
    except SealError as error:
        raise ClassifierError(str(path), f"is damaged: {error}") from None
    if about.reward_class not in about.make.classes:
        raise ClassifierError(str(path), f"has no class {about.reward_class}, which it rewards")
    return about


def require_cameras(about: About, path: Path, features: Features, rotations: Mapping[str, int]) -> None:
    """That a task's cameras are those it was trained on; further ones do not matter.

    Raises:
        ClassifierViewError: one is absent, of another size, turned otherwise, or seen in another size or part.
    """
    mine = about.images, about.make.views, about.rotations
    theirs = features.images, features.views, rotations
    given = parts_seen(*theirs)
    if any(given.get(camera) != seen for camera, seen in parts_seen(*mine).items()):
        raise ClassifierViewError(str(path), _told(*mine), _told(*theirs) or "no camera")


def _told(images: Sequence[Image], views: Sequence[Image], rotations: Mapping[str, int]) -> str:
    if not views:
        return ""
    turns = [rotations.get(image.name, 0) for image in images]
    frames = [
        f"{size} turned by {turn} degrees" if turn else size
        for size, turn in zip(sizes(images), turns, strict=True)
    ]
    return f"frames {', '.join(frames)} seen as {', '.join(sizes(views))}"
