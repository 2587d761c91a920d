"""An episode on its way into a dataset: from a journal, from another dataset, from others' data."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hilrt.data.labels import Correction
from hilrt.data.lerobot import stats
from hilrt.data.pictures import Picture, decoded, unpacked
from hilrt.errors import EpisodeDamagedError, PictureError
from hilrt.step.conditions import Conditions
from hilrt.step.features import Image
from hilrt.step.record import Record, final_of


class Take(Struct, frozen=True, kw_only=True):
    """An episode that is complete."""

    name: str
    """For messages."""
    task: str
    records: list[Record]
    """Its steps; the last one is final."""
    frames: Callable[[], Iterator[bytes]]
    """Pictures of each record, as `hilrt.data.pictures` packs them; empty pieces where there are no cameras."""
    size: int
    """About what it takes in a data file [bytes]."""
    films: dict[str, Path] = {}
    """Video files of its steps, by column, that are taken as they are; `frames` then has the last record's alone."""
    colours: dict[str, stats.Stats] = {}
    """Statistics of those videos."""
    origin: str = ""
    """Names the journal file it comes from."""
    conditions: Conditions | None = None
    """Under which it was recorded, where that is known."""
    corrections: Sequence[Correction] = ()
    """Of its labels, all that were ever made."""

    @property
    def steps(self) -> int:
        """Records that become rows."""
        return len(self.records) - 1

    def pictures(self, cameras: int) -> Iterator[tuple[bytes, ...]]:
        """Picture files of each record, or with `films` of the last one.

        Raises:
            EpisodeDamagedError: some are missing.
        """
        expected = 1 if self.films else len(self.records)
        count = 0
        for count, piece in enumerate(self.frames(), 1):
            try:
                files = unpacked(piece)
            except PictureError as error:
                raise EpisodeDamagedError(self.name, str(error)) from None
            if len(files) != cameras:
                at = self.records[count - 1].step
                raise EpisodeDamagedError(self.name, f"step {at} has {len(files)} of {cameras} pictures")
            yield files
        if count < expected:
            raise EpisodeDamagedError(self.name, f"its pictures can be read up to step {count - 1} only")


def survey(take: Take, images: Sequence[Image], *, whole: bool) -> list[stats.Stats]:
    """See that every step has its pictures, before anything is written.

    Args:
        take: the episode.
        images: what its pictures should be.
        whole: decode all of them; else a few.

    Returns:
        Each camera's statistics, of a few pictures.

    Raises:
        EpisodeDamagedError: pictures are missing, damaged, or of another size.
    """
    colours: list[list[stats.Floats]] = [[] for _ in images]
    stride = max(1, len(take.records) // stats.SAMPLES)
    for count, files in enumerate(take.pictures(len(images))):
        if not whole and count % stride:
            continue
        for kept, image, file in zip(colours, images, files, strict=True):
            picture = _picture(take, file)
            if picture.shape != (image.height, image.width, 3):
                height, width = picture.shape[:2]
                problem = f"a picture of {image.name} is {width}x{height}, not {image.width}x{image.height}"
                raise EpisodeDamagedError(take.name, problem)
            if count % stride == 0:
                kept.append(stats.of_picture(picture))
    return [stats.of_pictures(kept) for kept in colours]


def _picture(take: Take, file: bytes) -> Picture:
    try:
        return decoded(file)
    except PictureError as error:
        raise EpisodeDamagedError(take.name, str(error)) from None


def cut_off(records: list[Record]) -> list[Record]:
    """Steps that lack their end: the last one's observation becomes the final one.

    What the last step says of the end goes to the step before it; where it says none, that is truncated.
    """
    if len(records) < 2:
        return []
    *steps, before, last = records
    ends = {"reward": last.reward, "terminated": True, "success": last.success} if last.terminated else {}
    before = replace(before, truncated=not last.terminated, **ends)
    return [*steps, before, final_of(last, before)]
