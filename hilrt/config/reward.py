"""Who says that a task is done."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hilrt.config.values import Fraction, NonNegative, Positive


class Reward(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What gives reward, beside the operator, whose keys always count."""

    type: Literal["task", "grasp", "classifier"] = "task"
    """`task`: the simulated task itself; with a real arm the operator alone. `grasp`: the gripper has closed on
    something and has been raised with it; no camera, no data. `classifier`: the network of
    `processor.reward_classifier`."""
    all_of: tuple[Literal["grasp", "classifier"], ...] = ()
    """In place of `type`: both have to say so on the same step, each held for its own `hold_s`."""
    height_m: Positive = 0.05
    """`grasp`: how far the measured end effector has been raised since the gripper closed on it [m]."""
    margin: Annotated[float, Meta(gt=0.0, le=50.0)] = 3.0
    """`grasp`: how much further open than an empty shut one a gripper is that holds something, at least, of 100."""
    hold_s: NonNegative = 0.5
    """`grasp`: for how long all of that must be so [s]."""

    @property
    def by(self) -> tuple[str, ...]:
        """Who has to say success, all at once."""
        return self.all_of or (self.type,)


class RewardClassifier(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A network that tells success from camera frames; `hilrt train-classifier` makes it from recorded episodes."""

    pretrained_path: str = ""
    """Its file; empty: beside the demonstrations, where `hilrt train-classifier` puts it."""
    success_threshold: Fraction | None = None
    """Probability from which on a frame counts as success; absent: what the file recommends."""
    success_reward: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    """Reward of the step with which it says success."""
    hold_s: NonNegative | None = None
    """For how long in a row frames must count [s]; absent: what the file says, and in its training 0.5. The threshold
    is recommended for that."""
    min_steps: Annotated[int, Meta(ge=0)] | None = None
    """Steps at the start of an episode in which none counts; absent: what the file recommends."""
    model_name: Literal["pretrained", "resnet10", "resnet18", "conv"] | None = None
    """Its encoder, with weights from where the policy's of that kind are; absent: the policy's, whose features it then
    has for nothing, or `conv` where that has none, or one of your own."""
    model_type: Literal["cnn", "transformer"] = "cnn"
    """What is behind the encoder: spatial learned embeddings, as in the policy, or a transformer layer over all places
    of all cameras, which takes a CPU many times as long."""
    hidden_dim: Annotated[int, Meta(ge=8, le=4096, multiple_of=4)] = 256
    dropout_rate: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.1
    learning_rate: Positive = 1e-4
    use_amp: bool = False
    """Train in bfloat16, which a GPU does faster."""
    classes: Annotated[tuple[str, ...], Meta(min_length=2, max_length=16)] = ("failure", "success")
    """What frames are told apart into."""
    reward_class: str = "success"
    """Which of them is rewarded."""
