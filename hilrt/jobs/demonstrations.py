"""The demonstrations in `dataset.root`: recorded into a journal, kept in a dataset."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hilrt.config import Config
from hilrt.data.journal import JOURNAL, check_features, episode_files
from hilrt.data.lerobot.change import locked
from hilrt.errors import DatasetBusyError, DatasetWriteError, TasksMixedError
from hilrt.report.progress import Bar
from hilrt.step.features import from_config


def fold_demonstrations(config: Config) -> int:
    """Bring what was recorded into the dataset; says what has to stay behind, and why.

    Returns:
        How many demonstrations the dataset has, all with the config's features.

    Raises:
        JournalFeaturesError: they were recorded with other features.
        DatasetWriteError, DatasetBusyError: it cannot be done now; nothing is lost.
        DatasetError: what is there is no dataset of ours, or cannot be read.
    """
    from hilrt.data.lerobot.dataset import exists, open_dataset  # noqa: PLC0415 - pyarrow is behind it
    from hilrt.data.lerobot.fold import fold  # noqa: PLC0415

    root, features = Path(config.dataset.root), from_config(config)
    check_features(journal_of(config), features)
    size = sum(path.stat().st_size for path in episode_files(journal_of(config)))
    with Bar(f"into {root}", size) as bar:
        robot, video = config.robot_name, config.dataset.video
        folded = fold(root, features, robot_type=robot, video=video, advance=bar.advance)
        for left in folded.left:
            bar.say(f"{journal_of(config)}/{left}: `hilrt dataset recover {root}` keeps what is whole of it")
    return len(open_dataset(root, features)) if exists(root) else 0


def require_one_task(config: Config, *, added: bool) -> None:
    """See that the dataset is of one task; with `added`, of the config's, because episodes of that will come.

    Raises:
        TasksMixedError: it is not.
    """
    from hilrt.data.lerobot.dataset import exists, open_dataset  # noqa: PLC0415 - pyarrow is behind it

    root = Path(config.dataset.root)
    if not exists(root):
        return
    dataset, episodes = open_dataset(root), defaultdict(list)
    for row in dataset.rows:
        episodes[dataset.task(row)].append(row.episode)
    if len(episodes) > 1 or (added and episodes.keys() - {config.env.task}):
        raise TasksMixedError(str(root), episodes, config.env.task)


def require_room(config: Config) -> None:
    """See that the dataset, if there is one, takes more episodes.

    Raises:
        DatasetError: it does not.
    """
    from hilrt.data.lerobot.dataset import exists, open_to_change  # noqa: PLC0415 - pyarrow is behind it

    if exists(root := Path(config.dataset.root)):
        open_to_change(root)


@contextmanager
def one_recording(config: Config) -> Iterator[None]:
    """Be the only `hilrt record` of a dataset, from the first number of an episode to the last episode's way into it.

    Raises:
        DatasetBusyError: another one goes on.
        DatasetWriteError: the disk does not take the lock.
    """
    lock = journal_of(config) / ".recording"
    try:
        lock.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetWriteError(config.dataset.root, error) from None
    with locked(lock):
        yield


def fold_what_is_left(config: Config) -> None:
    """Bring what a crash has left in the journal into the dataset; raises as `fold_demonstrations` does.

    Nothing is left of a recording that still goes on: it brings in its own.
    """
    if episode_files(journal_of(config)):
        with suppress(DatasetBusyError):
            fold_demonstrations(config)


def journal_of(config: Config) -> Path:
    """Where demonstrations are recorded, until they are in the dataset."""
    return Path(config.dataset.root) / JOURNAL
