"""The policy's networks, the learner and its evaluations."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hilrt.config.constants import CONSTANTS, NETWORKS, Constants, Networks
from hilrt.config.own import IMPORT_PATH
from hilrt.config.values import Count, Fraction, NonNegative, Positive


class Policy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the policy sees of the cameras; without cameras nothing of this is used."""

    encoder: str = "pretrained"
    """From a picture to a map of features. `pretrained`: small, trained beforehand on your own recordings by `hilrt
    pretrain`, then frozen; `resnet10`, `resnet18`: trained on photographs, frozen; `conv`: small, trained with the
    policy; `package.module:Class`: your own, trained with the policy (docs/guide/algorithm.md); `none`: pictures are
    recorded, and the policy does not see them."""
    weights: str = ""
    """File of a frozen encoder; empty: where `hilrt pretrain` puts it, beside the demonstrations, or
    `weights/resnet18/model.safetensors`."""
    embeddings: Count | None = None
    """Spatial learned embeddings for each camera; absent: 4 on CPU, 8 on GPU."""
    latent: Count | None = None
    """Numbers that a camera comes down to; absent: 128 on CPU, 256 on GPU."""
    cached_variants: Annotated[int, Meta(ge=0, le=16)] | None = None
    """Frozen encoders: how many versions of each frame's features are kept, the first of the frame as it is, the others
    shifted at random, with `jitter` in another light; 0 keeps frames instead and encodes them at every draw, changed
    anew. Absent: 1 on CPU, 2 there with `jitter`, 4 on GPU."""
    device: Annotated[str, Meta(pattern="^(auto|cpu|cuda(:[0-9]+)?)$")] = "cpu"
    """Where control runs the policy: `cpu`, `cuda:0`, or `auto` (CUDA where there is one). A GPU pays for large
    encoders; it is then shared with the learner."""
    shift: Annotated[int, Meta(ge=0, le=32)] = 4
    """Largest random shift of pictures in training [pixels]."""
    jitter: Fraction = 0.0
    """How much light and colours of pictures are changed at random in training: brightness by a factor of 0.5 .. 1.5,
    contrast 0.6 .. 1.4, red, green and blue each 0.8 .. 1.2 at 1, less in proportion below. What acts sees pictures as
    they are."""
    networks: Networks = NETWORKS


class Learner(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The algorithm, and how it is fed; ours is soft actor-critic with prior data and human corrections."""

    algorithm: Annotated[str, Meta(pattern=IMPORT_PATH)] = "hilrt.learner.sac:Sac"
    """What learns: import path of its class; modules in the working directory are found (docs/guide/algorithm.md)."""
    device: Annotated[str, Meta(pattern="^(auto|cpu|cuda(:[0-9]+)?)$")] = "auto"
    """`auto` (CUDA where there is one), `cpu`, `cuda:0` ..."""
    storage_device: Annotated[str, Meta(pattern="^(auto|cpu|cuda(:[0-9]+)?)$")] = "auto"
    """Where the replay keeps pictures, one copy of each; `auto`: on the learner's device, where they fit."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What networks are computed in while learning; weights, optimisers and last layers stay float32. `auto`: bfloat16
    on a GPU that has it, float32 on a CPU."""
    cuda_graphs: bool = True
    """On a GPU, record a learner step once and replay it: launching its kernels one by one takes longer than they."""
    online_steps: Count = 10_000
    batch_size: Annotated[int, Meta(ge=2)] = 256
    utd_ratio: NonNegative | None = None
    """Critic updates per online step; absent: 2 on CPU, 8 on GPU; 0: as many as the machine can."""
    critic_updates: Count = 2
    """Critic updates between two actor updates."""
    num_critics: Annotated[int, Meta(ge=2)] | None = None
    """Ensemble size; absent: 2 on CPU, 10 on GPU, as the run's first start finds it. A random 2 make each target."""
    discount: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.97
    """Per 0.1 s; rescaled to the control rate."""
    tau: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.02
    """Of the way that the slow critics follow at each update."""
    learning_rate: Positive = 3e-4
    temperature_init: Positive = 1e-3
    clip_targets: bool = True
    bc: Literal["plain", "qfilter", "off"] = "plain"
    """Imitation, in the actor's loss, of human steps and of episodes that the policy won alone."""
    bc_weight: NonNegative = 5.0
    bc_weight_final: NonNegative | None = None
    """Reached when autonomous success reaches `constants.imitated_until`; absent: the weight stays."""
    warm_start_steps: Annotated[int, Meta(ge=0)] = 1000
    critic_warmup_steps: Annotated[int, Meta(ge=0)] = 500
    online_step_before_learning: Annotated[int, Meta(ge=0)] = 100
    online_buffer_capacity: Annotated[int, Meta(ge=1000)] = 100_000
    policy_parameters_push_frequency: NonNegative = 0.25
    """Shortest time between two weight publications [s]; 50 updates lie between them, or fewer where the learner has
    nothing else to do. In lockstep weights are published every 8 steps instead."""
    checkpoint_every_s: Positive = 120.0
    rollback: bool = True
    """Go back to the networks that did best in evaluation when autonomous success has fallen, and not by chance."""
    constants: Constants = CONSTANTS


class Evaluation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Deterministic episodes with the operator off."""

    every_steps: Annotated[int, Meta(ge=0)] = 1000
    """Online steps between evaluations during training, the first of them before the first step; 0: none."""
    episodes: Count = 20
    final_episodes: Count = 100
