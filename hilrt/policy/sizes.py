"""What a task file leaves to the machine in a policy's make, decided at a run's first start and kept in its folder.

A run that moves between a CPU and a GPU keeps the networks it began with.
"""

import os
from pathlib import Path

import msgspec

from hilrt.config import Config, Policy
from hilrt.errors import RunFolderError
from hilrt.policy.encoders.shapes import FROZEN
from hilrt.step.sealed import SealError, sealed, unsealed

SIZES = "sizes.json"
FORMAT = 1


class Sizes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """sizes.json: what options of these names come to where the task file does not give them."""

    num_critics: int
    embeddings: int
    latent: int
    cached_variants: int


def sizes_for(*, gpu: bool) -> Sizes:
    """What a learner on a GPU, or on a CPU, can afford."""
    return Sizes(
        num_critics=10 if gpu else 2,
        embeddings=8 if gpu else 4,
        latent=256 if gpu else 128,
        cached_variants=4 if gpu else 1,
    )


def variants_of(policy: Policy, sizes: Sizes) -> int:
    """How many versions of a frame's features to keep; the first alone, of the frame as it is, would have no jitter."""
    if policy.cached_variants is not None:
        return policy.cached_variants
    return max(sizes.cached_variants, 2) if policy.jitter else sizes.cached_variants


def on_gpu(config: Config) -> bool:
    """Whether the learner has one; asks torch where the config leaves it open."""
    if config.learner.device != "auto":
        return config.learner.device != "cpu"
    import torch  # noqa: PLC0415 - only to ask; the supervisor never does

    return torch.cuda.is_available()


def with_sizes(config: Config, run_dir: Path) -> Config:
    """The config with all of `Sizes` in it: as given, or as the run's first start found right for its machine.

    Raises:
        RunFolderError: the file cannot be read, or written.
    """
    sizes = _kept(run_dir / SIZES, config)
    policy, learner = config.policy, config.learner
    variants = variants_of(policy, sizes) if policy.encoder in FROZEN else policy.cached_variants
    return msgspec.structs.replace(
        config,
        policy=msgspec.structs.replace(
            policy,
            embeddings=policy.embeddings or sizes.embeddings,
            latent=policy.latent or sizes.latent,
            cached_variants=variants,
        ),
        learner=msgspec.structs.replace(learner, num_critics=learner.num_critics or sizes.num_critics),
    )


def _kept(path: Path, config: Config) -> Sizes:
    try:
        if not path.is_file():
            _keep(path, sizes_for(gpu=on_gpu(config)))
        return unsealed(path.read_bytes(), Sizes)
    except OSError as error:
        raise RunFolderError(str(path), f"cannot be read or written: {error.strerror}") from None
    except SealError as error:
        raise RunFolderError(str(path), f"is damaged ({error}); without it sizes are chosen anew") from None


def _keep(path: Path, sizes: Sizes) -> None:
    """Control and learner start side by side on one machine, so that both would write the same."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(sealed(sizes, FORMAT))
    draft.replace(path)
