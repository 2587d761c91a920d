"""What a dataset and its journal have, in figures: for `hilrt dataset info` in words, and with --json as they are."""

from pathlib import Path

import msgspec
import numpy as np

from hilrt.data.journal import JOURNAL, episode_files, read_episode
from hilrt.data.labels import in_force, read_corrections
from hilrt.data.lerobot.dataset import Dataset, exists
from hilrt.data.lerobot.layout import Feature
from hilrt.data.lerobot.rules.checked import Checked
from hilrt.data.lerobot.stats import Stats
from hilrt.errors import JournalFormatError
from hilrt.step.conditions import Conditions, grouped


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """How episodes ended, and who drove."""

    successes: int
    episodes: int
    """Those of which it is known."""
    corrected: int
    """Those whose labels were corrected since."""
    human_share: float
    """Of all steps, those by a human."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Episodes that were recorded under the same conditions."""

    episodes: list[int]
    conditions: Conditions


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset, of hilrt or of others."""

    version: str
    robot_type: str
    own: bool
    """Whether it is hilrt's, or imported; else it was made by others."""
    episodes: int
    steps: int
    fps: float
    tasks: list[str]
    outcomes: Outcomes | None
    """Absent where the dataset does not tell."""
    bytes: dict[str, int]
    """Of its folders data and videos."""
    sessions: list[Session]
    """Where conditions are known."""
    columns: dict[str, Feature]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Episodes in the journal that are not in the dataset yet."""

    whole: int = 0
    cut: int = 0
    """Broken off by a crash, or damaged in part."""
    damaged: int = 0
    """That cannot be read at all."""


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """All that is in a dataset's folder."""

    root: str
    dataset: Contents | None
    journal: Waiting


def inventory(root: Path) -> Inventory:
    """Look into a dataset's folder.

    Raises:
        DatasetError: it cannot be opened.
    """
    journal = _waiting(root / JOURNAL)
    there = exists(root) or journal == Waiting()
    return Inventory(
        root=str(root), dataset=_contents(Checked.open(root)) if there else None, journal=journal
    )


def _contents(opened: Checked) -> Contents:
    info = opened.info
    sizes = {
        top: sum(p.stat().st_size for p in (opened.root / top).rglob("*.*") if p.is_file())
        for top in ("data", "videos")
    }
    return Contents(
        version=info.codebase_version,
        robot_type=info.robot_type or "",
        own=bool(opened.features),
        episodes=len(opened.rows),
        steps=info.total_frames,
        fps=info.fps,
        tasks=list(opened.tasks),
        outcomes=_outcomes(opened),
        bytes=sizes,
        sessions=[
            Session(episodes=numbers, conditions=conditions)
            for conditions, numbers in grouped(opened.conditions)
            if conditions
        ],
        columns=info.features,
    )


def _outcomes(opened: Checked) -> Outcomes | None:
    best = {row.episode: _figure(row.stats, "next.success", "max") for row in opened.rows}
    known = {number: bool(success) for number, success in best.items() if success is not None}
    if not known:
        return None
    mended = _corrected(opened)
    known |= mended
    human = sum(
        row.length * (_figure(row.stats, "complementary_info.is_intervention", "mean") or 0.0)
        for row in opened.rows
    )
    return Outcomes(
        successes=sum(known.values()),
        episodes=len(known),
        corrected=len(mended),
        human_share=human / max(1, sum(row.length for row in opened.rows)),
    )


def _corrected(opened: Checked) -> dict[int, bool]:
    """Whether episodes succeeded whose labels were corrected."""
    numbers = in_force(read_corrections(opened.root)) if opened.features else {}
    dataset = Dataset.open(opened.root) if numbers else None
    return {n: any(r.success for r in dataset.episode(n).records) for n in numbers} if dataset else {}


def _figure(stats: dict[str, Stats], column: str, name: str) -> float | None:
    """The first number of a statistic; None where there is none."""
    figures = stats.get(column, {}).get(name, np.zeros(0))
    return float(figures.flat[0]) if figures.size else None


def _waiting(folder: Path) -> Waiting:
    whole = cut = damaged = 0
    for path in episode_files(folder):
        try:
            episode = read_episode(path)
        except JournalFormatError:
            damaged += 1
        else:
            complete = episode.complete and not episode.lost
            whole, cut = whole + complete, cut + (not complete)
    return Waiting(whole=whole, cut=cut, damaged=damaged)
