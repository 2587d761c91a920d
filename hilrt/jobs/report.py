"""Write a report of runs, and their curves for a paper."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hilrt.devices.wholefile import put_whole
from hilrt.errors import NoCurvesError, RunWriteError
from hilrt.report.page.curves import curve_of, paper_figures
from hilrt.report.page.document import document
from hilrt.report.page.story import Story
from hilrt.run.folder import kept

NAME = "report.html"

Say = Callable[[str], None]


def report(say: Say, paths: Sequence[Path], out: Path | None, figures: Path | None) -> None:
    """Write the page, by default into the run's folder, of several into the working directory.

    Args:
        say: takes a line for the user.
        paths: folders of runs.
        out: file to write.
        figures: folder for a file of each curve.

    Raises:
        RunFolderError, ConfigError, JournalFormatError: one of them is no run, or is damaged.
        NoCurvesError: figures are wanted, and none of them is a training.
        RunWriteError: the disk does not take a file.
    """
    stories = [Story.read(path, _said(path)) for path in paths]
    curves = [curve for story in stories if (curve := curve_of(story))]
    if figures and not curves:
        raise NoCurvesError([str(path) for path in paths])
    target = out or (stories[0].path / NAME if len(stories) == 1 else Path(NAME))
    _write(target, document(stories).encode("utf-8", "replace"))
    say(f"report: {target}")
    if figures:
        for name, file in paper_figures(curves):
            _write(figures / name, file)
        say(f"curves: {figures}")


def _said(path: Path) -> str:
    """Of a replay."""
    from hilrt.control.replayed import REPLAY, Replayed  # noqa: PLC0415 - scipy is behind it

    file = path / REPLAY
    return str(kept(file, Replayed)) if file.is_file() else ""


def _write(path: Path, content: bytes) -> None:
    try:
        put_whole(path, content)  # in the place of a link, not where it leads to
    except OSError as error:
        raise RunWriteError(str(path), error) from None
