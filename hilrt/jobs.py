"""The jobs a person asks for: record, pretrain, train, evaluate; most are one run from start to summary."""

import contextlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hilrt import taskfile
from hilrt.config import Config
from hilrt.data.episodes import read_summaries
from hilrt.data.journal import next_episode
from hilrt.demonstrations import fold_demonstrations, fold_what_is_left, journal_of
from hilrt.errors import (
    EncoderWeightsError,
    HilrtError,
    NoDemonstrationsError,
    PretrainedEncoderError,
    RunFolderError,
    UnknownNameError,
)
from hilrt.extent import Extent
from hilrt.launch import Job, Playback, Role, Spec
from hilrt.policy.vision import beside_demonstrations, frozen_weights
from hilrt.report.summary import Summary, summarise
from hilrt.runfolder import RunFolder
from hilrt.shm.segment import runs_with, sweep_stale
from hilrt.supervisor import Supervisor

if TYPE_CHECKING:
    from hilrt.pretrain.job import Outcome

ENDLESS = "processor.reset.control_time_s=86400"
"""A day."""
EVERYWHERE = "{min = [-1.0, -1.0, -1.0], max = [1.0, 1.0, 1.0]}"
"""A box that holds all the places an arm can reach."""


def teleoperate(task_file: Path, overrides: Sequence[str]) -> RunFolder:
    """Drive the arm with the operator's device; nothing is recorded."""
    folder = RunFolder.create(task_file, [*overrides, ENDLESS], Job.TELEOPERATE)
    _run(folder, Job.TELEOPERATE)
    return folder


def find_limits(task_file: Path, overrides: Sequence[str], side: str = "") -> dict[str, Extent]:
    """Drive the arms without their workspace boxes; where each has been, by side, or one alone.

    All else that limits them holds: joints, speed, collisions.

    Raises:
        UnknownNameError: there is no such side.
    """
    config = taskfile.load(task_file, overrides)
    if side and side not in config.robot.sides:
        raise UnknownNameError("arm", side, config.robot.sides)
    boxes = [f"robot.arms.{side}" for side, arm in config.robot.arms.items() if arm.end_effector_bounds]
    if config.processor.inverse_kinematics:
        boxes.append("processor.inverse_kinematics")
    open_boxes = [f"{owner}.end_effector_bounds={EVERYWHERE}" for owner in boxes]
    folder = RunFolder.create(task_file, [*overrides, ENDLESS, *open_boxes], "find-limits")
    summary = _run(folder, Job.TELEOPERATE)
    # none of them if it was stopped before the first episode
    extents = dict(zip(config.robot.sides, map(Extent, summary.extents), strict=False))
    return {name: extent for name, extent in extents.items() if side in {"", name}}


def pretrain(
    task_file: Path, dataset: Path | None, out: Path | None, steps: int, overrides: Sequence[str]
) -> "Outcome":
    """Train frozen encoders on recorded episodes, by default the task's demonstrations.

    Raises:
        NoCamerasError: the task has none.
        NoDemonstrationsError: there are no episodes.
    """
    from hilrt.pretrain.job import pretrain  # noqa: PLC0415 - torch is behind it
    from hilrt.report.progress import track  # noqa: PLC0415

    config = taskfile.load(task_file, overrides)
    if dataset is None and config.robot.cameras:
        fold_demonstrations(config)
    weights = frozen_weights(config) if config.policy.encoder == "pretrained" else None
    path = out or weights or beside_demonstrations(config)
    return pretrain(config, dataset or Path(config.dataset.root), path, steps, track)


def record(task_file: Path, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Record `dataset.num_episodes_to_record` demonstrations, after those that are there already.

    Raises:
        JournalFeaturesError: those were recorded with other features.
    """
    config = taskfile.load(task_file, overrides)
    first = max(fold_demonstrations(config), next_episode(journal_of(config)))
    folder = RunFolder.create(task_file, overrides, Job.RECORD)
    try:
        summary = _run(
            folder, Job.RECORD, episodes=config.dataset.num_episodes_to_record, first_episode=first
        )
    except BaseException:
        with contextlib.suppress(
            HilrtError
        ):  # the journal keeps them until the next job; what went wrong comes first
            fold_demonstrations(config)
        raise
    fold_demonstrations(config)
    return folder, summary


def train(task_file: Path, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Train from the demonstrations in `dataset.root`.

    Raises:
        NoDemonstrationsError: there are none.
        JournalFeaturesError: they were recorded with other features.
    """
    config = taskfile.load(task_file, overrides)
    _require_demonstrations(config)  # or there is no run to make a folder for
    _require_encoder(config)
    return resume(RunFolder.create(task_file, overrides, Job.TRAIN).path)


def resume(path: Path) -> tuple[RunFolder, Summary]:
    """Go on with a run where it was left: checkpoint, journal, episode and step counts."""
    folder = RunFolder.open(path)
    _require_demonstrations(folder.config())
    first, steps = folder.progress()
    return folder, _run(folder, Job.TRAIN, first_episode=first, online_steps=steps)


def _require_demonstrations(config: Config) -> None:
    if not fold_demonstrations(config):
        raise NoDemonstrationsError(config.dataset.root)


def _require_encoder(config: Config) -> None:
    """The file alone; the learner looks into it."""
    weights, encoder = frozen_weights(config), config.policy.encoder
    if weights is None or weights.is_file():
        return
    if encoder == "pretrained":
        raise PretrainedEncoderError(str(weights), "is not there yet")
    raise EncoderWeightsError(encoder, str(weights), "is not there")


def evaluate(path: Path, episodes: int | None, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Judge a run's newest policy: deterministic, operator off.

    Raises:
        RunFolderError: not a run, or one without a checkpoint.
    """
    from hilrt.policy.saved import newest_checkpoint  # noqa: PLC0415 - torch is behind it

    trained = RunFolder.open(path)
    checkpoint = newest_checkpoint(path)
    if checkpoint is None:
        raise RunFolderError(str(path), "has no checkpoint yet, so there is no policy to evaluate")
    judged = path / "evals" / time.strftime("%Y%m%d-%H%M%S")
    folder = RunFolder.fill(judged, trained.path / "config.toml", overrides)
    count = episodes or folder.config().eval.final_episodes
    return folder, _run(folder, Job.EVAL, episodes=count, checkpoint=str(checkpoint))


def replay(task_file: Path, playback: Playback, overrides: Sequence[str]) -> tuple[RunFolder, str]:
    """Play an episode again; nothing is recorded. Also says what came of it.

    Raises:
        ReplayError: it is not there, or not for this task file.
    """
    from hilrt.control.recording import load  # noqa: PLC0415 - pinocchio is behind it
    from hilrt.control.replayed import Replayed  # noqa: PLC0415

    config = taskfile.load(task_file, overrides)
    if not playback.dataset:
        fold_what_is_left(config)
    root = Path(playback.dataset or config.dataset.root).resolve()
    playback = msgspec.structs.replace(playback, dataset=str(root))
    steps = load(playback, config).end  # or there is no run to make a folder for
    folder = RunFolder.create(task_file, overrides, Job.REPLAY)
    _run(folder, Job.REPLAY, episodes=steps, playback=playback)
    return folder, str(msgspec.json.decode((folder.path / "replay.json").read_bytes(), type=Replayed))


def go_back(path: Path, steps: int) -> Path:
    """Have a run go on from an earlier checkpoint; returns where later ones are set aside.

    Raises:
        RunFolderError: not a run, or one that is alive.
        CheckpointAbsentError, CheckpointError: there is none of these steps, or it is damaged.
    """
    from hilrt.learner import history  # noqa: PLC0415 - torch is behind it

    folder = RunFolder.open(path)
    sweep_stale()  # what a killed run has left is not alive
    if folder.tag in runs_with("status"):
        raise RunFolderError(str(path), "is going on; stop it first")
    return history.go_back(folder.path, steps, folder.progress()[1])


def _run(
    folder: RunFolder,
    job: Job,
    *,
    episodes: int = 0,
    first_episode: int = 0,
    online_steps: int = 0,
    checkpoint: str = "",
    playback: Playback | None = None,
) -> Summary:
    pattern = "%(asctime)s supervisor %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(filename=folder.log, level=logging.INFO, format=pattern)
    config = folder.config()
    spec = Spec(
        role=Role.CONTROL,
        job=job,
        run=folder.tag,
        run_dir=str(folder.path.resolve()),
        fds={},
        checkpoint=str(Path(checkpoint).resolve()) if checkpoint else "",
        episodes=episodes,
        first_episode=first_episode,
        online_steps=online_steps,
        playback=playback,
    )
    began = time.monotonic()
    with Supervisor(folder, config, spec) as supervisor:
        try:
            supervisor.run()
        finally:  # also of a run that failed: what it came to until then
            episodes_seen = read_summaries(folder.episodes)
            summary = summarise(job, config, episodes_seen, supervisor.status, time.monotonic() - began)
            folder.write_json("summary.json", summary)
    return summary
