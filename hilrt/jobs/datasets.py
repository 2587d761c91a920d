"""What `hilrt dataset` does, with bars and lines for a person."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hilrt.config import taskfile
from hilrt.data.journal import JOURNAL, episode_files, number_of
from hilrt.data.lerobot import rewrite, rules
from hilrt.data.lerobot.dataset import exists
from hilrt.data.lerobot.fold import export_journal, fold
from hilrt.data.lerobot.foreign import import_dataset
from hilrt.data.lerobot.mapping import Wishes
from hilrt.data.lerobot.store import Store
from hilrt.errors import EpisodesAbsentError, NoEpisodesError
from hilrt.jobs.demonstrations import require_one_task
from hilrt.report.progress import Bar
from hilrt.step.features import from_config

OTHERWISE = (
    "where the reference's HIL-SERL recorder of version 0.5.1 or before wrote them: --observation after"
)
Say = Callable[[str], None]


def verify(say: Say, root: Path) -> bool:
    """Look at every rule of the format; a line for each that is broken. Returns whether none is."""
    count = 0
    with Bar(f"verifying {root}", rules.work(root)) as bar:
        for violation in rules.verify(root, bar.advance):
            say(str(violation))
            count += 1
    say(f"{root}: {count} rules broken" if count else f"{root}: every rule of the format is kept")
    return not count


def recover(say: Say, root: Path, journal: Path | None) -> None:
    """Bring all that a journal still has into the dataset, cut episodes too."""
    files = episode_files(journal or root / JOURNAL)
    if not files and (journal or not exists(root)):
        raise NoEpisodesError(str(journal or root))
    with Bar(f"into {root}", sum(path.stat().st_size for path in files)) as bar:
        folded = fold(root, journal=journal, cut=True, advance=bar.advance)
    say(f"{folded.kept} episodes brought into {root}; {folded.dropped} were discarded or had no whole step")
    for lost in folded.lost:
        say(f"damaged, and without it in the dataset: {lost}")
    for left in folded.left:
        say(f"left in the journal: {left}")


def merge(say: Say, out: Path, roots: Sequence[Path]) -> None:
    """Join datasets in a new one."""
    with Bar(f"into {out}", sum(rewrite.count(root) for root in roots)) as bar:
        total = rewrite.merge(out, roots, bar.advance)
    say(f"{out} has {total} episodes")


def delete_episodes(say: Say, root: Path, numbers: Sequence[int]) -> None:
    """Take episodes out of a dataset."""
    with Bar(f"rewriting {root}", rewrite.count(root) - len(set(numbers))) as bar:
        total = rewrite.delete_episodes(root, numbers, bar.advance)
    say(f"{root} has {total} episodes, numbered anew from 0")


def export(say: Say, source: Path, out: Path, numbers: Sequence[int] | None, *, video: bool) -> None:
    """Copy a dataset, or a run's journal, into a new dataset."""
    rewrite.expect_nothing(out)
    if exists(source):
        with Bar(f"into {out}", rewrite.count(source) if numbers is None else len(numbers)) as bar:
            total = rewrite.export(source, out, numbers, bar.advance, video=video)
        say(f"{out} has {total} episodes")
        return
    folder = source / JOURNAL if (source / JOURNAL).is_dir() else source
    files = episode_files(folder)
    if not files:
        raise NoEpisodesError(str(source))
    there = [number_of(path) for path in files]
    if absent := [number for number in numbers or () if number not in there]:
        raise EpisodesAbsentError(str(source), absent, there[-1] + 1)
    with Bar(f"into {out}", sum(path.stat().st_size for path in files)) as bar:
        task = source / "config.toml"
        robot = taskfile.load(task).robot.type if task.is_file() else None
        folded = export_journal(folder, out, numbers, robot_type=robot, video=video, advance=bar.advance)
    for left in folded.left:
        say(f"left out: {left}")
    say(f"{out} has {folded.kept} episodes")


def import_(say: Say, source: Path, root: Path, task_file: Path, wishes: Wishes) -> None:
    """Make demonstrations of a dataset that others wrote."""
    config = taskfile.load(task_file)
    into = msgspec.structs.replace(config.dataset, root=str(root))
    require_one_task(msgspec.structs.replace(config, dataset=into), added=True)
    with Bar(f"into {root}", len(Store.open(source))) as bar:
        done = import_dataset(
            source,
            root,
            from_config(config),
            wishes,
            task=config.env.task,
            image_format=config.dataset.image_format,
            robot_type=config.robot_name,
            advance=bar.advance,
        )
    say(
        f"{done.kept} episodes imported into {root}, {done.successes} of them successes, the others truncated"
    )
    if done.known or done.short:
        say(f"left out: {done.known} that were imported before, {done.short} of a single row")
    how = "" if done.told else f", which the data do not tell: the format means so ({OTHERWISE})"
    say(f"rows were taken to hold the observation {done.pairing} their action{how}")
    for note in done.notes:
        say(note)
    say(
        "each episode's last row became its final observation: foreign datasets have none after the last action"
    )
