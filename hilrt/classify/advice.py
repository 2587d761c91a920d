"""What to record more of."""

from collections.abc import Iterator, Sequence

from hilrt.classify.folds import FOLDS
from hilrt.classify.frames import Told, sessions
from hilrt.classify.threshold import ALARMS, Counts, Curve, alarm_level, failures_to_be_sure, success_level

NEAR_M = 0.01
"""A gripper that shuts no higher than this above where one does before a success may have been at the object [m]."""


def advice(
    told: Sequence[Told], curves: Sequence[Curve], rewarded: int, threshold: float, steps: int, min_steps: int
) -> Iterator[str]:
    """A sentence for each gap in the recordings, the worst first."""
    failed = [each for each in told if not each.succeeds(rewarded)]
    succeeded = [each for each in told if each.succeeds(rewarded)]
    if len(failed) < FOLDS:
        yield f"Failed episodes: {len(failed)}. Record {FOLDS} at least, and let them come close to success."
    elif words := _never_close(succeeded, failed):
        yield words
    if len(succeeded) < FOLDS:
        yield f"Episodes that succeed: {len(succeeded)}. Record {FOLDS} at least."
    short = [c.number for c in curves if 0 < c.rewarded.sum() < steps]
    if short:
        yield (
            f"{len(short)} episodes end before they have succeeded for {steps} steps, so nothing is known of what "
            "comes then. Record with --set processor.reset.terminate_on_success=false, and hold the object."
        )
    wrong = [c.number for c in curves if (alarm_level(c, steps, min_steps) or 0.0) >= threshold]
    missed = [c.number for c in curves if (success_level(c, steps, min_steps) or threshold) < threshold]
    if max(sessions(told)) == 0:
        yield "All episodes are of one session. Record some on another day, in another light."
    if wrong:
        yield f"False alarms in {_episodes(wrong)}: look at them, correct their labels, or record more of that kind."
    if missed:
        yield f"Success not noticed in {_episodes(missed)}: look at them, or record more of that kind."


def sureness(counts: Counts) -> str:
    """What is known of false alarms, in words."""
    low, high = counts.alarm_range
    words = (
        f"false alarms in {counts.alarms} of {counts.failed} episodes (95 % interval {low:.1%} .. {high:.1%})"
    )
    more = failures_to_be_sure() - counts.failed
    if high > ALARMS and not counts.alarms and more > 0:
        words += f"; {more} more without any would show that they are below {ALARMS:.0%}"
    return words


def _never_close(succeeded: Sequence[Told], failed: Sequence[Told]) -> str:
    """Whether it never shut as low as before a success, where that takes a gripper; where objects lay nobody knows."""
    lows = [each.shut_m for each in succeeded if each.shut_m is not None]
    if not lows or any(each.shut_m is not None and each.shut_m < max(lows) + NEAR_M for each in failed):
        return ""
    return (
        "In no failed episode was the gripper told to shut as low as before a success. Record some in which it shuts "
        "beside the object, or on a corner of it, and is raised."
    )


def _episodes(numbers: Sequence[int]) -> str:
    return f"episode{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:8]))}" + (
        f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    )
