"""A dataset as a person wants to see it: how much there is of what."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import RenderableType
from rich.table import Table

from hilrt.data.journal import JOURNAL, episode_files, read_episode
from hilrt.data.labels import in_force, read_corrections
from hilrt.data.lerobot.dataset import Dataset, exists
from hilrt.data.lerobot.rules.checked import Checked
from hilrt.data.lerobot.stats import Stats
from hilrt.errors import JournalFormatError
from hilrt.errors.dataset import ranges
from hilrt.step.conditions import Conditions, grouped

MANY = 8
"""Names of a column that are shown."""


def described(root: Path) -> Iterator[RenderableType]:
    """A dataset, of hilrt or of others, and its journal.

    Raises:
        DatasetError: it cannot be opened.
    """
    journal = list(_journal(root / JOURNAL))
    if exists(root) or not journal:
        opened = Checked.open(root)
        yield from _counts(opened)
        yield from _sessions(opened)
        yield _columns(opened)
    yield from journal


def _counts(opened: Checked) -> Iterator[str]:
    info, rows = opened.info, opened.rows
    seconds = info.total_frames / info.fps
    whose = "" if opened.features else ", made by others (`hilrt dataset import` makes demonstrations of it)"
    yield f"{opened.root}: LeRobotDataset {info.codebase_version} of {info.robot_type or 'an unnamed robot'}{whose}"
    yield f"{len(rows)} episodes, {info.total_frames} steps at {info.fps:g} Hz, {seconds:.0f} s"
    yield f"tasks: {', '.join(opened.tasks)}"
    mended = _corrected(opened)
    if known := _recorded(opened) | mended:
        more = f" (labels of {len(mended)} corrected)" if mended else ""
        human = sum(
            row.length * (_figure(row.stats, "complementary_info.is_intervention", "mean") or 0.0)
            for row in rows
        )
        share = human / max(1, sum(row.length for row in rows))
        yield f"success: {sum(known.values())} of {len(known)}{more}; steps by a human: {share:.0%}"
    sizes = {
        top: sum(p.stat().st_size for p in (opened.root / top).rglob("*.*") if p.is_file())
        for top in ("data", "videos")
    }
    yield "size: " + ", ".join(f"{top} {size / 1e6:.1f} MB" for top, size in sizes.items() if size)


def successes(root: Path) -> int:
    """How many of a dataset's episodes succeeded, with their labels as they were corrected.

    Raises:
        DatasetError: it cannot be read.
    """
    opened = Checked.open(root)
    return sum((_recorded(opened) | _corrected(opened)).values())


def _recorded(opened: Checked) -> dict[int, bool]:
    """Whether episodes succeeded when they were recorded, as far as it is known."""
    best = {row.episode: _figure(row.stats, "next.success", "max") for row in opened.rows}
    return {number: bool(success) for number, success in best.items() if success is not None}


def _corrected(opened: Checked) -> dict[int, bool]:
    """Whether episodes succeeded whose labels were corrected."""
    numbers = in_force(read_corrections(opened.root)) if opened.features else {}
    dataset = Dataset.open(opened.root) if numbers else None
    return {n: any(r.success for r in dataset.episode(n).records) for n in numbers} if dataset else {}


def _sessions(opened: Checked) -> Iterator[str]:
    """Under which conditions its episodes were recorded, where that is known."""
    for conditions, numbers in grouped(opened.conditions):
        if conditions:
            yield f"conditions of {ranges(numbers)}: {'; '.join(_told(conditions))}"


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


def _figure(stats: dict[str, Stats], column: str, name: str) -> float | None:
    """The first number of a statistic; None where there is none."""
    figures = stats.get(column, {}).get(name, np.zeros(0))
    return float(figures.flat[0]) if figures.size else None


def _columns(opened: Checked) -> Table:
    table = Table("column", "type", "shape", "names")
    for key, feature in opened.info.features.items():
        names = feature.names if isinstance(feature.names, list) and not feature.is_picture else []
        shown = ", ".join(map(str, names[:MANY])) + (
            f" and {len(names) - MANY} more" if len(names) > MANY else ""
        )
        table.add_row(key, feature.dtype, "x".join(map(str, feature.shape)), shown)
    return table


def _journal(folder: Path) -> Iterator[str]:
    """What was recorded and is not in the dataset yet."""
    whole = cut = damaged = 0
    for path in episode_files(folder):
        try:
            episode = read_episode(path)
        except JournalFormatError:
            damaged += 1
        else:
            complete = episode.complete and not episode.lost
            whole, cut = whole + complete, cut + (not complete)
    if damaged:
        yield f"journal: {damaged} episodes that cannot be read, in {folder}"
    if whole:
        yield f"journal: {whole} episodes that the next `hilrt record` or `hilrt train` brings into the dataset"
    if cut:
        cure = f"`hilrt dataset recover {folder.parent}` brings in what is whole of them"
        yield f"journal: {cut} episodes that were cut off or are damaged; {cure}"
