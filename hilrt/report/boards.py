"""Which figures TensorBoard shows of a run, in the order of interest; a tag is `group/figure`.

TensorBoard sorts groups by name, whence the numbers, and opens the first ones. Boards put figures of one kind into one
chart; a run has those whose figures it can write.
"""

from enum import StrEnum
from typing import NamedTuple

from hilrt.config import Config
from hilrt.config.learning import Learner
from hilrt.step.features import from_config


class Group(StrEnum):
    """First part of a tag."""

    SUCCESS = "1_Success"
    EVALUATION = "2_Evaluation"
    HUMAN = "3_Human"
    EPISODES = "4_Episodes"
    LEARNING = "5_Learning"
    MOTION = "6_Motion"
    TIMING = "7_Timing"
    STEPS = "8_Steps"
    STORAGE = "9_Storage"


TICKS = (
    "lateness_p50_us",
    "lateness_p99_us",
    "lateness_max_us",
    "misses",
    "sense_ms",
    "decide_ms",
    "act_ms",
    "bus_retries",
    "bus_errors",
)
"""Fields of the status block's control region: how its ticks keep the clock."""
LIMITS = (
    "limited_step",
    "limited_box",
    "limited_reach",
    "limited_collision",
    "limited_joint",
    "limited_velocity",
    "limited_held",
)
"""Fields of the same region: ticks on which each limit changed the command, so far."""
MOTION = ("jerk_rms", "behind_rms_deg", "behind_worst_deg", "behind_rms_mm", "behind_worst_mm")
"""Fields of the same region: of the episode so far."""


class Chart(NamedTuple):
    """Figures in one chart."""

    title: str
    group: Group
    figures: tuple[str, ...]
    """Regular expressions; of a band: the curve, its lower and its upper edge."""
    band: bool = False

    @property
    def content(self) -> list[str | list[str]]:
        """As `SummaryWriter.add_custom_scalars` wants it."""
        if self.band:
            return ["Margin", [f"{self.group}/{name}" for name in self.figures]]
        return ["Multiline", [f"^{self.group}/{name}$" for name in self.figures]]


def layout(config: Config) -> dict[str, dict[str, list[str | list[str]]]]:
    """Boards of a run with this config, for the `custom_scalars` plugin."""
    alone = config.in_environment and config.env.operator is None
    boards = {
        "Success": _success(config),
        "You": _human() if config.teleop.intervene and not alone else [],
        "Episodes": _episodes(config),
        "Learning": _learning(config),
        "Motion": [] if config.in_environment else _motion(),
        "Timing": _timing(config),
        "Storage": _storage(),
    }
    return {
        board: {chart.title: chart.content for chart in charts} for board, charts in boards.items() if charts
    }


def _success(config: Config) -> list[Chart]:
    window = config.learner.constants.window
    lately = Chart(f"success of the last {window} episodes", Group.SUCCESS, ("success", "autonomous_success"))
    judged = Chart(
        "evaluation, with its 95 % interval",
        Group.EVALUATION,
        ("success", "success_low", "success_high"),
        band=True,
    )
    return [lately, judged] if config.eval.every_steps else [lately]


def _human() -> list[Chart]:
    return [
        Chart("your share of the steps", Group.HUMAN, ("intervention_rate",)),
        Chart("your time so far [s]", Group.HUMAN, ("human_seconds",)),
        Chart("takeovers in an episode, and their jump", Group.HUMAN, ("interventions", "takeover_jump")),
        Chart("your steps", Group.HUMAN, ("human_steps", "intervention_steps", "first_human_step")),
    ]


def _episodes(config: Config) -> list[Chart]:
    charts = [
        Chart("return", Group.EPISODES, ("return",)),
        Chart("length [steps]", Group.EPISODES, ("length",)),
        Chart("duration [s]", Group.EPISODES, ("cycle_s",)),
        Chart("failures so far", Group.EPISODES, ("failures_declared", "failures_time_limit")),
    ]
    if config.learner.rollback:
        charts.append(Chart("rollbacks so far", Group.EPISODES, ("rollbacks",)))
    if "classifier" in config.reward.by:
        charts.append(Chart("the classifier's last word", Group.EPISODES, ("classifier_probability",)))
        charts.append(Chart("its overrides so far", Group.EPISODES, ("classifier_overrides",)))
    return charts


def _learning(config: Config) -> list[Chart]:
    if config.learner.algorithm != Learner().algorithm:  # its author knows which figures it has
        return [Chart("figures of the algorithm", Group.LEARNING, (".*",))]
    charts = [
        Chart("value Q, by kind of step", Group.LEARNING, ("q_(?!spread).*",)),
        Chart("error of Q", Group.LEARNING, ("td_p50", "td_p99", "q_spread")),
        Chart("critics' loss", Group.LEARNING, ("critic_loss",)),
        Chart("actor's loss", Group.LEARNING, ("actor_loss",)),
        Chart("imitation's loss", Group.LEARNING, ("bc_loss",)),
        Chart("imitation: weight, share of steps", Group.LEARNING, ("bc_weight", "bc_gate")),
        Chart("standard deviation of actions", Group.LEARNING, ("std",)),
        Chart("entropy", Group.LEARNING, ("entropy",)),
        Chart("temperature", Group.LEARNING, ("alpha",)),
        Chart("gradients", Group.LEARNING, (".*_gradient",)),
        Chart("share of targets clipped", Group.LEARNING, ("clipped",)),
    ]
    if from_config(config).gripper:
        charts.append(Chart("gripper's loss", Group.LEARNING, ("gripper_loss",)))
        charts.append(Chart("gripper's Q", Group.LEARNING, ("gripper_q",)))
    return charts


def _motion() -> list[Chart]:
    return [
        Chart("joints behind their goals [deg]", Group.MOTION, ("behind_rms_deg", "behind_worst_deg")),
        Chart("end effector behind its goal [mm]", Group.MOTION, ("behind_rms_mm", "behind_worst_mm")),
        Chart("jerk [rad/s3]", Group.MOTION, ("jerk_rms",)),
        Chart("limited ticks so far", Group.MOTION, ("limited_.*",)),
        Chart("gripper pushed too hard, so far", Group.MOTION, ("grip_overloads",)),
    ]


def _timing(config: Config) -> list[Chart]:
    charts = [
        Chart("updates in a second", Group.TIMING, ("updates_per_s",)),
        Chart("updates for each online step", Group.TIMING, ("utd",)),
        Chart("share of time the learner waits", Group.TIMING, ("idle",)),
        Chart("age of the policy [ms]", Group.TIMING, ("weight_age_ms",)),
        Chart("versions the policy lags", Group.TIMING, ("version_lag",)),
    ]
    if not config.in_environment:
        charts += [
            Chart("parts of a tick [ms]", Group.TIMING, ("sense_ms", "decide_ms", "act_ms")),
            Chart("steps of the pipelines [us]", Group.STEPS, (".*",)),
            Chart("bus, so far", Group.TIMING, ("bus_retries", "bus_errors")),
        ]
    if not config.lockstep:
        charts += [
            Chart("ticks begin late by [us]", Group.TIMING, ("lateness_.*",)),
            Chart("ticks missed so far", Group.TIMING, ("misses",)),
        ]
    return charts


def _storage() -> list[Chart]:
    return [
        Chart("rows", Group.STORAGE, ("online", "demonstrations", "interventions", "successes")),
        Chart("rows by session", Group.STORAGE, ("session_.*",)),
        Chart("rows given up, gaps filled", Group.STORAGE, ("evicted", "gaps_filled")),
        Chart("bytes", Group.STORAGE, ("bytes",)),
    ]
