"""A new run that begins from an earlier one: its policy, its demonstrations, its steps."""

import filecmp
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path

import msgspec
import numpy as np

from hilrt.config import Config
from hilrt.data.sessions import Found, look, take
from hilrt.errors import PolicyFeaturesError, PolicyMakeError, RunFolderError
from hilrt.jobs.otherwise import trained_otherwise
from hilrt.jobs.run import require_ended
from hilrt.jobs.sessions import departing
from hilrt.policy.saved import Meta, load_meta, newest_checkpoint, write_checkpoint
from hilrt.policy.sizes import SIZES, with_sizes
from hilrt.policy.vision import frozen_weights
from hilrt.run.alive import alive
from hilrt.run.conditions import Handed
from hilrt.run.earlier import EARLIER, Earlier, earlier_roots
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job
from hilrt.step.difference import difference
from hilrt.step.features import from_config

RULES = (
    "reward.type",
    "reward.all_of",
    "processor.reset.control_time_s",
    "processor.reset.terminate_on_success",
    "processor.gripper.gripper_penalty",
)
"""Options by which the steps of a run are rewarded, and its episodes end."""
DRAFT = "-beginning-"
"""In the name of a run's folder that is not whole yet, before the number of its process; nobody takes it for a run."""
MAKE = (
    "learner.algorithm",
    "learner.num_critics",
    "policy.networks",
    "policy.encoder",
    "policy.embeddings",
    "policy.latent",
)
"""Options that decide of what networks a policy is made."""


class Beginning:
    """What an earlier run gives to a new one."""

    def __init__(self, path: Path) -> None:
        """Look at it.

        Raises:
            RunFolderError: no training run, one that goes on, or without a checkpoint.
            CheckpointError: its newest is damaged.
        """
        self.run = RunFolder.open(path)
        require_ended(self.run)
        checkpoint = newest_checkpoint(path)
        if checkpoint is None:
            raise RunFolderError(str(path), "has no checkpoint yet, so there is no policy to begin from")
        self.checkpoint, self.meta = checkpoint, load_meta(checkpoint)
        self.config = self.run.config()

    @property
    def overrides(self) -> list[str]:
        """What a new run's config has of this one's: a frozen encoder stays, for the policy sees by it."""
        weights = frozen_weights(self.config)
        return [f"policy.weights={json.dumps(str(weights.resolve()))}"] if weights else []

    def datasets(self, config: Config) -> list[Path]:
        """Those that this run has learned from, and that are not the new config's own."""
        own = Path(config.dataset.root).resolve()
        roots = [*earlier_roots(self.run.path), Path(self.config.dataset.root)]
        return [root for root in dict.fromkeys(roots) if root.resolve() != own]

    def require_fit(self, config: Config) -> None:
        """See that the policy's networks are what the new config asks for.

        Raises:
            PolicyFeaturesError: they are of another state, action, or other cameras.
            PolicyMakeError: they are of another make.
        """
        if words := difference(self.meta.features.seen, from_config(config).seen):
            raise PolicyFeaturesError(str(self.checkpoint), words)
        sized = (with_sizes(each, self.run.path) for each in (self.config, config))
        if unlike := list(_unlike(MAKE, *sized)):
            raise PolicyMakeError(str(self.run.path), unlike)

    def steps(self, config: Config, start: Handed) -> Found:
        """What it has recorded; what is otherwise now, and what is kept and what not, goes to `start`.

        Raises:
            SessionError, ConditionsError: its steps cannot mean the same.
        """
        run = self.run.path
        policy = trained_otherwise(run, config, start.conditions, self.checkpoint)
        found = look(None, run, from_config(config))
        others = [header for header in found.headers if header.conditions != self.meta.conditions]
        steps = departing(run, msgspec.structs.replace(found, headers=others), config, start.conditions)
        start.differs.extend([*self._kept(found, config), *policy, *steps])
        return found

    def _kept(self, found: Found, config: Config) -> Iterator[str]:
        run, meta = self.run.path, self.meta
        yield (
            f"from {run}, kept: networks and optimisers after {meta.online_steps} online steps ({meta.updates} "
            f"updates), and {found}."
        )
        if datasets := self.datasets(config):
            yield f"from {run}, kept: its demonstrations in {', '.join(map(str, datasets))}."
        yield (
            f"from {run}, not kept: evaluations, success rates and counts, which begin anew; episodes of evaluations "
            "and those that were thrown away. Its steps are learned from, and are none of the new run's. There is no "
            "warm start."
        )
        if rules := "; ".join(_unlike(RULES, self.config, config)):
            yield f"{run}: its steps were rewarded, and its episodes ended, by other rules: {rules}."

    def make(self, task_file: Path, overrides: Sequence[str], config: Config, found: Found) -> RunFolder:
        """The new run's folder, with all of that in it; it has its name once it is whole.

        Raises:
            RunFolderError, RunWriteError, JournalWriteError, CheckpointWriteError: the disk does not take it.
        """
        runs, stamp = Path(config.runs_dir), time.strftime("%Y%m%d-%H%M%S")
        sweep(runs)
        draft = RunFolder.fill(runs / f".{config.env.name}{DRAFT}{os.getpid()}", task_file, overrides)
        try:
            self._fill(draft, config, found)
            return draft.named(f"{config.env.name}-{Job.TRAIN}-{stamp}")
        except BaseException:  # Ctrl-C, too: it has a copy of the whole journal
            shutil.rmtree(draft.path, ignore_errors=True)
            raise

    def _fill(self, draft: RunFolder, config: Config, found: Found) -> None:
        """Put in all that is the earlier run's."""
        try:
            shutil.copyfile(self.run.path / SIZES, draft.path / SIZES)
            files = {file: (self.checkpoint / file).read_bytes() for file in self.meta.digests}
        except OSError as error:
            raise RunFolderError(str(self.run.path), f"cannot be copied from: {error.strerror}") from None
        write_checkpoint(draft.path / "checkpoints", _at_its_start(self.meta, config), files)
        take(draft.path, self.run.path, found.fresh, earlier=True)
        datasets = [str(root.resolve()) for root in self.datasets(config)]
        run, steps = str(self.run.path.resolve()), self.meta.online_steps
        draft.keep(EARLIER, Earlier(run=run, checkpoint=steps, demonstrations=datasets))


def sweep(runs: Path) -> None:
    """Remove what a killed start has left of a run's folder that was not whole."""
    for draft in runs.glob(f".*{DRAFT}*"):
        pid = draft.name.rpartition(DRAFT)[2]
        if not (pid.isdecimal() and alive(int(pid))):
            shutil.rmtree(draft, ignore_errors=True)


def require_own_encoder(run: Path, own: Path | None, asked: str) -> None:
    """See that nobody asks for another frozen encoder than the run's, by which its policy sees.

    Args:
        run: the earlier one, for the message.
        own: the file of its encoder, if it has one.
        asked: `policy.weights` of the new config; empty where that says nothing.

    Raises:
        PolicyMakeError: it is another file, of other content.
    """
    if not (own and asked) or Path(asked).resolve() == own.resolve():
        return
    if not (Path(asked).is_file() and own.is_file() and filecmp.cmp(asked, own, shallow=False)):
        raise PolicyMakeError(str(run), [f"policy.weights {own} before, {asked} now"])


def _at_its_start(meta: Meta, config: Config) -> Meta:
    """Of the same networks, in a run that has taken no step yet."""
    random = json.dumps(np.random.default_rng(config.seed).bit_generator.state)
    return msgspec.structs.replace(
        meta, online_steps=0, updates=0, credit=0.0, random=random, evaluation=None
    )


def _unlike(options: Sequence[str], before: Config, now: Config) -> Iterator[str]:
    """Each that is another one now, in words."""
    for option in options:
        then, here = (reduce(getattr, option.split("."), config) for config in (before, now))
        if then != here:
            yield f"{option} {then} before, {here} now"
