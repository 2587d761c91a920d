"""What was recorded goes from the journal into the dataset; a crash at any instant loses and doubles nothing.

The dataset remembers which journal file each episode came from, so a file that was folded, but not removed before its
process was killed, is recognised.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from hilrt.data.format import FileHeader, Scan
from hilrt.data.journal import JOURNAL, Episode, episode_files, number_of, read_episode
from hilrt.data.labels import overrides
from hilrt.data.lerobot.change import Change, locked
from hilrt.data.lerobot.dataset import exists, open_to_change
from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.take import Take, cut_off
from hilrt.data.lerobot.writer import DatasetWriter, new_info
from hilrt.errors import EpisodeDamagedError, JournalFormatError, OldDemonstrationsError
from hilrt.step.features import Features
from hilrt.step.record import Record

Advance = Callable[[float], None]
"""Told how many bytes more are done."""


class Folded(Struct, kw_only=True):
    """What a fold did."""

    kept: int = 0
    """Episodes that are new in the dataset."""
    dropped: int = 0
    """Episodes the operator had discarded, or that hold no step."""
    left: list[str] = []
    """What stays in the journal and why: cut or damaged episodes, in words."""
    lost: list[str] = []
    """What is missing from the episodes that were kept, because it cannot be read."""


def _nothing(_: float) -> None:
    pass


def fold(
    root: Path,
    features: Features | None = None,
    *,
    journal: Path | None = None,
    cut: bool = False,
    robot_type: str | None = None,
    video: bool = False,
    advance: Advance = _nothing,
) -> Folded:
    """Move complete episodes from the journal into the dataset, which is made if it is not there.

    Args:
        root: the dataset.
        features: what steps must consist of; None: whatever the dataset's, or the first episode's, do.
        journal: folder of the episodes, which stay there; None: the dataset's own, which is emptied.
        cut: take episodes without an end too, up to the last step that has a next one, marked truncated; and of
            damaged ones what is whole.
        robot_type: of a new dataset.
        video: keep pictures of a new dataset as video.
        advance: told of progress [bytes of the journal].

    Raises:
        JournalFeaturesError: dataset or journal consist of other steps.
        DatasetWriteError: the disk does not take it; dataset and journal are as before.
        DatasetBusyError: another process writes to one of them.
        DatasetError: it cannot be read, or files of it, or its journal, lie outside its folder.
    """
    if episode_files(root):
        raise OldDemonstrationsError(str(root), JOURNAL)
    folder = journal or inside(root, JOURNAL)
    if not folder.is_dir() or not episode_files(folder):
        return Folded()
    with locked(folder), Change(root) as change:
        if not (paths := episode_files(folder)):  # whoever had the lock before has brought them in
            return Folded()
        dataset = open_to_change(root, features) if exists(root) else None
        mine = features or (dataset.features if dataset else features_of(paths))
        fresh = new_info(mine, robot_type, video=video)
        with DatasetWriter.to(change, dataset, mine, fresh) as writer:
            folding = _Folding(writer, cut=cut)
            for path in paths:
                folding.take(path)
                advance(path.stat().st_size)
            if folding.report.kept:
                writer.finish()
        for path in folding.done if journal is None else ():
            path.unlink()
    return folding.report


def export_journal(
    folder: Path,
    out: Path,
    numbers: Container[int] | None = None,
    *,
    robot_type: str | None = None,
    video: bool = False,
    advance: Advance = _nothing,
) -> Folded:
    """Copy a journal's complete episodes into a new dataset; the journal stays.

    Args:
        folder: of the episodes, for instance a run's.
        out: the dataset, a new folder.
        numbers: of the episodes wanted; None: all.
        robot_type: of the dataset.
        video: keep pictures as video.
        advance: told of progress [bytes of the journal].

    Raises:
        JournalFeaturesError: its episodes consist of different steps.
        DatasetWriteError: the disk does not take it; nothing is left at `out`.
    """
    paths = [path for path in episode_files(folder) if numbers is None or number_of(path) in numbers]
    if not paths:
        return Folded()
    features = features_of(paths)
    with (
        Change(out) as change,
        DatasetWriter(change, features, new_info(features, robot_type, video=video)) as writer,
    ):
        folding = _Folding(writer, cut=False)
        for path in paths:
            folding.take(path)
            advance(path.stat().st_size)
        if folding.report.kept:
            writer.finish()
    return folding.report


def features_of(paths: Sequence[Path]) -> Features:
    """What the steps of the first of these journal files consist of."""
    with Scan(paths[0], None) as scan:
        return scan.header.features


class _Folding:
    """One pass over the journal."""

    def __init__(self, writer: DatasetWriter, *, cut: bool) -> None:
        self.report = Folded()
        self.done: list[Path] = []
        """Files that nobody needs once the dataset counts their episodes."""
        self._writer = writer
        self._cut = cut
        self._known = {row.origin for row in writer.rows}

    def take(self, path: Path) -> None:
        try:
            settled = self._settle(path)
        except (JournalFormatError, EpisodeDamagedError) as error:
            self.report.left.append(str(error))
        else:
            if settled:
                self.done.append(path)

    def _settle(self, path: Path) -> bool:
        """Add the file's episode, or see that it need not be; False where it has to stay."""
        episode = read_episode(path, features=self._writer.features)
        if origin_of(episode) in self._known:
            return True
        if episode.discarded:
            self.report.dropped += 1
            return True
        take, lost = cut_take(path, origin_of(episode)) if self._cut else (whole_take(path, episode), [])
        if take is None:
            self.report.dropped += 1
            return True
        self._writer.add(take)
        self.report.kept += 1
        self.report.lost += [f"{path.name}: {words}" for words in lost]
        return True


def origin_of(episode: Episode) -> str:
    """Names a journal's episode among all that ever were; empty for one without a step."""
    if not episode.records:
        return ""
    first = episode.records[0]
    return f"{episode.number}:{first.monotonic_ns}:{first.wall_ns}"


def whole_take(path: Path, episode: Episode) -> Take:
    """A complete episode.

    Raises:
        EpisodeDamagedError: it has no end, or not all of it can be read.
    """
    if not episode.complete:
        raise EpisodeDamagedError(path.name, f"is cut off after {len(episode.records)} steps")
    if episode.lost:
        raise EpisodeDamagedError(path.name, "; ".join(episode.lost))
    return _take(path, episode.header, episode.records, origin_of(episode))


def cut_take(path: Path, origin: str) -> tuple[Take | None, list[str]]:
    """All of an episode that has its pictures, whether it has an end or not; None where no step has a next one.

    Returns:
        The episode, and what of it cannot be read.
    """
    with Scan(path, None) as scan:  # with its pictures, and not all of them in memory
        whole = [record for record, _ in scan.records(frames=True)]
        episode = Episode(header=scan.header, records=whole, frames=[], torn=scan.torn, lost=scan.lost)
    records = episode.records if episode.complete else cut_off(episode.records)
    take = _take(path, episode.header, records, origin) if len(records) > 1 else None
    return take, episode.lost


def _take(path: Path, header: FileHeader, records: list[Record], origin: str) -> Take:
    def frames() -> Iterator[bytes]:
        with Scan(path, None) as scan:
            for record, (found, raw) in zip(records, scan.records(frames=True), strict=False):
                if found.step != record.step:
                    raise EpisodeDamagedError(path.name, f"the pictures of step {record.step} are damaged")
                yield raw

    return Take(
        name=path.name,
        task=header.task,
        records=records,
        frames=frames,
        size=path.stat().st_size,
        origin=origin,
        conditions=header.conditions,
        corrections=list(overrides(records, origin)),
    )
