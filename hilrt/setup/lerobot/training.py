"""What becomes of fields of the algorithm, the policy and the reward classifier."""

from hilrt.setup.lerobot import turns
from hilrt.setup.lerobot.rule import Carry, Leave, Note, Rule, Rules

NETWORKS = Leave("policy.networks says how wide they are; hilrt's own were measured")
TRAINER = Leave("hilrt train-classifier has its own")
PAIR = Leave("hilrt's processes share memory: no network here")

SAC: Rules = {
    "critic_lr": Carry("learner.learning_rate", default=3e-4),
    "actor_lr": Carry("learner.learning_rate", default=3e-4, weak=True),
    "temperature_lr": Leave("learner.constants.temperature_rate, a multiple of learner.learning_rate"),
    "discount": Carry("learner.discount", default=0.99),
    "temperature_init": Carry("learner.temperature_init", default=1.0),
    "critic_target_update_weight": Carry("learner.tau", default=0.005),
    "num_critics": Carry("learner.num_critics", default=2),
    "num_subsample_critics": Leave("a random 2 make each target"),
    "utd_ratio": Carry("learner.critic_updates", default=1),
    "grad_clip_norm": Carry("learner.constants.gradient_norm", default=40.0),
    "clip_grad_norm": Carry("learner.constants.gradient_norm", default=40.0),
    "policy_update_freq": Leave("one actor update to learner.critic_updates of the critics"),
    "use_backup_entropy": Leave("reward is sparse: no entropy in the targets"),
    "target_entropy": Leave("learner.constants.target_entropy, for each axis"),
    "num_discrete_actions": Note("gripper commands", "three, with processor.gripper.use_gripper"),
    "shared_encoder": Leave("actor and critics share one"),
    "use_torch_compile": Leave("learner.cuda_graphs"),
    "critic_network_kwargs": NETWORKS,
    "discrete_critic_network_kwargs": NETWORKS,
    "actor_network_kwargs": NETWORKS,
    "policy_config": Leave("written out by LeRobot beside the policy's own"),
}
"""Under `policy`, and in later versions under `algorithm`."""
POLICY: Rules = {
    "device": Carry("learner.device", turns.device),
    "storage_device": Leave("decided by the machine: on a GPU where pictures fit"),
    "use_amp": Leave("learner.precision"),
    "vision_encoder_name": Carry("policy", turns.encoder),
    "freeze_vision_encoder": Carry("policy.encoder", turns.frozen),
    "image_embedding_pooling_dim": Carry("policy.embeddings", default=8),
    "latent_dim": Carry("policy.latent", default=256),
    "image_encoder_hidden_dim": NETWORKS,
    "state_encoder_hidden_dim": NETWORKS,
    "policy_kwargs": NETWORKS,
    "online_steps": Carry("learner.online_steps", default=1_000_000),
    "online_buffer_capacity": Carry("learner.online_buffer_capacity", default=100_000),
    "online_step_before_learning": Carry("learner.online_step_before_learning", default=100),
    "offline_buffer_capacity": Leave("demonstrations are all kept"),
    "online_env_seed": Leave("seed is for everything"),
    "async_prefetch": Leave("batches are put together on the learner's device"),
    "actor_learner_config.policy_parameters_push_frequency": Carry(
        "learner.policy_parameters_push_frequency", default=4
    ),
    "actor_learner_config.learner_host": PAIR,
    "actor_learner_config.learner_port": PAIR,
    "actor_learner_config.queue_get_timeout": PAIR,
    "concurrency": Leave("control and learner are processes, always"),
}
CLASSIFIER: Rules = {
    "policy.model_name": Carry("processor.reward_classifier.model_name", turns.classifier_encoder),
    "policy.model_type": Carry("processor.reward_classifier.model_type"),
    "policy.hidden_dim": Carry("processor.reward_classifier.hidden_dim"),
    "policy.dropout_rate": Carry("processor.reward_classifier.dropout_rate"),
    "policy.learning_rate": Carry("processor.reward_classifier.learning_rate"),
    "policy.use_amp": Carry("processor.reward_classifier.use_amp"),
    "policy.num_classes": Carry(
        "processor.reward_classifier.classes",
        turns.only(2, "name them all in processor.reward_classifier.classes."),
    ),
    "policy.num_cameras": Leave("it sees all cameras of [robot.cameras]"),
    "policy.image_size": Leave("processor.image_preprocessing.resize_size"),
    "policy.name": Leave("there is one kind"),
    "policy.latent_dim": NETWORKS,
    "policy.image_embedding_pooling_dim": NETWORKS,
    "policy.weight_decay": TRAINER,
    "policy.grad_clip_norm": TRAINER,
    "policy.device": Leave("learner.device"),
    "dataset.repo_id": Note("classifier repo_id", "see the classifier below"),
    "dataset.root": Note("classifier root", "see the classifier below"),
    "dataset.crop_params_dict": Carry(
        "processor.image_preprocessing.crop_params_dict", turns.crops, weak=True
    ),
    "seed": Leave("the task's seed is for it, too"),
    "batch_size": TRAINER,
    "policy.type": TRAINER,
    "dataset.image_transforms": TRAINER,
    "eval_freq": TRAINER,
    "save_checkpoint": TRAINER,
    "save_freq": TRAINER,
    "use_policy_training_preset": TRAINER,
    "optimizer": TRAINER,
    "scheduler": TRAINER,
    "steps": Leave("it trains until held-out episodes are told no better"),
    "patience": Leave("it trains until held-out episodes are told no better"),
    "val_ratio": Leave("whole episodes are held out, each once"),
}


def _below(table: str, rules: Rules) -> dict[str, Rule]:
    return {f"{table}.{name}": rule for name, rule in rules.items()}


TRAINING: Rules = {
    "seed": Carry("seed", default=1000),
    "batch_size": Carry("learner.batch_size", default=8),
    **_below("policy", SAC),
    **_below("algorithm", SAC),
    **_below("policy", POLICY),
    **_below("classifier", CLASSIFIER),
}
