"""Datasets made by others as demonstrations: their rows become records, their pictures stay as they are.

A foreign episode has no observation after its last action. So its last row becomes the final observation, and what that
row says of the end (reward, success) goes to the row before.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import xxhash
from msgspec import Struct

from hilrt.data.lerobot import suspect
from hilrt.data.lerobot.change import Change
from hilrt.data.lerobot.columns import Arrays, files_of, from_table, stay
from hilrt.data.lerobot.dataset import exists, open_to_change
from hilrt.data.lerobot.episodes import IMPORT, EpisodeRow
from hilrt.data.lerobot.layout import SIDECAR
from hilrt.data.lerobot.mapping import STATE, Wishes, translate
from hilrt.data.lerobot.outcome import COLUMNS, Outcome, outcome
from hilrt.data.lerobot.pairing import Pairing, moved, shifted, told_after
from hilrt.data.lerobot.store import Store
from hilrt.data.lerobot.suspect import Numbers
from hilrt.data.lerobot.take import Take, cut_off
from hilrt.data.lerobot.writer import DatasetWriter, new_info
from hilrt.data.pictures import ImageFormat, encoded, joined
from hilrt.errors import DatasetDamagedError, ImportedOtherwiseError, OwnDatasetError, UnmappableError
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, Source

Advance = Callable[[float], None]


class Imported(Struct, kw_only=True):
    """Episodes of a foreign dataset."""

    kept: int = 0
    successes: int = 0
    """Of those kept."""
    known: int = 0
    """Imported before."""
    short: int = 0
    """Of a single row, which leaves no step."""
    pairing: Pairing
    """Which observation was taken to stand beside an action."""
    told: bool
    """Whether the data, or the user, said so; else it is what the format means."""
    notes: list[str]
    """What may be right, and should be known."""


def import_dataset(
    source: Path,
    root: Path,
    features: Features,
    wishes: Wishes,
    *,
    task: str,
    image_format: ImageFormat,
    robot_type: str,
    advance: Advance,
) -> Imported:
    """Add a foreign dataset's episodes to `root`, which is made if it is not there.

    Args:
        source: a dataset of v3.0.
        root: a dataset of hilrt.
        features: what its steps consist of.
        wishes: how to find that in `source`.
        task: that they are demonstrations of.
        image_format: what videos become.
        robot_type: of a new dataset.
        advance: told of each episode.

    Returns:
        What became of its episodes.

    Raises:
        UnmappableError: it does not have what the features want.
        ImportedOtherwiseError: it was imported before, with other units, names or rewards.
        OwnDatasetError: hilrt wrote it.
        JournalFeaturesError: the dataset in `root` has other features.
        DatasetError: `source` cannot be read; nothing was written.
        DatasetWriteError: the disk does not take it; nothing was written.
    """
    if (source / SIDECAR).exists():
        raise OwnDatasetError(str(source), str(root))
    reader = _Reader(Store.open(source), features, wishes, task, image_format)
    with Change(root) as change:
        dataset = open_to_change(root, features) if exists(root) else None
        fresh = new_info(features, robot_type, video=False)
        with DatasetWriter.to(change, dataset, features, fresh) as writer:
            imported = _add_all(reader, writer, advance)
            if imported.kept:
                writer.finish()
    return imported


def _add_all(reader: "_Reader", writer: DatasetWriter, advance: Advance) -> Imported:
    imported = Imported(pairing=reader.pairing, told=reader.told, notes=reader.notes)
    known = {row.origin for row in writer.rows}
    otherwise = {
        origin.rpartition(":")[0]: number for number, origin in enumerate(r.origin for r in writer.rows)
    }
    for numbers in reader.episodes:
        take = reader.take(numbers)
        if known & {take.origin, reader.former_origin(numbers)}:
            imported.known += 1
        elif (content := take.origin.rpartition(":")[0]) in otherwise:
            raise ImportedOtherwiseError(take.name, otherwise[content])
        elif not take.records:
            imported.short += 1
        else:
            writer.add(take)
            imported.kept += 1
            imported.successes += take.records[-1].success
        advance(1)
    return imported


class _Reader:
    """Episodes of a foreign dataset as takes; its numbers are looked at before any becomes one."""

    def __init__(
        self, store: Store, features: Features, wishes: Wishes, task: str, image_format: ImageFormat
    ) -> None:
        self._store, self._features, self._wishes = store, features, wishes
        self._task, self._format = task, image_format
        self._how = translate(str(store.root), store.info, features, wishes)
        self._outcomes = [name for name in COLUMNS if name in store.info.features]
        self._raw = [name for name in (STATE, "action") if name in store.info.features]
        rows = self._wanted()
        columns = [self._columns(row) for row in rows]
        self.pairing, self.told = self._pairing(rows, columns)
        self._how = self._how.paired(self.pairing)
        self.episodes = [self._numbers(*one) for one in zip(rows, columns, strict=True)]
        if problems := list(suspect.problems(self.episodes, features, wishes)):
            raise UnmappableError(str(store.root), problems)
        self.notes = list(suspect.notes(self.episodes, features))

    def take(self, numbers: Numbers) -> Take:
        """An episode."""
        row = self._store.row(numbers.episode)
        ended = outcome(numbers.columns, row.length, self._wishes)
        records = cut_off(self._records(numbers, ended))
        content = xxhash.xxh3_64(b"".join(r.state + r.action + bytes([r.gripper]) for r in records))
        content.update(np.array([(r.reward, r.success) for r in records]).tobytes())
        return Take(
            name=f"{self._store.root} episode {row.episode}",
            task=self._task,
            records=records,
            frames=lambda: self._frames(row),
            size=self._store.size(row),
            origin=f"{IMPORT}{self._mark(numbers)}:{content.hexdigest()}",
        )

    def former_origin(self, numbers: Numbers) -> str:
        """What earlier versions called this episode."""
        return f"{IMPORT}{xxhash.xxh3_64_hexdigest(numbers.state.tobytes() + numbers.action.tobytes())}"

    # --- numbers ---------------------------------------------------------------------------------

    def _wanted(self) -> list[EpisodeRow]:
        """Episodes of the task that is wanted; all of a dataset that has but one."""
        store, problems = self._store, []
        if not store.rows:
            raise UnmappableError(str(store.root), ["it has no episode"])
        tasks = sorted({store.task(row) for row in store.rows})
        if self._wishes.task is not None and self._wishes.task not in tasks:
            problems.append(f"it has no task {self._wishes.task!r}; there are {', '.join(map(repr, tasks))}")
        elif self._wishes.task is None and len(tasks) > 1:
            named = ", ".join(map(repr, tasks))
            problems.append(
                f"its episodes are of {len(tasks)} tasks: {named} (--task THEIRS, one after the other)"
            )
        several = [name for name in self._outcomes if store.info.features[name].shape != (1,)]
        problems += [f"its {name} is of shape {store.info.features[name].shape}" for name in several]
        if not {"next.reward", "next.success"} & set(self._outcomes) and not self._wishes.success:
            problems.append(
                "it has neither next.reward nor next.success (--success: every episode ended in success)"
            )
        if problems:
            raise UnmappableError(str(store.root), problems)
        return [row for row in store.rows if self._wishes.task in {None, store.task(row)}]

    def _columns(self, row: EpisodeRow) -> Arrays:
        tables = self._store.steps(row, sorted({*self._how.columns, *self._outcomes, *self._raw}))
        parts = [from_table(table) for table in tables]
        columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return columns | {key: columns[key].reshape(-1) for key in self._outcomes}

    def _pairing(self, rows: Sequence[EpisodeRow], columns: Sequence[Arrays]) -> tuple[Pairing, bool]:
        if self._wishes.pairing:
            return self._wishes.pairing, True
        episodes = [self._numbers(*one) for one in zip(rows, columns, strict=True)]
        entries = moved(self._features.state)
        told = told_after([one.state[:, entries] for one in episodes], [one.action for one in episodes])
        return ("after" if told else "before"), told

    def _numbers(self, row: EpisodeRow, columns: Arrays) -> Numbers:
        state = np.column_stack([origin.of(columns, row.length) for origin in self._how.state])
        action = np.column_stack([origin.of(columns, row.length) for origin in self._how.action])
        return Numbers(row.episode, state, action, columns)

    def _mark(self, numbers: Numbers) -> str:
        """Names an episode by what its dataset has, whatever is made of it."""
        return xxhash.xxh3_64_hexdigest(b"".join(numbers.columns[key].tobytes() for key in self._raw))

    def _records(self, numbers: Numbers, ended: Outcome) -> list[Record]:
        axes, n = len(self._features.action), len(numbers.state)
        after: Arrays = {"action": numbers.action, "reward": ended.reward, "human": ended.human}
        if self.pairing == "after":
            after = shifted(after)
        action, reward, human = after["action"], after["reward"], after["human"]
        return [
            Record(
                episode=numbers.episode,
                step=step,
                mode=Mode.DEMO,
                monotonic_ns=round(step / self._store.info.fps * 1e9),
                wall_ns=0,
                state=numbers.state[step].tobytes(),
                action=action[step, :axes].tobytes(),
                gripper=int(action[step, axes]) if self._features.gripper else stay(self._features),
                source=Source.HUMAN if human[step] else Source.POLICY,
                reward=float(reward[step]),
                terminated=ended.success and step == n - 1,
                success=ended.success and step == n - 1,
            )
            for step in range(n)
        ]

    # --- pictures --------------------------------------------------------------------------------

    def _frames(self, row: EpisodeRow) -> Iterator[bytes]:
        """A row's pictures, packed in our order; those of images as they are, those of videos encoded."""
        keys = list(self._how.cameras.values())
        if not keys:
            yield from (b"",) * row.length
            return
        with ExitStack() as stack:
            yield from map(joined, zip(*(self._pictures(row, key, stack) for key in keys), strict=True))

    def _pictures(self, row: EpisodeRow, key: str, stack: ExitStack) -> Iterator[bytes]:
        if key not in row.clips:
            for table in self._store.steps(row, [key]):
                files = files_of(table, key)
                if None in files:
                    problem = f"{key} has names of pictures, and not the pictures"
                    raise DatasetDamagedError(str(self._store.data_path(row)), problem)
                yield from files
            return
        from hilrt.data.lerobot.video import FilmReader  # noqa: PLC0415 - av is behind it

        clip = row.clips[key]
        path = self._store.video_path(key, clip)
        film = stack.enter_context(FilmReader(path, clip.from_s, self._store.info.fps))
        for step in range(row.length):
            yield encoded(film.picture(step), self._format)
