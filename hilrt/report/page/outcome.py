"""What a run came to: in a sentence, and in the figures that runs are compared by."""

import time

from hilrt.data.episodes import Tally
from hilrt.report.comparison import told
from hilrt.report.page.story import Story
from hilrt.report.rates import Rate
from hilrt.report.summary import GOAL, work_of
from hilrt.report.view import clock
from hilrt.run.job import Job
from hilrt.step.record import Mode

NONE = "-"


def outcome(story: Story) -> str:
    """In a sentence or two."""
    match story.job:
        case Job.TRAIN:
            return _training(story)
        case Job.EVAL:
            return _evaluation(story)
        case Job.RUN:
            done = work_of(story.kept, story.config)
            return f"The policy at work won {won(done.success)}, without any help {won(done.autonomous)}."
        case Job.RECORD:
            kept = story.kept
            steps, away = sum(e.steps for e in kept), len(story.episodes) - len(kept)
            return f"Demonstrations kept: {len(kept)}, with {steps} steps. Not kept: {away}."
        case Job.REPLAY:
            return story.said or "An episode was played again; what came of it was not written."
        case Job.TELEOPERATE:
            return "The arm was driven by hand; nothing was recorded."


def _training(story: Story) -> str:
    """Success with its interval, steps, human minutes, and where it began."""
    effort = f"{story.online_steps:,} online steps and {story.person.seconds / 60:.1f} human minutes"
    later = [e for e in story.evaluations if e.online_steps]
    first = next((e for e in story.evaluations if not e.online_steps), None)
    begun = (
        f"The policy cloned from the demonstrations, at step 0, won {won(first.success)}." if first else ""
    )
    if later:
        last = later[-1]
        at = "" if last.online_steps == story.online_steps else f" (judged at step {last.online_steps:,})"
        return f"After {effort} the policy alone won {won(last.success)}{at}. {begun}".strip()
    recent = story.trained[-story.config.learner.constants.window :]
    if recent:
        alone = sum(e.autonomous for e in recent)
        begun = begun or "It was not evaluated."
        return f"After {effort} the policy won {alone} of the last {len(recent)} training episodes alone. {begun}"
    return begun or "No episode has ended yet."


def _evaluation(story: Story) -> str:
    if story.told and (comparison := story.told.comparison):
        lines = [line.strip().rstrip(".") for line in told(comparison)]
        return " ".join(f"{line[0].upper()}{line[1:]}." for line in lines)
    found = story.evaluations
    return f"The policy alone won {won(found[-1].success)}." if found else "No episode has ended yet."


def won(rate: Rate) -> str:
    """With its interval."""
    share = (
        f"{rate.rate:.0%}, 95 % interval {rate.low:.0%} .. {rate.high:.0%}" if rate.episodes else "none yet"
    )
    return f"{rate.successes} of {rate.episodes} episodes ({share})"


def figures(story: Story) -> dict[str, str]:
    """By name; those that such a run has not are absent."""
    found = {"job": str(story.job), "began": began(story), "seed": str(story.config.seed)}
    if story.job is Job.TRAIN:
        found |= _learned(story)
    elif story.evaluations:
        found["autonomous success"] = str(story.evaluations[-1].success)
        found["steps an episode, mean"] = f"{story.evaluations[-1].mean_steps:.1f}"
    tally = Tally(story.episodes)
    for mode, name in (
        (Mode.DEMO, "demonstrations"),
        (Mode.TRAIN, "episodes"),
        (Mode.EVAL, "evaluation episodes"),
    ):
        if tally.episodes[mode]:
            found[f"{name}, of them won"] = f"{tally.episodes[mode]}, {tally.successes[mode]}"
    if told := story.told:
        found["duration of its last start"] = clock(told.wall_s)
        found |= {"times the arm put the object back": str(told.self_resets)} if told.self_resets else {}
        found |= {"times a person was called to": str(told.calls)} if told.calls else {}
    found["warnings and errors in the log"] = str(sum(t.times for t in story.troubles))
    return found


def _learned(story: Story) -> dict[str, str]:
    judged, person = story.evaluations, story.person
    whole = [e for e in judged if e.success.episodes >= story.config.eval.episodes]
    goal = next((f"{e.online_steps:,}" for e in whole if e.success.rate >= GOAL), None)
    last = person.phases[-1] if person.phases else None
    found = {
        "success at step 0, cloned": str(judged[0].success)
        if judged and not judged[0].online_steps
        else NONE,
        "success in the last evaluation": str(judged[-1].success)
        if judged and judged[-1].online_steps
        else NONE,
        f"steps until {GOAL:.0%} in an evaluation": goal or NONE,
        "autonomous success, last third": f"{last.autonomous_rate:.1%}" if last else NONE,
        "human share of steps, last third": f"{last.intervention_rate:.1%}" if last else NONE,
        "online steps": f"{story.online_steps:,} of {story.config.learner.online_steps:,}",
        "human minutes": f"{person.seconds / 60:.1f}",
        "interventions": str(person.interventions),
    }
    return found | ({"updates": f"{story.told.updates:,}"} if story.told else {})


def began(story: Story) -> str:
    """Local time of its first start, or about that of its first episode; `-`: nobody knows."""
    if story.provenances:
        return _when(story.provenances[0].wall_ns)
    return (
        _when(story.episodes[0].wall_ns - round(1e9 * story.episodes[0].duration_s))
        if story.episodes
        else NONE
    )


def _when(wall_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(wall_ns / 1e9))
