"""A dataset as a person wants to see it: how much there is of what."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from hilrt.data.journal import JOURNAL
from hilrt.errors.dataset import ranges
from hilrt.report.inventory import Contents, Inventory, Session, Waiting
from hilrt.step.conditions import Conditions

MANY = 8
"""Names of a column that are shown."""


def described(found: Inventory) -> Iterator[RenderableType]:
    """A dataset, of hilrt or of others, and its journal."""
    if found.dataset:
        yield from _counts(found.root, found.dataset)
        yield from _sessions(found.dataset.sessions)
        yield _columns(found.dataset)
    yield from _journal(Path(found.root), found.journal)


def _counts(root: str, dataset: Contents) -> Iterator[str]:
    seconds = dataset.steps / dataset.fps
    whose = "" if dataset.own else ", made by others (`hilrt dataset import` makes demonstrations of it)"
    yield f"{root}: LeRobotDataset {dataset.version} of {dataset.robot_type or 'an unnamed robot'}{whose}"
    yield f"{dataset.episodes} episodes, {dataset.steps} steps at {dataset.fps:g} Hz, {seconds:.0f} s"
    yield f"tasks: {', '.join(dataset.tasks)}"
    if known := dataset.outcomes:
        more = f" (labels of {known.corrected} corrected)" if known.corrected else ""
        yield f"success: {known.successes} of {known.episodes}{more}; steps by a human: {known.human_share:.0%}"
    yield "size: " + ", ".join(f"{top} {size / 1e6:.1f} MB" for top, size in dataset.bytes.items() if size)


def _sessions(sessions: list[Session]) -> Iterator[str]:
    """Under which conditions its episodes were recorded, where that is known."""
    for session in sessions:
        yield f"conditions of {ranges(session.episodes)}: {'; '.join(_told(session.conditions))}"


def _told(conditions: Conditions) -> Iterator[str]:
    for side, arm in conditions.arms.items():
        x, y, z = (round(1e3 * place) for place in arm.start_m)
        yield f"{side} arm {arm.id}".strip() + f" starting at {x}, {y}, {z} mm"
        if arm.box:
            faces = zip(arm.box.min, arm.box.max, strict=True)
            yield "box " + ", ".join(f"{1e3 * low:.0f} .. {1e3 * high:.0f}" for low, high in faces) + " mm"
    for name, camera in conditions.cameras.items():
        crop = f", crop {list(camera.crop)}" if camera.crop else ""
        turned = f", turned by {camera.rotation} degrees" if camera.rotation else ""
        yield f"{name} {camera.width}x{camera.height} at {camera.fps} Hz{turned}{crop}"


def _columns(dataset: Contents) -> Table:
    table = Table("column", "type", "shape", "names")
    for key, feature in dataset.columns.items():
        names = feature.names if isinstance(feature.names, list) and not feature.is_picture else []
        shown = ", ".join(map(str, names[:MANY])) + (
            f" and {len(names) - MANY} more" if len(names) > MANY else ""
        )
        table.add_row(key, feature.dtype, "x".join(map(str, feature.shape)), shown)
    return table


def _journal(root: Path, waiting: Waiting) -> Iterator[str]:
    """What was recorded and is not in the dataset yet."""
    if waiting.damaged:
        yield f"journal: {waiting.damaged} episodes that cannot be read, in {root / JOURNAL}"
    if waiting.whole:
        yield (
            f"journal: {waiting.whole} episodes that the next `hilrt record` or `hilrt train` brings into the dataset"
        )
    if waiting.cut:
        cure = f"`hilrt dataset recover {root}` brings in what is whole of them"
        yield f"journal: {waiting.cut} episodes that were cut off or are damaged; {cure}"
