"""Corrections of a dataset's labels: what a person says of its observations, laid over what was recorded.

They lie in `hilrt/labels.json` in the dataset, under a digest, in the order in which they were made. An entry is never
taken out or changed: an undo is an entry, too. Recorded rewards and flags stay in the data as they are.

Observation t of an episode is its row t, from 0; the last one, number `length`, is the one after its last action. Step
t's reward is what observation t + 1 is worth.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from hilrt.data.lerobot.change import Change, finish
from hilrt.data.lerobot.episodes import EpisodeRow, read_episodes
from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.layout import read_info
from hilrt.errors import DatasetDamagedError, DatasetFormatError, LabelError
from hilrt.step.record import Override, Record, final_of
from hilrt.step.sealed import SealError, format_of, sealed, unsealed

LABELS = "hilrt/labels.json"
FORMAT = 1
FAILURE, SUCCESS = "failure", "success"
"""Classes: of observations of which nothing is said, and of those that are rewarded; a person may name others."""

Kind = Literal["success", "failure", "span", "undo"]


class Correction(Struct, frozen=True, kw_only=True):
    """Something that a person says of an episode."""

    episode: int
    origin: str
    """Of the episode, as `EpisodeRow.origin`: so no correction is ever laid over another one."""
    kind: Kind
    """`success`: from observation `start` on; `failure`: the whole episode; `span`: observations [start, stop) are of
    class `name`; `undo`: of the episode's last correction that is in force."""
    start: int = 0
    stop: int = 0
    name: str = ""
    rewarded: bool = False
    """Of a span: whether its class is the one that is rewarded."""
    by: Literal["label", "operator"] = "label"
    wall_ns: int = 0
    """When, since 1970."""

    def __str__(self) -> str:
        """In words."""
        return {
            "success": f"success from {self.start}",
            "failure": "failure",
            "span": f"{self.start}:{self.stop} = {self.name}",
            "undo": "undo",
        }[self.kind]


def read_corrections(root: Path) -> list[Correction]:
    """All entries; none where nothing was ever corrected.

    Raises:
        DatasetFormatError: of another version.
        DatasetDamagedError: not what was written.
        DatasetPathError: it is a link out of the dataset.
    """
    path = inside(root, LABELS)
    try:
        data = path.read_bytes()
        if (found := format_of(data)) != FORMAT:
            raise DatasetFormatError(str(path), f"is of format {found}, of another version of hilrt")
        return unsealed(data, list[Correction])
    except FileNotFoundError:
        return []
    except SealError as error:
        problem = f"{error} (if it is removed, all is as it was recorded, and the corrections are lost)"
        raise DatasetDamagedError(str(path), problem) from None
    except OSError as error:
        raise DatasetDamagedError(str(path), f"it cannot be read: {error.strerror}") from None


def write_corrections(path: Path, corrections: Sequence[Correction]) -> None:
    """Write all of them."""
    path.write_bytes(sealed(corrections, FORMAT))


def add_correction(root: Path, correction: Correction) -> list[Correction]:
    """Put an entry behind the others; once this returns, it is on disk.

    Returns:
        All of them.

    Raises:
        LabelError: it is not about an episode that is there.
        DatasetBusyError: another process writes to the dataset.
        DatasetWriteError: the disk does not take it; the others are there as before.
        DatasetDamagedError, DatasetFormatError: the dataset, or the entries that are there, cannot be read.
    """
    with Change(root) as change:
        corrections = [*read_corrections(root), correction]
        for problem in misplaced([correction], read_episodes(root, read_info(root))):
            raise LabelError(str(root), problem)
        write_corrections(change.path(LABELS), corrections)
        change.commit(whole=False)
    return corrections


def in_force(corrections: Sequence[Correction]) -> dict[int, list[Correction]]:
    """By episode, those that were not undone, in the order in which they were made."""
    kept: dict[int, list[Correction]] = {}
    for correction in corrections:
        of_episode = kept.setdefault(correction.episode, [])
        if correction.kind != "undo":
            of_episode.append(correction)
        elif of_episode:
            of_episode.pop()
    return {episode: of_episode for episode, of_episode in kept.items() if of_episode}


def frame_classes(
    root: Path, episode: int, rewards: Sequence[float], classes: Sequence[str], reward_class: str
) -> list[str]:
    """Class of each of an episode's observations, len(rewards) + 1 of them.

    Args:
        root: the dataset.
        episode: its number there.
        rewards: of its steps, as recorded or as corrected.
        classes: their names; the first is of what nobody says anything about.
        reward_class: of observations that give reward.

    Raises:
        LabelError: a correction names a class that is not among them.
        DatasetDamagedError, DatasetFormatError: the corrections cannot be read.
    """
    finish(root)
    corrections = in_force(read_corrections(root)).get(episode, [])
    for each in corrections:
        if each.kind == "span" and each.name not in classes:
            raise LabelError(
                str(root), f"episode {episode} has {each}, which is none of {', '.join(classes)}"
            )
    return classes_of(rewards, corrections, classes[0], reward_class)


def classes_of(
    rewards: Sequence[float], corrections: Sequence[Correction], nothing: str, reward_class: str
) -> list[str]:
    """The same, of whatever classes they name; `nothing`: the class of what nobody says anything about."""
    found = [reward_class if rewarded else nothing for rewarded in _rewarded(rewards)]
    for each in corrections:
        if each.kind == "span":
            stop = min(each.stop, len(found))
            found[each.start : stop] = [each.name] * (stop - each.start)
            continue
        since = each.start if each.kind == "success" else len(found)
        before = [nothing if name == reward_class else name for name in found[:since]]
        found = before + [reward_class] * (len(found) - since)
    return found


def corrected(records: Sequence[Record], corrections: Sequence[Correction]) -> list[Record]:
    """An episode's records, its final one the last, with rewards, successes and ends as these say.

    What they leave as it was is so to the bit. Where the end is no longer the success or failure that was recorded,
    the episode is truncated: what would have come is not known.
    """
    if not corrections or len(records) < 2:
        return list(records)
    *steps, final = records
    before = _rewarded([step.reward for step in steps])
    after, failed = before.copy(), False
    for correction in corrections:
        _lay_over(after, correction)
        failed = correction.kind == "failure" or (failed and correction.kind != "success")
    told = zip(steps, before[1:], after[1:], strict=True)
    steps = [_told(step, was=bool(was), now=bool(now)) for step, was, now in told]
    success = steps[-1].success
    terminated = (final.terminated and success == final.success) or (failed and not success)
    ends = {"terminated": terminated, "truncated": not terminated}
    return [*steps[:-1], replace(steps[-1], **ends), replace(final, success=success, **ends)]


def until_success(records: Sequence[Record]) -> list[Record]:
    """An episode as it would have been, had its first success ended it."""
    first = next((i for i, record in enumerate(records) if record.success and not record.final), None)
    if first is None or first + 1 == len(records):
        return list(records)
    last = replace(records[first], terminated=True, truncated=False)
    return [*records[:first], last, final_of(records[first + 1], last)]


def overrides(records: Sequence[Record], origin: str) -> Iterator[Correction]:
    """What the operator said of an episode against a reward classifier, for whoever trains the next one."""
    for record in records:
        about = Correction(episode=0, origin=origin, kind="failure", by="operator", wall_ns=record.wall_ns)
        if record.override is Override.SUCCESS:
            yield replace(about, kind="success", start=record.step + 1)
        elif record.override is Override.FAILURE:
            yield about


def misplaced(corrections: Sequence[Correction], rows: Sequence[EpisodeRow]) -> Iterator[str]:
    """Which are not about these episodes, in words."""
    for correction in corrections:
        number, row = correction.episode, None
        if 0 <= number < len(rows):
            row = rows[number]
        if row is None or correction.origin != row.origin:
            yield f"what it says of episode {number} ({correction}) was said of another episode"
        elif not _fits(correction, row.length):
            yield f"episode {number}: {correction}, and it has observations 0 to {row.length}"


def _fits(correction: Correction, length: int) -> bool:
    if correction.kind == "span":
        return 0 <= correction.start < correction.stop <= length + 1
    return 0 <= correction.start <= length


def _rewarded(rewards: Sequence[float]) -> npt.NDArray[np.bool_]:
    """Of each observation, whether the step before it was rewarded."""
    return np.array([False, *(reward > 0 for reward in rewards)])


def _lay_over(rewarded: npt.NDArray[np.bool_], correction: Correction) -> None:
    if correction.kind == "span":
        rewarded[correction.start : correction.stop] = correction.rewarded
    else:
        since = correction.start if correction.kind == "success" else len(rewarded)
        rewarded[:since], rewarded[since:] = False, True


def _told(step: Record, *, was: bool, now: bool) -> Record:
    reward = step.reward if was == now else float(now)
    return replace(step, reward=reward, success=now, terminated=False, truncated=False)
