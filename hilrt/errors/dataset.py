"""Failures of datasets."""

from collections.abc import Mapping, Sequence

from hilrt.errors.root import HilrtError, disk_cure


class DatasetError(HilrtError):
    """A dataset cannot be read: the one kind that reading it raises, for whichever of the reasons below."""


class DatasetAbsentError(DatasetError):
    """There is no dataset in a folder, though there may be episodes in its journal."""

    def __init__(self, root: str, journal: int) -> None:
        cure = (
            f"`hilrt dataset recover {root}` makes one of the {journal} episodes in its journal."
            if journal
            else "`hilrt record CONFIG` makes one."
        )
        super().__init__(f"no dataset in {root}: it has no meta/info.json. {cure}")


class DatasetFormatError(DatasetError):
    """A dataset is of another format, or of another version of it."""

    def __init__(self, path: str, problem: str, cure: str = "") -> None:
        super().__init__(f"{path}: {problem}." + (f" {cure}" if cure else ""))


class DatasetDamagedError(DatasetError):
    """A file of a dataset cannot be read, or is not what it should be."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"{path} is damaged: {problem}. Nothing was changed. `hilrt dataset verify` lists what is; bring the file "
            "back from a copy, or drop its episodes with `hilrt dataset delete-episodes`."
        )


class PointerFileError(DatasetDamagedError):
    """In place of a file there is a pointer of large-file storage."""

    def __init__(self, path: str) -> None:
        HilrtError.__init__(
            self,
            f"{path} is not there yet: what lies in its place is a pointer of large-file storage. Fetch the files "
            "themselves, in the dataset's folder: `git lfs pull` (or `git annex get .`).",
        )


class DatasetPathError(DatasetError):
    """A dataset names a place outside its folder."""

    def __init__(self, root: str, name: str) -> None:
        super().__init__(
            f"{root} is not to be trusted: a file of it names {name!r}, or a link there leads out of the dataset. "
            "Nothing was read, written or removed there. Look at its .hilrt-commit, meta/info.json and links, or fetch "
            "the dataset anew."
        )


class OldDemonstrationsError(DatasetError):
    """Demonstrations lie where earlier versions of hilrt put them."""

    def __init__(self, root: str, journal: str) -> None:
        super().__init__(
            f"{root} holds demonstrations as earlier versions of hilrt kept them. To bring them into its dataset, move "
            f"them into its journal: mkdir -p {root}/{journal} && mv {root}/episode_*.hilrt {root}/{journal}/"
        )


class ForeignDatasetError(DatasetError):
    """A dataset that was not written by hilrt, so what its steps mean is not known."""

    def __init__(self, root: str) -> None:
        super().__init__(
            f"{root} is a dataset made by others: it has no hilrt/features.json. "
            "`hilrt dataset import SRC ROOT --config CONFIG` makes demonstrations of it."
        )


class DatasetWriteError(HilrtError):
    """The disk does not take a dataset."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(
            f"{cause.strerror or cause}: {path}. {disk_cure(cause)}, then try again: "
            "dataset and journal are as they were before."
        )


class DatasetBusyError(HilrtError):
    """Another process writes to a dataset."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is being written by another hilrt: wait for it, or stop it (`hilrt status` shows runs)."
        )


class DatasetExistsError(HilrtError):
    """A new dataset would go where something is already."""

    def __init__(self, out: str) -> None:
        super().__init__(f"{out} is there already and not empty: nothing was written. Name a new folder.")


class EpisodesAbsentError(HilrtError):
    """Episodes were named that a dataset does not have."""

    def __init__(self, root: str, absent: Sequence[int], count: int) -> None:
        there = f"episodes 0 to {count - 1}" if count else "no episode"
        super().__init__(
            f"{root} has {there}; there is no {', '.join(map(str, absent))}. Nothing was changed."
        )


class NoEpisodesError(HilrtError):
    """There is nothing to export, to look at, or to recover."""

    def __init__(self, source: str) -> None:
        super().__init__(
            f"{source} is neither a dataset (it has no meta/info.json) nor a run or journal with episodes in it."
        )


class NothingLeftError(HilrtError):
    """All episodes of a dataset were to be deleted."""

    def __init__(self, root: str) -> None:
        super().__init__(
            f"{root} would have no episode left: nothing was changed. To drop it, remove the folder."
        )


class MergeError(HilrtError):
    """Datasets that do not consist of the same steps."""

    def __init__(self, found: str, expected: str, difference: str) -> None:
        super().__init__(
            f"{found} cannot be joined with {expected}: {difference}. Nothing was written; only datasets that were "
            "recorded with the same features can be joined."
        )


class OwnDatasetError(HilrtError):
    """A dataset of hilrt's own was to be imported."""

    def __init__(self, source: str, root: str) -> None:
        super().__init__(
            f"{source} was written by hilrt and needs no import: set dataset.root to it, or join datasets with "
            f"`hilrt dataset merge OUT {root} {source}`."
        )


class UnmappableError(HilrtError):
    """A foreign dataset does not have what a config's steps consist of."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(
            f"{source} cannot become demonstrations for this config; nothing was written:{listed}"
        )


class ImportedOtherwiseError(HilrtError):
    """An episode of others is in a dataset already, made of the same numbers in another way."""

    def __init__(self, episode: str, number: int) -> None:
        super().__init__(
            f"{episode} was imported before, with other units, names, rewards or pairing: episode {number} there. "
            "Nothing was written: it would be there twice. Take out what was imported before (`hilrt dataset "
            "delete-episodes`, or remove the folder if that is all there is), then import again."
        )


class LabelError(HilrtError):
    """A label that an episode cannot have, or that means nothing to who reads it."""

    def __init__(self, root: str, problem: str) -> None:
        super().__init__(
            f"{root}: {problem}. `hilrt label {root} --list` shows episodes and corrections; with --episode NUMBER and "
            "--success-from OBSERVATION, --success, --failure, --span FROM:TO=CLASS or --undo it corrects one."
        )


class TasksMixedError(HilrtError):
    """A dataset holds, or would hold, demonstrations of several tasks."""

    def __init__(self, root: str, episodes: Mapping[str, Sequence[int]], wanted: str) -> None:
        """`episodes`: of each task; `wanted`: the config's."""
        there = "; ".join(f"{task!r}: {ranges(numbers)}" for task, numbers in episodes.items())
        super().__init__(
            f"{root} holds demonstrations of another task than the config's env.task, {wanted!r}. Its episodes are of "
            f"{there}. One policy learns one task: set env.task to that of the dataset, name another dataset.root, or "
            "make one of the episodes that you want with `hilrt dataset export ROOT OUT --episodes ...`."
        )


def ranges(numbers: Sequence[int]) -> str:
    """As `--episodes` takes them: "0-4,7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


class EpisodeDamagedError(DatasetError):
    """An episode that cannot be read whole, or cannot go into a dataset as it is."""

    def __init__(self, episode: str, problem: str) -> None:
        super().__init__(f"{episode}: {problem}")
