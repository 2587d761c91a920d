"""Datasets made by others as demonstrations: their rows become records, their pictures stay as they are.

A foreign episode has no observation after its last action. So its last row becomes the final observation, and what that
row says of the end (reward, success) goes to the row before.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import xxhash
from msgspec import Struct

from hilrt.data.lerobot.change import Change
from hilrt.data.lerobot.columns import Arrays, files_of, from_table, stay
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.lerobot.episodes import EpisodeRow
from hilrt.data.lerobot.layout import SIDECAR
from hilrt.data.lerobot.mapping import Floats, Translation, Wishes, translate
from hilrt.data.lerobot.store import Store
from hilrt.data.lerobot.take import Take, cut_off
from hilrt.data.lerobot.writer import DatasetWriter, new_info
from hilrt.data.pictures import ImageFormat, encoded, joined
from hilrt.errors import OwnDatasetError, UnmappableError
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, Source

Advance = Callable[[float], None]
FULL_CIRCLE = 6.4
"""No joint angle is larger [rad]; one that is, is in degrees."""
SLACK = 1e-3
"""Of an action's range."""
OUTCOMES = ("next.reward", "next.success", "complementary_info.is_intervention")


class Imported(Struct, kw_only=True):
    """Episodes of a foreign dataset."""

    kept: int = 0
    successes: int = 0
    """Of those kept."""
    known: int = 0
    """Imported before."""
    short: int = 0
    """Of a single row, which leaves no step."""


def import_dataset(
    source: Path,
    root: Path,
    features: Features,
    wishes: Wishes,
    *,
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
        image_format: what videos become.
        robot_type: of a new dataset.
        advance: told of each episode.

    Returns:
        What became of its episodes.

    Raises:
        UnmappableError: it does not have what the features want.
        OwnDatasetError: hilrt wrote it.
        JournalFeaturesError: the dataset in `root` has other features.
        EpisodeDamagedError, PictureError, DatasetDamagedError, DatasetWriteError: nothing was written.
    """
    if (source / SIDECAR).exists():
        raise OwnDatasetError(str(source), str(root))
    store = Store.open(source)
    reader = _Reader(
        store, translate(str(source), store.info, features, wishes), features, wishes, image_format
    )
    with Change(root) as change:
        dataset = open_dataset(root, features) if exists(root) else None
        fresh = new_info(features, robot_type, video=False)
        with DatasetWriter.to(change, dataset, features, fresh) as writer:
            imported = _add_all(store, reader, writer, advance)
            if imported.kept:
                writer.finish()
    return imported


def _add_all(store: Store, reader: "_Reader", writer: DatasetWriter, advance: Advance) -> Imported:
    imported, known = Imported(), {row.origin for row in writer.rows}
    for row in store.rows:
        take = reader.take(row)
        if take.origin in known:
            imported.known += 1
        elif not take.records:
            imported.short += 1
        else:
            writer.add(take)
            imported.kept += 1
            imported.successes += take.records[-1].success
        advance(1)
    return imported


class _Reader:
    """Episodes of a foreign dataset as takes."""

    def __init__(
        self, store: Store, how: Translation, features: Features, wishes: Wishes, image_format: ImageFormat
    ) -> None:
        self._store, self._how, self._features = store, how, features
        self._success, self._format = wishes.success, image_format
        self._outcomes = [name for name in OUTCOMES if name in store.info.features]
        if not wishes.success and not {"next.reward", "next.success"} & set(self._outcomes):
            problem = (
                "it has neither next.reward nor next.success (--success: every episode ended in success)"
            )
            raise UnmappableError(str(store.root), [problem])

    def take(self, row: EpisodeRow) -> Take:
        """An episode."""
        columns = self._columns(row)
        state = np.column_stack([origin.of(columns, row.length) for origin in self._how.state])
        action = np.column_stack([origin.of(columns, row.length) for origin in self._how.action])
        if problems := list(self._strange(row, state, action)):
            raise UnmappableError(str(self._store.root), problems)
        return Take(
            name=f"{self._store.root} episode {row.episode}",
            task=self._store.task(row),
            records=cut_off(self._records(row, state, action, columns)),
            frames=lambda: self._frames(row),
            size=self._store.size(row),
            origin=f"import:{xxhash.xxh3_64_hexdigest(state.tobytes() + action.tobytes())}",
        )

    def _columns(self, row: EpisodeRow) -> Arrays:
        tables = self._store.steps(row, sorted({*self._how.columns, *self._outcomes}))
        parts = [from_table(table) for table in tables]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def _strange(self, row: EpisodeRow, state: Floats, action: Floats) -> Iterator[str]:
        """Numbers that cannot be what they are taken for."""
        axes = len(self._features.action)
        which = f"episode {row.episode}:"
        for name, values in zip(self._features.state, state.T, strict=True):
            if name.endswith(".pos") and np.abs(values).max() > FULL_CIRCLE:
                worst = np.abs(values).max()
                yield f"{which} {name} goes to {worst:.1f}, which is no angle in rad (--convert '*.pos=0.0174533')"
        if not (np.isfinite(state).all() and np.isfinite(action).all()):
            yield f"{which} has numbers that are not finite"
        if (worst := np.abs(action[:, :axes]).max()) > 1.0 + SLACK:
            yield f"{which} actions go to {worst:.3g}, and belong in [-1, 1] (--convert OURS=FACTOR)"
        commands = set(action[:, axes:].ravel().tolist())
        if strange := commands - set(range(len(self._features.gripper))):
            known = ", ".join(f"{i} {name}" for i, name in enumerate(self._features.gripper))
            yield f"{which} its gripper's commands have {min(strange):g}; they are {known}"

    def _records(self, row: EpisodeRow, state: Floats, action: Floats, columns: Arrays) -> list[Record]:
        axes, n = len(self._features.action), row.length
        reward = columns.get("next.reward", np.zeros(n)).astype(float)
        told = columns.get("next.success", np.zeros(n, bool))
        human = columns.get("complementary_info.is_intervention", np.ones(n))
        success = bool(self._success or reward[-1] >= 1.0 or told[-1])
        reward[-1] = max(reward[-1], float(success))
        return [
            Record(
                episode=row.episode,
                step=step,
                mode=Mode.DEMO,
                monotonic_ns=round(step / self._store.info.fps * 1e9),
                wall_ns=0,
                state=state[step].tobytes(),
                action=action[step, :axes].tobytes(),
                gripper=int(action[step, axes]) if self._features.gripper else stay(self._features),
                source=Source.HUMAN if human[step] else Source.POLICY,
                reward=float(reward[step]),
                terminated=success and step == n - 1,
                success=success and step == n - 1,
            )
            for step in range(n)
        ]

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
                yield from files_of(table, key)
            return
        from hilrt.data.lerobot.video import FilmReader  # noqa: PLC0415 - av is behind it

        clip = row.clips[key]
        path = self._store.video_path(key, clip)
        film = stack.enter_context(FilmReader(path, clip.from_s, self._store.info.fps))
        for step in range(row.length):
            yield encoded(film.picture(step), self._format)
