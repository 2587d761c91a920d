"""The options that TensorBoard's page HParams compares runs by; it puts the last value of each figure beside."""

from operator import attrgetter

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from torch.utils.tensorboard import SummaryWriter

from hilrt.config import Config

OPTIONS = (
    "env.task",
    "env.fps",
    "seed",
    "teleop.type",
    "teleop.intervene",
    "reward.type",
    "processor.reset.scene",
    "policy.encoder",
    "learner.algorithm",
    "learner.batch_size",
    "learner.utd_ratio",
    "learner.critic_updates",
    "learner.num_critics",
    "learner.discount",
    "learner.tau",
    "learner.learning_rate",
    "learner.temperature_init",
    "learner.clip_targets",
    "learner.bc",
    "learner.bc_weight",
    "learner.bc_weight_final",
    "learner.warm_start_steps",
    "learner.critic_warmup_steps",
    "learner.rollback",
)
"""None that `--resume` can change: TensorBoard keeps the first value that a run has had."""


def add(writer: SummaryWriter, config: Config) -> None:
    """Write what a run has of each option; one that is left to the machine has no value."""
    run = plugin_data_pb2.SessionStartInfo()
    for name in OPTIONS:
        value = attrgetter(name)(config)
        if isinstance(value, bool):
            run.hparams[name].bool_value = value
        elif isinstance(value, str):
            run.hparams[name].string_value = value
        elif value is not None:
            run.hparams[name].number_value = value
    made = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_start_info=run))
    value = Summary.Value(tag=metadata.SESSION_START_INFO_TAG, metadata=made, tensor=metadata.NULL_TENSOR)
    file = writer._get_file_writer()  # noqa: SLF001 - `add_hparams` would make another run of it
    file.add_summary(Summary(value=[value]))
