"""What other runs have recorded, brought into a run before it starts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hilrt.config import Config
from hilrt.data.sessions import Found, look, take
from hilrt.errors import StepsDoneError
from hilrt.jobs.otherwise import compared
from hilrt.jobs.run import progress, require_ended
from hilrt.run.folder import RunFolder
from hilrt.step.conditions import Conditions, grouped
from hilrt.step.features import from_config


def take_in(folder: RunFolder, config: Config, now: Conditions, sessions: Sequence[Path]) -> list[str]:
    """Make the episodes of other runs steps of this one; what came, and how it departs from now, in words.

    Args:
        folder: the run's, of which no process is alive.
        config: the run's, with the steps that it is to take from now on.
        now: its conditions.
        sessions: folders of the others.

    Raises:
        SessionError, RunFolderError: one cannot be learned from, or goes on.
        ConditionsError: what it has cannot mean the same.
        StepsDoneError: the run would have no more steps to take.
        JournalWriteError, RunWriteError: the disk does not take it; nothing of that session was taken.
    """
    features = from_config(config)
    for session in sessions:
        require_ended(RunFolder(session))
    coming = sum(look(folder.path, session, features).steps for session in sessions)
    steps, target = progress(folder)[1] + coming, config.learner.online_steps
    if steps >= target:
        raise StepsDoneError(str(folder.path), steps, target, coming)
    lines = []
    for session in sessions:
        found = look(folder.path, session, features)
        lines += [f"from {session}: {found}.", *departing(session, found, config, now)]
        take(folder.path, session, found.fresh, earlier=False)
    return lines


def departing(session: Path, found: Found, config: Config, now: Conditions) -> Iterator[str]:
    """How what a run has recorded departs from now; raises `ConditionsError` where it cannot mean the same."""
    tasks = sorted({header.task for header in found.headers} - {config.env.task})
    if tasks:
        others = ", ".join(map(repr, tasks))
        yield f"{session}: its rewards are those of another task, {others}; this one is {config.env.task!r}."
    for before, numbers in grouped([header.conditions for header in found.headers]):
        some = (
            f"{len(numbers)} of the {len(found.headers)} episodes"
            if len(numbers) < len(found.headers)
            else "the episodes"
        )
        yield from compared(f"{some} of {session}", before, now, "leave it out")
