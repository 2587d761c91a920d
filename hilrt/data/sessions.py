"""Episodes of other runs, brought into a run's journal: each once, and of a run all or none, whenever one is killed.

They are written, with numbers behind the journal's, into `taking.new`. Renaming that folder `taking` is the commit
point: `finish`, which every start of the run calls, moves them from there into the journal, and gives each its line in
`episodes.jsonl`.
"""

import shutil
from itertools import chain
from pathlib import Path

import msgspec

from hilrt.data.episodes import SummaryFile, Tally
from hilrt.data.format import FileHeader, Origin, Scan
from hilrt.data.journal import JOURNAL, episode_files, next_episode, online_steps, read_episode
from hilrt.data.journalwriter import JournalWriter
from hilrt.errors import RunWriteError, SessionError
from hilrt.step.difference import difference
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, Source, encode_into

TAKING = "taking"
LINES = "episodes.jsonl"


class Found(msgspec.Struct):
    """What a run has for another one to learn from, and what that one does not have yet."""

    headers: list[FileHeader]
    """Of its training episodes."""
    fresh: list[Path]
    """Files of those that are not there yet, in order."""
    steps: int
    """Of these."""
    human_steps: int

    def __str__(self) -> str:
        there = len(self.headers) - len(self.fresh)
        known = f"; {there} episodes were there already" if there else ""
        return (
            f"{len(self.fresh)} episodes, {self.steps} steps, {self.human_steps} of them by a person{known}"
        )


def look(run: Path | None, session: Path, features: Features) -> Found:
    """See what there is to take for a run, None for one that is yet to be made.

    Raises:
        SessionError: nothing, or nothing that fits.
    """
    if run and run.resolve() == session.resolve():
        raise SessionError(str(session), "is the run itself")
    known = {_mark(path) for path in episode_files(run / JOURNAL)} if run else set()
    found = Found([], [], 0, 0)
    for path in episode_files(session / JOURNAL):
        episode = read_episode(path)
        records = [record for record in episode.records if not record.final]
        if not records or episode.mode is not Mode.TRAIN or episode.discarded:
            continue
        before, now = (msgspec.structs.replace(f, views=()) for f in (episode.header.features, features))
        if words := difference(before, now):
            raise SessionError(str(session), f"consists of other features than this config gives: {words}")
        found.headers.append(episode.header)
        if _origin(episode.header, records[0], "", earlier=False).wall_ns not in known:
            found.fresh.append(path)
            found.steps += len(records)
            found.human_steps += sum(record.source is Source.HUMAN for record in records)
    if not found.headers:
        raise SessionError(str(session), "has no episode that could be learned from")
    return found


def take(run: Path, session: Path, fresh: list[Path], *, earlier: bool) -> None:
    """Bring episodes of another run into the journal; of a killed call nothing is there, or the next start finishes it.

    Args:
        run: the folder of the run, of which no process is alive.
        session: the other's.
        fresh: as `look` has found them.
        earlier: whether they are from before the run, and so not counted as its steps.

    Raises:
        JournalWriteError, RunWriteError: the disk does not take it; nothing was taken.
    """
    finish(run)
    draft, number = run / f"{TAKING}.new", next_episode(run / JOURNAL)
    for place, path in enumerate(fresh):
        _copy(path, draft, number + place, session.resolve().name, earlier=earlier)
    if fresh:
        _move(draft, run / TAKING)
        finish(run)


def finish(run: Path) -> None:
    """Move into the journal what was taken, and remove what was not taken whole; raises as `take`."""
    shutil.rmtree(run / f"{TAKING}.new", ignore_errors=True)
    staged = run / TAKING
    if not staged.is_dir():
        return
    lines, tally = SummaryFile(run / LINES), Tally()
    tally.online_steps = online_steps(run / JOURNAL)
    for path in episode_files(staged):
        episode = read_episode(path)
        if (origin := episode.header.origin) and not origin.earlier:
            for record in episode.records:
                if summary := tally.add(record, origin.session):
                    lines.append(summary)
        _move(path, run / JOURNAL / path.name)
    staged.rmdir()


def _copy(path: Path, folder: Path, number: int, session: str, *, earlier: bool) -> None:
    """One episode under another number, its pictures as they are."""
    with Scan(path, None) as scan:
        whole = scan.records(frames=True)
        first, frames = next(whole)
        header = scan.header
        origin = _origin(header, first, session, earlier=earlier)
        with JournalWriter(folder, header.features, header.task, header.conditions, origin) as writer:
            for record, its_frames in chain([(first, frames)], whole):
                record.episode = number
                writer.write(encode_into(record, bytearray()), its_frames)


def _origin(header: FileHeader, first: Record, session: str, *, earlier: bool) -> Origin:
    """What was taken from elsewhere keeps the name of where it was recorded."""
    if header.origin:
        return msgspec.structs.replace(header.origin, earlier=earlier)
    return Origin(session=session, wall_ns=first.wall_ns, earlier=earlier)


def _mark(path: Path) -> int:
    """What tells an episode from all others; 0 of one without a record."""
    with Scan(path, None) as scan:
        if scan.header.origin:
            return scan.header.origin.wall_ns
        return next((record.wall_ns for record, _ in scan.records(frames=False)), 0)


def _move(path: Path, to: Path) -> None:
    try:
        to.parent.mkdir(exist_ok=True)
        path.rename(to)
    except OSError as error:
        raise RunWriteError(str(to), error) from None
