"""`hilrt dataset view`: episodes as pictures, into a folder or into TensorBoard."""

import errno
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from hilrt.data.journal import JOURNAL, Episode, episode_files, number_of, read_episode
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.pictures import Picture, write_png
from hilrt.errors import EpisodesAbsentError, NoEpisodesError, PictureFileError
from hilrt.report.film import film
from hilrt.report.progress import Bar

Say = Callable[[str], None]
Put = Callable[[int, Picture], None]
"""Takes an episode's number and its picture."""


def view(
    say: Say, source: Path, numbers: Sequence[int] | None, png: Path | None, tensorboard: Path | None
) -> None:
    """Make a picture of each episode.

    Args:
        say: takes a line for the user.
        source: a dataset, or the folder of a run or of a journal.
        numbers: of the episodes; None: all.
        png: folder for PNG files.
        tensorboard: folder for an event file.

    Raises:
        NoEpisodesError, EpisodesAbsentError: there are none, or none of these numbers.
        PictureFileError: a file cannot be written.
        DatasetError, and what else reading raises.
    """
    for folder in filter(None, (png, tensorboard)):
        if folder.is_file():
            raise PictureFileError(str(folder), OSError(errno.ENOTDIR, "it is a file, and no folder"))
    there, read = _opened(source)
    wanted = there if numbers is None else numbers
    if absent := [number for number in wanted if number not in there]:
        raise EpisodesAbsentError(str(source), absent, max(there) + 1)
    with ExitStack() as stack:
        puts = [_into_folder(png)] if png else []
        puts += [_into_tensorboard(tensorboard, stack)] if tensorboard else []
        bar = stack.enter_context(Bar("drawing", len(wanted)))
        for number in wanted:
            picture = film(read(number))
            for put in puts:
                put(number, picture)
            bar.advance(1)
    say(f"{len(wanted)} pictures are in {' and '.join(str(f) for f in (png, tensorboard) if f)}")
    if tensorboard:
        say(f"look at them: hilrt dashboard {tensorboard}")


def _opened(source: Path) -> tuple[Sequence[int], Callable[[int], Episode]]:
    """Numbers of the episodes, and how to read one; those of a journal need a step to count."""
    if exists(source):
        dataset = open_dataset(source)
        return range(len(dataset)), lambda number: dataset.episode(number, frames=True)
    folder = source / JOURNAL if (source / JOURNAL).is_dir() else source
    paths = [path for path in episode_files(folder) if not all(r.final for r in read_episode(path).records)]
    files = {number_of(path): path for path in paths}
    if not files:
        raise NoEpisodesError(str(source))
    return list(files), lambda number: read_episode(files[number], frames=True)


def _into_folder(folder: Path) -> Put:
    return lambda number, picture: write_png(folder / f"episode_{number:06d}.png", picture)


def _into_tensorboard(folder: Path, stack: ExitStack) -> Put:
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - two seconds

    writer = SummaryWriter(str(folder))
    stack.callback(writer.close)
    return lambda number, picture: writer.add_image(f"Episodes/{number:06d}", picture, dataformats="HWC")
