"""The corrections of labels: whether they can be read, and are about the episodes that are there."""

from collections.abc import Iterator

from hilrt.data.labels import LABELS, misplaced, read_corrections
from hilrt.data.lerobot.rules.checked import Checked, Violation
from hilrt.errors import DatasetError


def label_rules(checked: Checked) -> Iterator[Violation]:
    """What hilrt/labels.json says."""
    try:
        corrections = read_corrections(checked.root)
    except DatasetError as error:
        yield Violation(LABELS, str(error))
    else:
        yield from (Violation(LABELS, problem) for problem in misplaced(corrections, checked.rows))
