"""Every rule of the format, looked up on disk: what breaks one is named by file and row.

Datasets of others are checked too, by the same rules but those of hilrt's own columns.
"""

from collections.abc import Iterator
from pathlib import Path

from hilrt.data.lerobot.rules.checked import Advance, Checked, Violation
from hilrt.data.lerobot.rules.journal import journal_rules
from hilrt.data.lerobot.rules.labels import label_rules
from hilrt.data.lerobot.rules.meta import info_rules, row_rules, split_rules
from hilrt.data.lerobot.rules.rows import data_rules, final_rules
from hilrt.data.lerobot.rules.videos import video_rules

__all__ = ["Violation", "verify", "work"]


def work(root: Path) -> float:
    """What `verify` will have told `advance` at its end: bytes of data and videos."""
    return sum(p.stat().st_size for top in ("data", "videos") for p in (root / top).rglob("*") if p.is_file())


def verify(root: Path, advance: Advance) -> Iterator[Violation]:
    """Look at all of a dataset.

    Raises:
        DatasetError: it cannot even be opened.
    """
    checked = Checked.open(root)
    yield from info_rules(checked, checked.features)
    yield from split_rules(checked)
    yield from row_rules(checked)
    yield from data_rules(checked, advance)
    yield from video_rules(checked, advance)
    if checked.features is not None:
        yield from final_rules(checked, checked.features)
        yield from label_rules(checked)
    yield from journal_rules(checked)
