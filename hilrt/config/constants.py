"""Numbers that decide what is learned, and that no task should have to change.

They are in the task file's values, so that a checkpoint knows them, and an experiment can change one.
"""

from typing import Annotated

from msgspec import Meta, Struct

from hilrt.config.values import Count, Fraction, NonNegative, Positive

Rate = Annotated[float, Meta(gt=0.0, le=1.0)]


class Networks(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the policy's networks are made of."""

    state_latent: Count = 64
    """Numbers that the state comes down to."""
    hidden: Count = 256
    """Width of the two hidden layers of the policy, and of each critic."""
    gripper_hidden: Count = 128
    """The same of the gripper's critic."""
    state_clip: Positive = 5.0
    """Standard deviations of the demonstrations at which state is clipped: what lies far outside of them must not
    saturate everything."""
    std_max: Positive = 0.12
    """Most noise of an action before its tanh. A policy that grips to the millimetre is lost in more, and finds enough
    in it."""
    std_initial: Positive = 0.1
    """Noise before learning, less than `std_max`; about what the target entropy asks for: a policy explores around what
    it was shown."""


class Constants(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of the algorithm, and of what it is fed."""

    state_noise: NonNegative = 0.1
    """Blur of states in training, in shares of the spread that each entry has in the demonstrations."""
    feature_noise: NonNegative = 0.2
    """Spread of the gain of each channel of a picture's features in training."""
    actor_tau: Rate = 0.01
    """Of the way that what acts follows what learns at each update."""
    temperature_rate: Positive = 10.0
    """Times the common learning rate: at that itself the first thousands of steps are spent with far too much noise."""
    target_entropy: float = -1.0
    """For each axis of the action [nat]."""
    gripper_margin: NonNegative = 0.05
    """Lead in Q that a person's gripper command is given over the others; one step is worth about 0.03."""
    gradient_norm: Positive = 10.0
    """At which gradients are clipped."""
    imitated_until: Rate = 0.8
    """Autonomous success at which `learner.bc_weight_final` is reached."""
    epsilon: Fraction = 0.02
    """Chance that a gripper command is drawn at random in training."""
    shares: tuple[Rate, Fraction, Fraction] = (0.5, 0.3, 0.2)
    """In what proportion demonstrations, interventions and autonomous successes make up the half of a batch that people
    and successes have. No row is drawn more often than a demonstrated one: the first few corrections, drawn ten times
    as often, would undo what the warm start cloned."""
    protected_rows: Count = 5_000
    """So many of the newest rows of autonomous successes, at most half of the buffer, are not overwritten."""
    window: Count = 20
    """Training episodes that success is measured over, the last ones: for the weight of imitation, and for a scripted
    operator who watches less the better the policy does."""


NETWORKS, CONSTANTS = Networks(), Constants()
"""As they are where nobody says otherwise."""
