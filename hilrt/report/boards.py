"""Which scalars TensorBoard shows, and on which board; a tag is `board/scalar`."""

TASK = (
    "success",
    "autonomous_success",
    "return",
    "length",
    "cycle_s",
    "failures_declared",
    "failures_time_limit",
    "rollbacks",
)
HUMAN = (
    "intervention_rate",
    "interventions",
    "human_steps",
    "intervention_steps",
    "first_human_step",
    "takeover_jump",
    "human_seconds",
)
LEARNING = (
    "critic_loss",
    "actor_loss",
    "gripper_loss",
    "bc_loss",
    "bc_gate",
    "bc_weight",
    "entropy",
    "std",
    "alpha",
    "gripper_q",
    "critic_gradient",
    "actor_gradient",
    "gripper_gradient",
    "q_spread",
    "q_online",
    "q_demonstrations",
    "q_interventions",
    "q_successes",
    "td_p50",
    "td_p99",
    "clipped",
)
DATA = ("online", "demonstrations", "interventions", "successes", "evicted", "bytes", "gaps_filled")
CONTROL = (
    "lateness_p50_us",
    "lateness_p99_us",
    "lateness_max_us",
    "misses",
    "sense_ms",
    "decide_ms",
    "act_ms",
    "bus_retries",
    "bus_errors",
    "grip_overloads",
    "weight_age_ms",
)
"""Fields of the status block's control region."""
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
CLASSIFIER = ("probability", "overrides")
"""At the end of each episode, where a reward classifier is asked."""
LEARNER = ("updates_per_s", "utd", "version_lag", "idle")
EVALUATION = ("success", "low", "high")

LAYOUT = {
    **{
        board: {name: ["Multiline", [f"^{board}/{name}$"]] for name in names}
        for board, names in (
            ("Task", TASK),
            ("Human", HUMAN),
            ("Learning", LEARNING),
            ("Data", DATA),
            ("RealTime", CONTROL + LEARNER),
            ("Limits", LIMITS),
            ("Motion", MOTION),
            ("Classifier", CLASSIFIER),
        )
    },
    "Steps": {"time_us": ["Multiline", ["^Steps/"]]},
    "Sessions": {"rows": ["Multiline", ["^Sessions/"]]},
    "Evaluation": {"success": ["Margin", [f"Evaluation/{name}" for name in EVALUATION]]},
}
"""For the `custom_scalars` plugin."""
