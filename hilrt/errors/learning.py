"""Failures of policies and what they learn from."""

from collections.abc import Sequence

from hilrt.errors.root import HilrtError, disk_cure


class ActorMismatchError(HilrtError):
    """Weights are not those of an actor for these features."""

    def __init__(self, difference: str) -> None:
        super().__init__(
            f"these weights are of an actor for other features ({difference}). "
            "Use the task file they were trained with, or start a new run."
        )


class PolicyFeaturesError(HilrtError):
    """A policy is asked to go on with other features than it was trained on."""

    def __init__(self, checkpoint: str, difference: str) -> None:
        super().__init__(
            f"the policy in {checkpoint} was trained on other features than this config gives: {difference}. "
            "Use the config it was trained with, or train a new one."
        )


class PolicyMakeError(HilrtError):
    """A new run is to begin from a policy whose networks are of another make than its own."""

    def __init__(self, run: str, differences: Sequence[str]) -> None:
        super().__init__(
            f"the policy of {run} has networks of another make than this config asks for: {'; '.join(differences)}. "
            "Set that back, or train without --from."
        )


class ConditionsError(HilrtError):
    """What was recorded or learned cannot mean the same under the conditions of now."""

    def __init__(self, whose: str, differences: Sequence[str], cure: str) -> None:
        """`cure`: what can be done, beside putting things back."""
        super().__init__(
            f"{whose} cannot be used with this task file: {' '.join(differences)} Put it back; or {cure}."
        )


class NoDemonstrationsError(HilrtError):
    """There is nothing to start learning from."""

    def __init__(self, root: str, failed: int = 0) -> None:
        """`failed`: demonstrations that are there, but did not end in success."""
        but = f" that ended in success, of {failed}" if failed else ""
        super().__init__(f"no demonstrations{but} in {root}: record some with `hilrt record CONFIG`.")


class CheckpointError(HilrtError):
    """A checkpoint cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(
            f"{path}: {problem}. Move its folder away; the next older checkpoint is then used, "
            "and the journal gives back the steps since."
        )


class CheckpointWriteError(HilrtError):
    """The disk does not take a checkpoint."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(
            f"no checkpoint can be written: {cause.strerror}: {path}. {disk_cure(cause)}; the journal and the "
            "checkpoints before it give back all but what was learned since."
        )


class CheckpointsUnusableError(HilrtError):
    """A run has checkpoints, and cannot go on from any."""

    def __init__(self, run: str, problems: Sequence[str]) -> None:
        """`problems`: of each checkpoint, the newest first."""
        super().__init__(
            f"none of the {len(problems)} checkpoints in {run} can be used, and nothing was changed. The newest: "
            f"{problems[0]}. With the settings that it was trained with it may be of use again; "
            f"`hilrt train --resume {run} --anew` sets them aside and learns anew from what was recorded."
        )


class CheckpointAbsentError(HilrtError):
    """A run has no checkpoint of this name."""

    def __init__(self, run: str, steps: int, present: Sequence[int]) -> None:
        there = f"it has those of {', '.join(map(str, present))} (`hilrt checkpoint list {run}`)"
        super().__init__(
            f"{run} has no checkpoint after {steps} online steps; {there if present else 'it has none yet'}."
        )


class EncoderWeightsError(HilrtError):
    """The weights of a frozen encoder cannot be had from a file."""

    def __init__(self, encoder: str, path: str, problem: str) -> None:
        repository = {"resnet10": "helper2424/resnet10", "resnet18": "timm/resnet18.tv_in1k"}[encoder]
        super().__init__(
            f"{path} {problem}. {encoder} wants weights in a safetensors or torch file; to get one: "
            f"`pip install huggingface_hub && hf download {repository} model.safetensors --local-dir "
            f'weights/{encoder}`, then policy.weights = "weights/{encoder}/model.safetensors". '
            f"The guide's page on encoders says which files fit, and what works without any."
        )


class PretrainedEncoderError(HilrtError):
    """The encoder that `hilrt pretrain` makes cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"{path} {problem}. `hilrt pretrain CONFIG` makes one from the demonstrations that CONFIG names, in a few "
            'minutes; policy.encoder = "conv" needs none.'
        )


class NoCamerasError(HilrtError):
    """There are no pictures to learn from."""

    def __init__(self) -> None:
        super().__init__(
            "the task has no cameras, so there are no pictures to learn from. Add a table such as "
            "[robot.cameras.front], then record demonstrations."
        )


class EncoderChangedError(HilrtError):
    """A policy was trained with another frozen encoder."""

    def __init__(self, checkpoint: str, found: str, weights: str) -> None:
        super().__init__(
            f"the policy in {checkpoint} was trained with another encoder than the one in {weights} (SHA-256 "
            f"{found[:12]}... there). Put that file back, or set policy.weights to where it is."
        )


class ReplayMemoryError(HilrtError):
    """The replay's pictures do not fit into memory."""

    def __init__(self, wanted: str, free: str, fitting: int) -> None:
        super().__init__(
            f"{wanted}: no more than {free} are free there. Set learner.online_buffer_capacity to "
            f"{fitting:,} or less, learner.storage_device to another device, or policy.cached_variants to 1 (2 with "
            "policy.jitter)."
        )


class DeviceError(HilrtError):
    """The accelerator that the config names is not there."""

    def __init__(self, setting: str, device: str, problem: str) -> None:
        super().__init__(f'{setting} = "{device}": {problem}. Use "auto" or "cpu".')
