"""Where checkpoints lie, what is in one, and the actor of one; evaluation needs no more.

`<run>/checkpoints/<online steps>/` holds actor.safetensors, learner.safetensors and meta.json. The folder
gets its name by a rename once all of it is on disk, so one with a name is whole.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy.typing as npt
import xxhash
from safetensors import SafetensorError
from safetensors.numpy import load

from hilrt.config.constants import NETWORKS, Networks
from hilrt.errors import (
    CheckpointAbsentError,
    CheckpointError,
    CheckpointWriteError,
    EncoderChangedError,
    PolicyFeaturesError,
)
from hilrt.policy.vision import Vision
from hilrt.step.conditions import Conditions
from hilrt.step.difference import difference
from hilrt.step.features import Features
from hilrt.step.sealed import SealError, format_of, sealed, unsealed

if TYPE_CHECKING:
    from hilrt.policy.actor import Actor

CHECKPOINTS = "checkpoints"
FORMAT = 5
OTHERWISE = "is damaged: its digest is not the one in meta.json"
PART_BYTES = 1 << 20


class Evaluation(msgspec.Struct, frozen=True):
    """Deterministic episodes run with a checkpoint's actor."""

    episodes: int
    successes: int


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """meta.json."""

    features: Features
    vision: Vision | None = None
    networks: Networks = NETWORKS
    encoder: str = ""
    """SHA-256 of the frozen encoder's weights file; empty without one."""
    algorithm: str = "hilrt.learner.sac:Sac"
    """Import path of what learned it."""
    config: str
    """Digest of the task file's values."""
    online_steps: int
    updates: int
    credit: float
    random: str
    """State of the replay's random generator, JSON."""
    digests: dict[str, str]
    """xxh3 of the other files."""
    evaluation: Evaluation | None = None
    conditions: Conditions | None = None
    """Of the run that wrote it; None where nobody kept them."""


def checkpoints_of(run_dir: Path) -> list[Path]:
    """A run's checkpoints, oldest first."""
    return sorted(p for p in (run_dir / CHECKPOINTS).glob("*") if p.name.isdecimal())


def newest_checkpoint(run_dir: Path) -> Path | None:
    """The checkpoint with the most online steps."""
    found = checkpoints_of(run_dir)
    return found[-1] if found else None


def checkpoint_of(run_dir: Path, steps: int) -> Path:
    """The checkpoint after so many online steps.

    Raises:
        CheckpointAbsentError: there is none.
    """
    paths = checkpoints_of(run_dir)
    if found := next((path for path in paths if int(path.name) == steps), None):
        return found
    raise CheckpointAbsentError(str(run_dir), steps, [int(path.name) for path in paths])


def load_meta(path: Path) -> Meta:
    """What a checkpoint folder says of itself.

    Raises:
        CheckpointError: absent, damaged, or of another version of hilrt.
    """
    file = path / "meta.json"
    try:
        data = file.read_bytes()
        found = format_of(data)
        if found != FORMAT:  # first of all: one of another format has other fields
            raise CheckpointError(str(file), f"has format {found}; this hilrt reads {FORMAT}")
        return unsealed(data, Meta)
    except OSError as error:
        raise CheckpointError(str(file), f"cannot be read: {error.strerror}") from None
    except SealError as error:
        raise CheckpointError(str(file), f"is damaged: {error}") from None


def write_checkpoint(folder: Path, meta: Meta, files: Mapping[str, bytes]) -> Path:
    """Write a checkpoint named after its online steps; one of that name is replaced once this one is on disk.

    Raises:
        CheckpointWriteError: the disk does not take it; what was there before still is.
    """
    name = f"{meta.online_steps:08d}"
    draft, path, former = folder / f".{name}.new", folder / name, folder / f".{name}.old"
    for leftover in (draft, former):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        for file_name, data in {**files, "meta.json": sealed(meta, FORMAT)}.items():
            _write(draft / file_name, data)
        if path.exists():
            path.rename(former)
        draft.rename(path)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise CheckpointWriteError(str(path), error) from None
    shutil.rmtree(former, ignore_errors=True)
    return path


def write_score(path: Path, score: Evaluation) -> None:
    """Write to a checkpoint what its actor was worth; raises as `load_meta` and `write_checkpoint`."""
    meta = msgspec.structs.replace(load_meta(path), evaluation=score)
    beside = path / ".meta.json.new"
    try:
        _write(beside, sealed(meta, FORMAT))
        beside.replace(path / "meta.json")
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CheckpointWriteError(str(path), error) from None


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def require_whole(path: Path, meta: Meta, name: str) -> None:
    """See that one of a checkpoint's files is the one that was written, without loading what is in it.

    Raises:
        CheckpointError: absent or damaged.
    """
    file, digest = path / name, xxhash.xxh3_64()
    try:
        with file.open("rb") as opened:
            while part := opened.read(PART_BYTES):
                digest.update(part)
    except OSError as error:
        raise CheckpointError(str(file), f"cannot be read: {error.strerror}") from None
    if digest.hexdigest() != meta.digests.get(name):
        raise CheckpointError(str(file), OTHERWISE)


def load_arrays(path: Path, meta: Meta, name: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays in one of a checkpoint's safetensors files.

    Raises:
        CheckpointError: absent or damaged.
    """
    file = path / name
    try:
        data = file.read_bytes()
        if xxhash.xxh3_64_hexdigest(data) != meta.digests.get(name):
            raise CheckpointError(str(file), OTHERWISE)
        return dict(load(data))
    except OSError as error:
        raise CheckpointError(str(file), f"cannot be read: {error.strerror}") from None
    except SafetensorError as error:
        raise CheckpointError(str(file), f"is damaged: {error}") from None


def load_actor(path: Path, weights: str = "") -> "Actor":
    """The actor of a checkpoint folder, on the CPU.

    Args:
        path: the folder.
        weights: where the frozen encoder's file is now; empty: where it was.

    Raises:
        CheckpointError: absent or damaged.
        EncoderWeightsError, PretrainedEncoderError: the encoder's weights cannot be had.
        EncoderChangedError: they are others.
    """
    from hilrt.policy.actor import Actor  # noqa: PLC0415 - torch is behind it

    meta = load_meta(path)
    vision = meta.vision
    if vision and weights:
        vision = msgspec.structs.replace(vision, weights=weights)
    actor = Actor(meta.features, vision, meta.networks)
    require_encoder(path, meta, actor)
    actor.load_arrays(load_arrays(path, meta, "actor.safetensors"))
    return actor


def require_encoder(path: Path, meta: Meta, actor: "Actor") -> None:
    """See that an actor has the encoder that a checkpoint was made with.

    Raises:
        EncoderChangedError: it has another.
    """
    trunk = actor.trunk
    if trunk.digest != meta.encoder:
        raise EncoderChangedError(str(path), trunk.digest, trunk.vision.weights if trunk.vision else "")


def load_actor_for(path: Path, features: Features, weights: str = "") -> "Actor":
    """The actor of a checkpoint folder, to act on these features; see `load_actor`.

    Raises:
        PolicyFeaturesError: trained on others; the size of frames as recorded is none of its business.
    """
    actor = load_actor(path, weights)
    if words := difference(actor.features.seen, features.seen):
        raise PolicyFeaturesError(str(path), words)
    return actor
