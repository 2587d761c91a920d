"""Correct the labels of a dataset: in a window, or in a line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import localtime, strftime

from msgspec import Struct
from rich.console import RenderableType
from rich.table import Table

from hilrt.data.labelling import Labelling, outcome
from hilrt.errors import DisplayAbsentError, LabelError
from hilrt.report.x11 import check_display


class Wish(Struct, frozen=True, kw_only=True):
    """What is to be done without a window; at most one of them."""

    success_from: int | None = None
    success: bool = False
    failure: bool = False
    span: tuple[int, int, str] | None = None
    undo: bool = False
    list: bool = False

    @property
    def given(self) -> Sequence[str]:
        """Options that say something."""
        return [
            f"--{field.replace('_', '-')}"
            for field in self.__struct_fields__
            if getattr(self, field) not in {None, False}
        ]

    @property
    def needs_episode(self) -> bool:
        """Whether it is about one episode."""
        return bool(self.given) and not (self.undo or self.list)


def label(
    root: Path, wish: Wish, episode: int | None, classes: Sequence[str], reward_class: str
) -> Iterator[RenderableType]:
    """Do it; without a wish in a window.

    Args:
        root: the dataset.
        wish: what is to be done.
        episode: which one, or where the window begins.
        classes: of the window's keys; the first is of what nothing is said of.
        reward_class: the one that is rewarded.

    Returns:
        What there is to say to the user.

    Raises:
        LabelError: it cannot be, or there is no window.
        EpisodesAbsentError: there is no such episode.
        DatasetAbsentError, and what else `open_dataset` raises.
    """
    labelling = Labelling(root, classes[0], reward_class)
    if wish.list:
        yield listed(labelling)
    elif wish.undo:
        taken = labelling.undo(episode)
        yield f"taken back: {taken}"
        yield in_words(labelling, taken.episode)
    elif not wish.given:
        yield _in_window(labelling, classes, episode or 0)
    elif episode is not None:
        _correct(labelling, episode, wish)
        yield in_words(labelling, episode)


def _correct(labelling: Labelling, episode: int, wish: Wish) -> None:
    if wish.failure:
        labelling.failure(episode)
    elif wish.span:
        labelling.span(episode, *wish.span)
    else:
        labelling.success(episode, wish.success_from)


def _in_window(labelling: Labelling, classes: Sequence[str], episode: int) -> str:
    from hilrt.report.labelwindow import LabelWindow  # noqa: PLC0415 - OpenCV is behind it

    root, before = str(labelling.dataset.root), len(labelling.corrections)
    if not labelling.dataset.cameras:
        raise LabelError(root, "it was recorded without cameras, so a window has nothing to show")
    window = LabelWindow(labelling, classes, episode)
    try:
        check_display()
    except DisplayAbsentError as error:
        raise LabelError(root, f"there is no display for a window ({error.problem}; `ssh -X`)") from None
    window.run()
    return f"{len(labelling.corrections) - before} corrections and undos were written into {root}"


def in_words(labelling: Labelling, number: int) -> str:
    """How an episode is labelled now."""
    now, recorded = outcome(labelling.corrected(number)), outcome(labelling.recorded(number))
    said = "; ".join(map(str, labelling.of(number))) or "none"
    return f"episode {number}: {now} (recorded: {recorded}; corrections: {said})"


def listed(labelling: Labelling) -> Table:
    """Every episode: how it was recorded, what holds now, and who said so last."""
    table = Table("episode", "steps", "recorded", "corrected", "corrections", "by", "last")
    for number in range(len(labelling)):
        records, said = labelling.recorded(number), labelling.of(number)
        cells = [str(number), str(len(records) - 1), outcome(records)]
        if said:
            when = strftime("%Y-%m-%d %H:%M:%S", localtime(said[-1].wall_ns / 1e9))
            cells += outcome(labelling.corrected(number)), "; ".join(map(str, said)), said[-1].by, when
        table.add_row(*cells)
    return table
