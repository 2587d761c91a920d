"""Checkpoints: all the learner knows but its rows, which demonstrations and journal give back in their order.

Written beside and renamed; no pickle. A learner loaded from one goes on exactly as if it had not stopped.
"""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
import xxhash
from safetensors.numpy import save as to_safetensors
from torch import Tensor, nn

from hilrt.config import Config
from hilrt.config.constants import Networks
from hilrt.data.history import best_checkpoint
from hilrt.errors import ActorMismatchError, CheckpointError, PolicyFeaturesError
from hilrt.learner.algorithm import Algorithm, name_of
from hilrt.learner.descent import Descent
from hilrt.learner.replay import Replay
from hilrt.policy.saved import (
    Meta,
    checkpoints_of,
    load_arrays,
    load_meta,
    require_encoder,
    write_checkpoint,
)
from hilrt.step.conditions import Conditions
from hilrt.step.difference import difference

Arrays = dict[str, npt.NDArray[Any]]

log = logging.getLogger(__name__)

KEPT = 3
_GENERATOR, _SCALARS = "generator", "scalars."
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""Of each parameter, in Adam's state."""


def config_digest(config: Config) -> str:
    """Equal for equal values, however the task file is laid out."""
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(config))


def save(
    run_dir: Path,
    algorithm: Algorithm,
    replay: Replay,
    config: Config,
    *,
    online_steps: int,
    updates: int,
    credit: float,
    conditions: Conditions | None = None,
) -> Path:
    """Write a checkpoint named after `online_steps`, and remove those no longer needed.

    The newest three stay, the best of those that were evaluated, and the one before the first online step.
    """
    files = {
        "actor.safetensors": to_safetensors(_contiguous(algorithm.actor.to_arrays())),
        "learner.safetensors": to_safetensors(_contiguous(_learner_arrays(algorithm))),
    }
    meta = Meta(
        features=algorithm.actor.features,
        vision=algorithm.actor.trunk.vision,
        networks=algorithm.actor.networks,
        encoder=algorithm.actor.trunk.digest,
        algorithm=name_of(algorithm),
        config=config_digest(config),
        online_steps=online_steps,
        updates=updates,
        credit=credit,
        random=json.dumps(replay.rng.bit_generator.state),
        digests={name: xxhash.xxh3_64_hexdigest(data) for name, data in files.items()},
        conditions=conditions,
    )
    path = write_checkpoint(run_dir / "checkpoints", meta, files)
    for old in _superseded(run_dir):
        shutil.rmtree(old)
    return path


def restore(path: Path, algorithm: Algorithm, replay: Replay, config: Config) -> Meta:
    """Load a checkpoint into a learner of the same features, random states included.

    Raises:
        CheckpointError: absent, damaged, or of a learner of another make.
        PolicyFeaturesError: of other features.
        EncoderChangedError: of another frozen encoder.
    """
    meta, rest = load_networks(path, algorithm)
    if meta.config != config_digest(config):
        log.warning("%s was made with other settings; learning goes on with those of now", path)
    state = rest.pop(_GENERATOR)
    if state.shape == algorithm.generator.get_state().shape:
        algorithm.generator.set_state(state)
    else:  # a GPU's generator has another state than a CPU's
        algorithm.generator.manual_seed(config.seed + meta.updates)
        log.warning("%s was made on another kind of device; its noise goes on as new noise", path)
    algorithm.scalars.load(
        {name.removeprefix(_SCALARS): value for name, value in rest.items()}, algorithm.generator.device
    )
    replay.rng.bit_generator.state = json.loads(meta.random)
    return meta


def load_networks(path: Path, algorithm: Algorithm) -> tuple[Meta, dict[str, Tensor]]:
    """Load what has been learned: networks, targets, temperature and optimisers; returns what else is there.

    Raises:
        CheckpointError, PolicyFeaturesError, EncoderChangedError: as `restore`.
    """
    meta = load_meta(path)
    if meta.algorithm != name_of(algorithm):
        raise CheckpointError(
            str(path), f"is of {meta.algorithm}, and learner.algorithm is {name_of(algorithm)}"
        )
    if words := _resized(meta.networks, algorithm.actor.networks):
        raise CheckpointError(str(path), f"has networks with {words}; set policy.networks back to that")
    if words := difference(meta.features.seen, algorithm.actor.features.seen):
        raise PolicyFeaturesError(str(path), words)
    require_encoder(path, meta, algorithm.actor)
    arrays = load_arrays(path, meta, "learner.safetensors")
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    rest = {name: tensors.pop(name) for name in [*tensors] if name == _GENERATOR or name.startswith(_SCALARS)}
    if problem := _misfit(algorithm, tensors):
        raise CheckpointError(str(path / "learner.safetensors"), f"does not fit this learner: {problem}")
    try:
        algorithm.actor.load_arrays(load_arrays(path, meta, "actor.safetensors"))
    except ActorMismatchError as error:
        raise CheckpointError(str(path / "actor.safetensors"), f"does not fit this policy: {error}") from None
    _load_learner(algorithm, tensors)
    return meta, rest


def _resized(found: Networks, now: Networks) -> str:
    """What networks were made with, where that is another value now: "hidden = 128 (now 256), ..."."""
    had, has = (msgspec.structs.asdict(each) for each in (found, now))
    return ", ".join(f"{name} = {had[name]:g} (now {has[name]:g})" for name in had if had[name] != has[name])


# --- what is in learner.safetensors --------------------------------------------------------------


def _learner_arrays(algorithm: Algorithm) -> Arrays:
    tensors = {name: value for name, value in algorithm.state_dict().items() if not name.startswith("actor.")}
    tensors[_GENERATOR] = algorithm.generator.get_state()
    tensors.update({_SCALARS + name: value for name, value in algorithm.scalars.state().items()})
    tensors.update(_moments(algorithm))
    return {name: value.detach().cpu().numpy() for name, value in tensors.items()}


def _moments(algorithm: Algorithm) -> Iterator[tuple[str, Tensor]]:
    """Adam's state by descent, parameter and name; nothing before the first step."""
    for prefix, descent, parameter in _descended(algorithm):
        for key, value in descent.adam.state[parameter].items():
            yield prefix + key, value


def _descended(algorithm: Algorithm) -> Iterator[tuple[str, Descent, nn.Parameter]]:
    """Every parameter that Adam moves, with what the names of its state begin with."""
    for name, descent in algorithm.descents.items():
        for index, parameter in enumerate(descent.parameters):
            yield f"adam.{name}.{index}.", descent, parameter


def _misfit(algorithm: Algorithm, tensors: Mapping[str, Tensor]) -> str:
    """Why these cannot be loaded; empty if they can.

    Asked before anything is changed: a moment of another shape makes Adam write into memory that is not its own.
    """
    expected = {
        name: value for name, value in algorithm.state_dict().items() if not name.startswith("actor.")
    }
    for prefix, _, parameter in _descended(algorithm):
        if any(prefix + key in tensors for key in MOMENTS):
            expected |= dict.fromkeys([prefix + key for key in MOMENTS], parameter)
            expected[prefix + "step"] = torch.zeros(())
    wanted, given = _makes(expected), _makes(tensors)
    if not (wrong := sorted(n for n in {*wanted, *given} if wanted.get(n) != given.get(n))):
        return ""
    is_, should = (make.get(wrong[0], "absent") for make in (given, wanted))
    return f"{wrong[0]} is {is_}, and should be {should} ({len(wrong)} such). Were num_critics or the algorithm changed"


def _makes(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Shape and type of each."""
    return {name: f"{tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}" for name, t in tensors.items()}


def _load_learner(algorithm: Algorithm, tensors: dict[str, Tensor]) -> None:
    for prefix, descent, parameter in _descended(algorithm):
        state = descent.adam.state[parameter]
        for key in MOMENTS:
            value = tensors.pop(prefix + key, None)
            if key in state:  # where a recorded step looks for it
                state[key].copy_(torch.zeros(()) if value is None else value)
            elif value is not None:
                state[key] = value.to(parameter.device, copy=True)
    actor = {name: value for name, value in algorithm.state_dict().items() if name.startswith("actor.")}
    algorithm.load_state_dict(actor | tensors)


def _contiguous(arrays: Arrays) -> Arrays:
    return {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}


def _superseded(run_dir: Path) -> list[Path]:
    """All but the newest three, the best, and the one of step 0, which is the policy before any online step."""
    best = best_checkpoint(run_dir)
    return [path for path in checkpoints_of(run_dir)[:-KEPT] if path != best and int(path.name) > 0]
