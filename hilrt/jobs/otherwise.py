"""What a job is about to do otherwise than it was recorded or trained: in words before it starts, or refused."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import msgspec

from hilrt.config import Config
from hilrt.data.format import Scan
from hilrt.data.journal import JOURNAL, episode_files
from hilrt.errors import CheckpointError, ConditionsError, PolicyFeaturesError
from hilrt.errors.dataset import ranges
from hilrt.policy.saved import checkpoints_of, load_meta
from hilrt.run.conditions import CONDITIONS
from hilrt.step.conditions import Conditions, grouped
from hilrt.step.departure import departures
from hilrt.step.difference import difference
from hilrt.step.features import from_config

UNKNOWN = (
    "what the start pose, the box, the calibration and the cameras were is not known, and nothing is compared: they "
    "come from others, or from an earlier hilrt"
)


def recorded_otherwise(config: Config, now: Conditions) -> list[str]:
    """How the demonstrations in `dataset.root` depart from now.

    Raises:
        ConditionsError: some cannot mean the same.
        DatasetError: what is there is no dataset of ours, or cannot be read.
    """
    from hilrt.data.lerobot.dataset import exists, open_dataset  # noqa: PLC0415 - pyarrow is behind it

    root = Path(config.dataset.root)
    if not exists(root):
        return []
    conditions = open_dataset(root).conditions
    lines: list[str] = []
    for before, numbers in grouped(conditions):
        whose, cure = "the demonstrations", "record others, into another dataset.root"
        if others := sorted({*range(len(conditions))} - {*numbers}):
            whose = f"demonstrations {ranges(numbers)}"
            cure = f"take the others: hilrt dataset export {root} OUT --episodes {ranges(others)}"
        lines += compared(whose, before, now, cure)
    return lines


def corrected_since(run: Path, config: Config) -> list[str]:
    """Which demonstrations have other labels than when a run was last started, and read them."""
    from hilrt.data.labels import read_corrections  # noqa: PLC0415 - pyarrow is behind it

    started = run / CONDITIONS
    if not started.exists():
        return []
    since_ns = started.stat().st_mtime_ns
    corrected = {c.episode for c in read_corrections(Path(config.dataset.root)) if c.wall_ns > since_ns}
    if not corrected:
        return []
    which = f"demonstrations {ranges(sorted(corrected))}"
    words = (
        f"{which}: labels were corrected after {run} last read them. It learns from the corrected ones from now on; "
        f"what it has learned was learned from those before (`hilrt train --resume {run} --anew` learns all again)."
    )
    return [words]


def trained_otherwise(
    run: Path, config: Config, now: Conditions, checkpoint: Path | None = None
) -> list[str]:
    """How a run's policy departs from now, or where there is none what the run has recorded last.

    `checkpoint`: which one is asked for; None: the newest.

    Raises:
        PolicyFeaturesError, ConditionsError: they cannot mean the same.
    """
    for path in [checkpoint] if checkpoint else reversed(checkpoints_of(run)):
        try:
            meta = load_meta(path)
        except CheckpointError:  # the learner says so, and goes on from one before it
            continue
        if words := difference(meta.features.seen, from_config(config).seen):
            raise PolicyFeaturesError(str(path), words)
        return list(compared(f"the policy in {path}", meta.conditions, now, "train anew"))
    for file in episode_files(run / JOURNAL)[-1:]:
        with Scan(file, None) as scan:
            return list(compared(f"what {run} has recorded", scan.header.conditions, now, "train anew"))
    return []


def played_otherwise(root: Path, episode: int, now: Conditions) -> list[str]:
    """How an episode that is to be played again departs from now: it begins where it began, and looks at nothing.

    Raises:
        ConditionsError: it cannot mean the same.
    """
    from hilrt.data.lerobot.dataset import open_dataset  # noqa: PLC0415 - pyarrow is behind it

    if before := open_dataset(root).conditions[episode]:
        arms = {
            side: msgspec.structs.replace(arm, start=now.arms[side].start, start_m=now.arms[side].start_m)
            for side, arm in before.arms.items()
            if side in now.arms
        }
        scene = {k: v for k, v in (before.scene or {}).items() if not k.startswith("pictures.")}
        before = msgspec.structs.replace(before, arms=arms, cameras={}, scene=scene)
    return list(compared(f"episode {episode}", before, now, "record another one"))


def compared(whose: str, before: Conditions | None, now: Conditions, cure: str) -> Iterator[str]:
    """A line for each departure, or for several that cost the same.

    Raises:
        ConditionsError: they cannot mean the same; `cure`: what can be done, beside putting things back.
    """
    if before is None:
        yield f"{whose}: {UNKNOWN}."
        return
    found = list(departures(before, now))
    if refused := [str(each) for each in found if each.refused]:
        raise ConditionsError(whose, refused, cure)
    for cost, same in groupby(found, attrgetter("cost")):
        yield f"{whose}: {'; '.join(f'{each.option}: {each.what}' for each in same)}. {cost}."
