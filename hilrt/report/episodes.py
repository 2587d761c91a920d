"""`hilrt dataset view`: episodes as pictures, into a folder or into TensorBoard."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from hilrt.data.journal import Episode, episode_files, read_episode
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.pictures import Picture, encoded
from hilrt.errors import EpisodeAbsentError, PictureFileError
from hilrt.report.film import film
from hilrt.report.progress import Bar

ALL = "all"

Put = Callable[[int, Picture], None]
"""Takes an episode's number and its picture."""


def view(
    say: Callable[[str], None], root: Path, episode: str, png: Path | None, tensorboard: Path | None
) -> None:
    """Make a picture of each episode.

    Args:
        say: takes a line for the user.
        root: a dataset, or a folder with a journal.
        episode: a number, or "all".
        png: folder for PNG files.
        tensorboard: folder for an event file.

    Raises:
        EpisodeAbsentError: there is none of that number.
        PictureFileError: a file cannot be written.
        DatasetAbsentError, and what else reading raises.
    """
    numbers, read = _source(root)
    wanted = numbers if episode == ALL else [_number(episode, numbers, root)]
    with ExitStack() as stack:
        puts = [_into_folder(png)] if png else []
        puts += [_into_tensorboard(tensorboard, stack)] if tensorboard else []
        bar = stack.enter_context(Bar("drawing", len(wanted)))
        for number in wanted:
            picture = film(read(number))
            for put in puts:
                put(number, picture)
            bar.advance(1)
    say(
        f"{len(wanted)} pictures are in {' and '.join(str(folder) for folder in (png, tensorboard) if folder)}"
    )
    if tensorboard:
        say(f"look at them: tensorboard --logdir {tensorboard}")


def _source(root: Path) -> tuple[list[int], Callable[[int], Episode]]:
    """Numbers of the episodes that have a step, and how to read one."""
    if not exists(root) and (files := episode_files(root)):
        journal = dict(_begun(files))
        return list(journal), lambda number: read_episode(journal[number], frames=True)
    dataset = open_dataset(root)
    return list(range(len(dataset))), lambda number: dataset.episode(number, frames=True)


def _begun(files: list[Path]) -> Iterator[tuple[int, Path]]:
    for path in files:
        episode = read_episode(path)
        if any(not record.final for record in episode.records):
            yield episode.number, path


def _number(text: str, numbers: list[int], root: Path) -> int:
    if not text.isdecimal() or int(text) not in numbers:
        raise EpisodeAbsentError(str(root), text, numbers)
    return int(text)


def _into_folder(folder: Path) -> Put:
    def put(number: int, picture: Picture) -> None:
        file = folder / f"episode_{number:06d}.png"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encoded(picture, "png"))
        except OSError as error:
            raise PictureFileError(str(file), error) from None

    return put


def _into_tensorboard(folder: Path, stack: ExitStack) -> Put:
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - two seconds

    writer = SummaryWriter(str(folder))
    stack.callback(writer.close)
    return lambda number, picture: writer.add_image(f"Episodes/{number:06d}", picture, dataformats="HWC")
