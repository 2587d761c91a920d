"""A run at one instant, from its status block: as a panel that fits 80 x 24, and as one line of text."""

import time
from collections.abc import Iterator

import msgspec
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hilrt.data.episodes import WINDOW
from hilrt.launch import Job
from hilrt.record import Mode
from hilrt.shm.status import (
    ControlStatus,
    LearnerStatus,
    RecorderStatus,
    SimStatus,
    Status,
    SupervisorStatus,
)

CONTROL_PHASES = ("starting", "waiting for the policy", "resetting", "running", "done")
"""Texts for `hilrt.control.loop.Phase`."""
LEARNER_PHASES = ("loading", "warm start", "learning", "waiting", "done")
"""Texts for `hilrt.learner.process.LearnerPhase`."""
LIMITS = ("step", "box", "reach", "collision", "joint", "velocity", "held")
"""As in `hilrt.record.Limit`."""
SILENT_S = 2.0
"""A heartbeat older than this is flagged."""
MESSAGES = 2
"""Shown at a time; at three lines each the panel still fits 24."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that a picture of a run depends on; the regions may be live or copies."""

    now_ns: int
    """CLOCK_MONOTONIC."""
    run: str
    job: Job
    goal: int
    """Online steps to take, or episodes to record or judge."""
    simulated: bool
    pace: float | None
    """Units of the goal per second, once known."""
    supervisor: SupervisorStatus
    control: ControlStatus
    learner: LearnerStatus
    recorder: RecorderStatus
    sim: SimStatus

    @property
    def reached(self) -> int:
        """How much of the goal is done."""
        return progress(self.job, self.control)

    @property
    def left_s(self) -> float | None:
        """Time to the goal at the present pace."""
        return max(0, self.goal - self.reached) / self.pace if self.pace else None

    @property
    def elapsed_s(self) -> float:
        """Time since the start of the processes."""
        return (self.now_ns - self.supervisor.started_ns) / 1e9


def view(status: Status, run: str) -> View:
    """Look at a live status block."""
    return View(
        now_ns=time.monotonic_ns(),
        run=run,
        job=Job(status.supervisor.job),
        goal=status.supervisor.goal,
        simulated=bool(status.sim.pid),
        pace=None,
        supervisor=status.supervisor,
        control=status.control,
        learner=status.learner,
        recorder=status.recorder,
        sim=status.sim,
    )


def progress(job: Job, control: ControlStatus) -> int:
    """What counts towards the goal of a job."""
    counters = {
        Job.TELEOPERATE: control.episodes_demo,
        Job.RECORD: control.episodes_demo,
        Job.TRAIN: control.online_steps,
        Job.EVAL: control.episodes_eval,
    }
    return counters[job]


def render(v: View) -> RenderableType:
    """The panel."""
    parts: list[RenderableType] = [
        _head(v),
        _bar(v) if v.goal else Text(),
        Text(),
        _figures(v),
        _pipelines(v),
        Text(),
        _processes(v),
    ]
    parts += [Text(text, style=style) for text, style in list(_messages(v))[:MESSAGES]]
    return Panel(Group(*parts), title=f"hilrt {v.job} · {v.run}", title_align="left", padding=(0, 1))


def line(v: View) -> str:
    """The same in one line, for logs."""
    c = v.control
    parts = [
        f"{v.job}: {_phase(v)}",
        f"{v.reached}/{v.goal} {_unit(v)}, left {_clock(v.left_s)}" if v.goal else f"{v.reached} {_unit(v)}",
        f"success {c.success_rate:.0%}, autonomous {c.autonomous_rate:.0%}, human {c.intervention_rate:.0%}",
        f"{v.learner.updates_per_s:.0f} updates/s",
        f"late p99 {c.lateness_p99_us:.0f} us, missed {c.misses}",
    ]
    if v.job is not Job.TRAIN:
        parts[2:4] = []
    if v.job is Job.EVAL:
        parts.insert(2, _evaluated(c))
    parts += [f"{role} {state}" for role, state, style in _states(v) if style == "red"]
    return "; ".join(parts + [text for text, _ in _messages(v)])


def _phase(v: View) -> str:
    c = v.control
    phase = _named(CONTROL_PHASES, c.phase)
    if phase not in {"resetting", "running"}:
        return phase
    driver = f", {c.driver}" if c.driver and phase == "running" else ""
    return f"{phase}, episode {c.episode} ({Mode(c.mode).name.lower()}), step {c.step}{driver}"


def _head(v: View) -> RenderableType:
    table = Table.grid(expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_row(Text(_phase(v), style="bold"), _times(v))
    return table


def _times(v: View) -> str:
    """Since the start, and to the goal where there is one."""
    return _clock(v.elapsed_s) + (f", {_clock(v.left_s)} left" if v.goal else "")


def _bar(v: View) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=1)
    table.add_column(no_wrap=True, justify="right")
    pace = f", {v.pace:.1f}/s" if v.pace else ""
    table.add_row(ProgressBar(max(1, v.goal), v.reached), f"{v.reached:,} / {v.goal:,} {_unit(v)}{pace}")
    return table


def _figures(v: View) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    for name in ("label", "value", "label", "value"):
        table.add_column(
            style="dim" if name == "label" else "", no_wrap=True, ratio=1 if name == "value" else None
        )
    right = list(_machine(v))
    left = list(_task(v))
    for i in range(max(len(left), len(right))):
        table.add_row(*_at(left, i), *_at(right, i))
    return table


def _at(rows: list[tuple[str, str | Text]], i: int) -> tuple[str, str | Text]:
    return rows[i] if i < len(rows) else ("", "")


def _task(v: View) -> Iterator[tuple[str, str | Text]]:
    """What the robot and the learner have achieved; means are over the last training episodes."""
    c, learner = v.control, v.learner
    if v.job is Job.TRAIN:
        yield "success", f"{c.success_rate:.0%} of the last {WINDOW}"
        yield "autonomous", f"{c.autonomous_rate:.0%}"
        yield "interventions", f"{c.intervention_rate:.0%}, {c.human_steps:,} steps"
    if v.job.by_hand:
        yield "human steps", f"{c.human_steps:,}"
    else:
        yield "evaluation", _evaluated(c)
    if v.job is Job.TRAIN:
        yield "learner", _named(LEARNER_PHASES, learner.phase)
        yield "updates", f"{learner.updates_per_s:.0f}/s, {learner.updates:,}"
        yield "updates per step", f"{learner.utd:.2f}"
        yield "weights", f"#{c.weight_version}, {_age(c.weight_age_ms)} old"


def _pipelines(v: View) -> RenderableType:
    """What the limits did, and which step takes longest: lines of their own, because both may be long."""
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    table.add_row("limits", _limits(v.control))
    table.add_row("slowest step", _slowest(v.control))
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


def _limits(c: ControlStatus) -> str:
    """On how many ticks each limit changed a command."""
    counts = {limit: getattr(c, f"limited_{limit}") for limit in LIMITS}
    return ", ".join(f"{limit} {count}" for limit, count in counts.items() if count) or "none reached"


def _evaluated(c: ControlStatus) -> str:
    return f"{c.eval_successes} of {c.episodes_eval} succeeded"


def _machine(v: View) -> Iterator[tuple[str, str | Text]]:
    """How well real time, bus and disk are doing."""
    c, r = v.control, v.recorder
    lateness = (c.lateness_p50_us, c.lateness_p99_us, c.lateness_max_us)
    yield "late p50/p99/max", "/".join(f"{us:.0f}" for us in lateness) + " us"
    yield "ticks missed", _alarm(f"{c.misses:,} of {c.ticks:,}", c.misses)
    yield "sense/decide/act", f"{c.sense_ms:.1f} / {c.decide_ms:.1f} / {c.act_ms:.1f} ms"
    yield "bus", _alarm(f"{c.bus_retries} retries, {c.bus_errors} errors", c.bus_errors)
    if v.job.recorded:
        yield "steps recorded", f"{r.records:,}, {_size(r.bytes)}"
        yield "waiting for disk", f"{r.lag}"
    if c.dropped:
        yield "not delivered", _alarm(f"{c.dropped} steps", c.dropped)
    if v.simulated:
        yield "simulator", f"{v.sim.realtime_factor:.1f} x real time"


def _processes(v: View) -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    for role, state, style in _states(v):
        text.append(f"{role} {state}   ", style=style)
    return text


def _states(v: View) -> Iterator[tuple[str, str, str]]:
    """Role, how it is, and the colour of that."""
    yield _state("control", v, v.control.pid, v.control.heartbeat_ns, v.control.done)
    if v.job.recorded:
        yield _state("recorder", v, v.recorder.pid, v.recorder.heartbeat_ns, v.supervisor.stop)
    if v.job is Job.TRAIN:
        yield _state("learner", v, v.learner.pid, v.learner.heartbeat_ns, v.learner.done)
    if v.simulated:
        yield _state("simulator", v, v.sim.pid, v.sim.heartbeat_ns, v.supervisor.stop)


def _state(role: str, v: View, pid: int, heartbeat_ns: int, done: int) -> tuple[str, str, str]:
    age_s = (v.now_ns - heartbeat_ns) / 1e9
    if not pid or not heartbeat_ns:
        return role, "starting", "dim"
    if age_s > SILENT_S:
        return (role, "ended", "dim") if done else (role, f"silent for {age_s:.0f} s", "red")
    return role, "ok", "green"


def _messages(v: View) -> Iterator[tuple[str, str]]:
    """What the processes have to say: trouble first, in red; then the supervisor."""
    said = {
        "control": v.control.message,
        "learner": v.learner.message,
        "recorder": v.recorder.message,
        "simulator": v.sim.message,
    }
    for role, message in said.items():
        if message:
            begins = role == "learner" and not v.learner.ready  # says what it will need, not what is wrong
            yield f"{role}: {message}", "dim" if begins else "bold red"
    if v.supervisor.message:
        yield v.supervisor.message, "yellow"


def _named(names: tuple[str, ...], index: int) -> str:
    return names[index] if 0 <= index < len(names) else f"phase {index}"


def _unit(v: View) -> str:
    return "steps" if v.job is Job.TRAIN else "episodes"


def _alarm(text: str, bad: int) -> Text:
    return Text(text, style="red" if bad else "")


def _age(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _size(n: int) -> str:
    return f"{n / 1e6:.0f} MB" if n < 1e9 else f"{n / 1e9:.1f} GB"


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "-:--:--"
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}"
