"""The journal beside a dataset: whether all of what is not in it yet can be read."""

from collections.abc import Iterator

from hilrt.data.format import Scan
from hilrt.data.journal import JOURNAL, episode_files
from hilrt.data.lerobot.rules.checked import Checked, Violation
from hilrt.errors import JournalFormatError


def journal_rules(checked: Checked) -> Iterator[Violation]:
    """Records that are damaged; an episode that a crash has cut off breaks no rule."""
    for path in episode_files(checked.root / JOURNAL):
        try:
            with Scan(path, None) as scan:
                for _ in scan.records(frames=True):
                    pass
        except JournalFormatError as error:
            yield Violation(checked.name(path), str(error))
        else:
            yield from (Violation(checked.name(path), lost) for lost in scan.lost)
