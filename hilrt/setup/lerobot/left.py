"""Fields of LeRobot's training files that have no counterpart, whatever is trained, each with the reason."""

from hilrt.setup.lerobot.rule import Leave, Note
from hilrt.setup.lerobot.scene import SHAPES

BOARD = Leave("TensorBoard in its place: hilrt dashboard")
FOLDERS = Leave("each run makes its own folder under runs_dir, named by env.name")
LOADER = Leave("there is no data loader: rows lie in memory")
OPTIMISER = Leave("Adam with learner.learning_rate")
SUPERVISED = Leave("of supervised training; online steps count here")
MODEL = Leave("a policy of LeRobot cannot be taken over; train one from its demonstrations")
PUBLISHED = Leave("hilrt opens no connection: docs/guide/dataset.md")
CHECKPOINTS = Leave("learner.checkpoint_every_s, in seconds")
COLUMNS = Leave("hilrt dataset import --rename")
PICTURES = Leave("policy.jitter is for light and colours, policy.shift for the rest")
VIDEO = Leave("hilrt dataset import reads images and video")
CHOSEN = Leave("import takes all; hilrt dataset delete-episodes takes some out")

LEFT: dict[str, Leave | Note] = {
    "output_dir": FOLDERS,
    "job_name": FOLDERS,
    "resume": Leave("hilrt train --resume RUN"),
    "checkpoint_path": Leave("hilrt train --resume RUN"),
    "wandb": BOARD,
    "log_freq": BOARD,
    "num_workers": LOADER,
    "prefetch_factor": LOADER,
    "persistent_workers": LOADER,
    "cudnn_deterministic": Leave("equal seeds give equal runs in simulated time"),
    "steps": SUPERVISED,
    "eval_steps": SUPERVISED,
    "max_eval_samples": SUPERVISED,
    "sample_weighting": SUPERVISED,
    "tolerance_s": SUPERVISED,
    "eval_freq": Leave("eval.every_steps, in online steps"),
    "env_eval_freq": Leave("eval.every_steps, in online steps"),
    "eval": Leave("eval.episodes"),
    "save_checkpoint": CHECKPOINTS,
    "save_freq": CHECKPOINTS,
    "use_policy_training_preset": OPTIMISER,
    "optimizer": OPTIMISER,
    "scheduler": OPTIMISER,
    "peft": MODEL,
    "ema": Leave("learner.constants.actor_tau"),
    "job": Leave("everything runs on this computer"),
    "rename_map": COLUMNS,
    "mixer": Leave("half of each batch is of people and successes, always"),
    "online_ratio": Leave("half of each batch is of people and successes, always"),
    "algorithm.type": Leave("learner.algorithm, soft actor-critic where nothing else is said"),
    "policy.type": Leave("learner.algorithm, soft actor-critic where nothing else is said"),
    "policy.n_obs_steps": Leave("one observation a step"),
    "policy.input_features": SHAPES,
    "policy.output_features": Note("outputs", SHAPES.why),
    "policy.normalization_mapping": Leave("state is normalised by the demonstrations' statistics"),
    "policy.dataset_stats": Leave("state is normalised by the demonstrations' statistics"),
    "policy.use_peft": MODEL,
    "policy.pretrained_path": MODEL,
    "policy.pretrained_revision": MODEL,
    "policy.push_to_hub": PUBLISHED,
    "policy.repo_id": PUBLISHED,
    "policy.private": PUBLISHED,
    "policy.tags": PUBLISHED,
    "policy.license": PUBLISHED,
    "dataset.repo_type": PUBLISHED,
    "dataset.revision": PUBLISHED,
    "dataset.streaming": PUBLISHED,
    "dataset.episodes": CHOSEN,
    "dataset.exclude_episodes": CHOSEN,
    "dataset.eval_split": SUPERVISED,
    "dataset.image_transforms": PICTURES,
    "dataset.use_imagenet_stats": Leave("an encoder brings its own"),
    "dataset.video_backend": VIDEO,
    "dataset.return_uint8": VIDEO,
    "dataset.depth_output_unit": Leave("no depth cameras here"),
}
