"""A run at one instant as a panel that fits 80 x 24."""

from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hilrt.report.extents import extents_table
from hilrt.report.view import (
    LEARNER_PHASES,
    LIMITS,
    View,
    clock,
    evaluated,
    messages,
    named,
    phase,
    states,
    unit,
)
from hilrt.run.job import Job
from hilrt.shm.status import ControlStatus

OVERRIDES = ("", "success", "no success")
"""Texts for `hilrt.step.record.Override`."""
BAR = 12
MESSAGES = 2
"""Shown at a time; at three lines each the panel still fits 24, but leaves no room for hints or an empty line."""


def render(v: View, hints: Sequence[str] = ()) -> RenderableType:
    """The panel; `hints` say which keys do what."""
    parts: list[RenderableType] = [_head(v)]
    told = [Text(text, style=style) for text, style in list(messages(v))[:MESSAGES]]
    if v.job is Job.TELEOPERATE:  # its table needs the room of the bar
        parts.append(extents_table(v.control.extents))
    else:
        parts.append(_bar(v) if v.goal else Text())
    if len(told) < MESSAGES:  # else its room is needed
        parts.append(Text(v.control.advice, style="bold cyan"))
    parts += [_figures(v), _pipelines(v, len(told)), _processes(v), *told]
    if len(told) < MESSAGES:
        parts += [Text(text, style="dim") for text in hints]
    return Panel(Group(*parts), title=f"hilrt {v.job} · {v.run}", title_align="left", padding=(0, 1))


def _head(v: View) -> RenderableType:
    table = Table.grid(expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_row(Text(phase(v), style="bold"), _times(v))
    return table


def _times(v: View) -> str:
    """Since the start, and to the goal where there is one, and room beside where the object goes."""
    told = v.putting_back and v.control.put
    return clock(v.elapsed_s) + (f", {clock(v.left_s)} left" if v.goal and not told else "")


def _bar(v: View) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=1)
    table.add_column(no_wrap=True, justify="right")
    table.add_row(ProgressBar(max(1, v.goal), v.reached), f"{v.reached:,} / {v.goal:,} {unit(v)}{_pace(v)}")
    return table


def _pace(v: View) -> str:
    if not v.pace:
        return ""
    return f", {v.pace:.1f}/s" if v.job is Job.TRAIN else f", {60 * v.pace:.1f}/min"


def _figures(v: View) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    for name in ("label", "value", "label", "value"):
        table.add_column(
            style="dim" if name == "label" else "", no_wrap=True, ratio=1 if name == "value" else None
        )
    left, right = list(_task(v)), list(_machine(v))
    if not left:  # then there is room for these on both sides
        left, right = right[::2], right[1::2]
    for i in range(max(len(left), len(right))):
        table.add_row(*_at(left, i), *_at(right, i))
    return table


def _at(rows: list[tuple[str, str | Text]], i: int) -> tuple[str, str | Text]:
    return rows[i] if i < len(rows) else ("", "")


def _task(v: View) -> Iterator[tuple[str, str | Text]]:
    """What the robot and the learner have achieved; means are over the last training episodes."""
    c, learner = v.control, v.learner
    if v.job is Job.TRAIN:
        yield "success", f"{c.success_rate:.0%} lately"
        yield "autonomous", f"{c.autonomous_rate:.0%}"
        yield "interventions", f"{c.intervention_rate:.0%}, {c.human_steps:,} steps"
    if v.job is Job.RECORD:
        yield "failed", f"{c.episodes_demo - c.demo_successes}, kept as failures"
        yield "last episode", c.last_episode or "-"
    elif v.job is Job.RUN:
        yield "success", f"{c.successes:,} of {c.episodes_train:,}"
        yield "without you", f"{c.autonomous:,}"
        yield "interventions", f"{c.human_steps:,} steps"
        yield "last episode", c.last_episode or "-"
    elif v.job.by_policy:
        yield "evaluation", evaluated(c)
    if c.self_resets or c.calls:
        yield "put back", f"{c.self_resets} self, {c.calls} called"
    if v.job is Job.TRAIN:
        yield "learner", named(LEARNER_PHASES, learner.phase)
        yield "updates", f"{learner.updates_per_s:.0f}/s, {learner.updates:,}"
        yield "updates per step", f"{learner.utd:.2f}"
        yield "weights", f"#{c.weight_version}, {_age(c.weight_age_ms)} old"


def _judged(c: ControlStatus) -> bool:
    """Whether there is a classifier, or a grasp has just said success."""
    return bool(c.threshold or c.appeal or c.override)


def _judgement(c: ControlStatus) -> Text:
    """How probable success is, from where on it counts, and what the operator says against it."""
    text = Text("success", "green")
    if c.threshold:
        reached, filled = c.probability >= c.threshold, round(BAR * max(0.0, c.probability))
        bar = "█" * filled + "░" * (BAR - filled)
        text = Text(f"{bar} {c.probability:.2f} of {c.threshold:.2f}", "green" if reached else "")
    if c.override:
        text.append(f"   you say {OVERRIDES[c.override]}", "bold red")
    elif c.appeal:
        text.append("   failure takes it back", "yellow")
    return text


def _pipelines(v: View, messages: int) -> RenderableType:
    """Classifier, limits, the step that takes longest, how well the arms follow: lines of their own, some are long."""
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    if judged := _judged(v.control):
        table.add_row("classifier" if v.control.threshold else "grasp", _judgement(v.control))
    table.add_row("limits", _limits(v.control))
    if not (judged and messages == MESSAGES):  # else the room is theirs
        table.add_row("slowest step", _slowest(v.control))
    table.add_row("behind goals", _behind(v.control))
    if v.learner.sessions and not messages:  # else the room is theirs
        table.add_row("rows", Text(v.learner.sessions, no_wrap=True, overflow="ellipsis"))
    if ages := _frame_ages(v.control):
        table.add_row("frame ages", ages)
    return table


def _frame_ages(c: ControlStatus) -> str:
    """Of each camera's newest frame; empty without cameras."""
    ages: dict[str, int] = msgspec.json.decode(c.frame_ages_ms or "{}")
    return ", ".join(f"{name} {_age(ms)}" for name, ms in ages.items())


def _slowest(c: ControlStatus) -> str:
    """Of the pipelines' steps, over the last second."""
    times: dict[str, float] = msgspec.json.decode(c.steps_us or "{}")
    name = max(times, key=lambda step: times[step], default="")
    return f"{name} {times[name]:.0f} us of {sum(times.values()):.0f}" if name else "-"


def _behind(c: ControlStatus) -> str:
    """How far the arms are behind what they are told, and how jerkily they are told, in this episode."""
    rms = f"{c.behind_rms_deg:.1f} deg, {c.behind_rms_mm:.1f} mm"
    worst = f"{c.behind_worst_deg:.1f} deg, {c.behind_worst_mm:.1f} mm"
    return f"{rms}; worst {worst}; jerk {c.jerk_rms:.0f} rad/s3"


def _limits(c: ControlStatus) -> str:
    """On how many ticks each limit changed a command."""
    counts = {limit: getattr(c, f"limited_{limit}") for limit in LIMITS}
    return ", ".join(f"{limit} {count}" for limit, count in counts.items() if count) or "none reached"


def _machine(v: View) -> Iterator[tuple[str, str | Text]]:
    """How well real time, bus and disk are doing."""
    c, r = v.control, v.recorder
    lateness = (c.lateness_p50_us, c.lateness_p99_us, c.lateness_max_us)
    yield "late p50/p99/max", "/".join(f"{us:.0f}" for us in lateness) + " us"
    yield "ticks missed", _alarm(f"{c.misses:,} of {c.ticks:,}", c.misses)
    yield "sense/decide/act", f"{c.sense_ms:.1f} / {c.decide_ms:.1f} / {c.act_ms:.1f} ms"
    yield "bus", _alarm(f"{c.bus_retries} retries, {c.bus_errors} errors", c.bus_errors)
    if c.grip_overloads:
        yield "gripper let go", _alarm(f"{c.grip_overloads} times", c.grip_overloads)
    if v.job.recorded:
        yield "steps recorded", f"{r.records:,}, {_size(r.bytes)}"
        yield "waiting for disk", _alarm(f"{r.lag} of {r.room}", r.lag > r.room / 2)
    if c.dropped:
        yield "not delivered", _alarm(f"{c.dropped} steps", c.dropped)
    if v.simulated:
        yield "simulator", f"{v.sim.realtime_factor:.1f} x real time"


def _processes(v: View) -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    for role, state, style in states(v):
        text.append(f"{role} {state}   ", style=style)
    return text


def _alarm(text: str, bad: int) -> Text:
    return Text(text, style="red" if bad else "")


def _age(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _size(n: int) -> str:
    return f"{n / 1e6:.0f} MB" if n < 1e9 else f"{n / 1e9:.1f} GB"
