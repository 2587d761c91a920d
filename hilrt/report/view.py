"""What there is to see of a run at one instant, in words: all that the screen, `hilrt status` and logs show."""

import math
import time
from collections.abc import Iterator

import msgspec

from hilrt.run.job import Job
from hilrt.shm.status import (
    CamerasStatus,
    ControlStatus,
    LearnerStatus,
    RecorderStatus,
    SimStatus,
    Status,
    SupervisorStatus,
)
from hilrt.step.record import Mode

CONTROL_PHASES = (
    "starting",
    "waiting for the policy",
    "resetting",
    "running",
    "done",
    "parking",
    "parked",
    "hearing",
)
"""Texts for `hilrt.control.phase.Phase`."""
LEARNER_PHASES = ("loading", "warm start", "learning", "waiting", "done")
"""Texts for `hilrt.learner.process.LearnerPhase`."""
LIMITS = ("step", "box", "reach", "collision", "joint", "velocity", "held")
"""As in `hilrt.step.record.Limit`."""
SILENT_S = 2.0
"""A heartbeat older than this is flagged."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that a picture of a run depends on; the regions may be live or copies."""

    now_ns: int
    """CLOCK_MONOTONIC."""
    run: str
    job: Job
    goal: int
    """Online steps to take, or episodes to record, judge or run; 0: without end."""
    simulated: bool
    pace: float | None
    """Units of the goal per second, once known."""
    supervisor: SupervisorStatus
    control: ControlStatus
    learner: LearnerStatus
    recorder: RecorderStatus
    sim: SimStatus
    cameras: CamerasStatus

    @property
    def reached(self) -> int:
        """How much of the goal is done."""
        return progress(self.job, self.control)

    @property
    def left_s(self) -> float | None:
        """Time to the goal at the present pace."""
        return max(0, self.goal - self.reached) / self.pace if self.pace else None

    @property
    def putting_back(self) -> bool:
        """Whether a person is putting the scene back, or the arm is still on its way meanwhile."""
        return CONTROL_PHASES[self.control.phase] == "resetting" and self.control.reset_until_ns > 0

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
        cameras=status.cameras,
    )


def progress(job: Job, control: ControlStatus) -> int:
    """What counts towards the goal of a job."""
    counters = {
        Job.TELEOPERATE: control.episodes_demo,
        Job.RECORD: control.demo_successes,
        Job.TRAIN: control.online_steps,
        Job.EVAL: control.episodes_eval,
        Job.RUN: control.episodes_train,
        Job.REPLAY: control.step,
    }
    return counters[job]


def line(v: View) -> str:
    """The same in one line, for logs."""
    c = v.control
    parts = [
        f"{v.job}: {phase(v)}",
        f"{v.reached}/{v.goal} {unit(v)}, left {clock(v.left_s)}" if v.goal else f"{v.reached} {unit(v)}",
        f"success {c.success_rate:.0%}, autonomous {c.autonomous_rate:.0%}, human {c.intervention_rate:.0%}",
        f"{v.learner.updates_per_s:.0f} updates/s",
        f"late p99 {c.lateness_p99_us:.0f} us, missed {c.misses}",
    ]
    if v.job is not Job.TRAIN:
        parts[2:4] = []
    if v.job is Job.EVAL:
        parts.insert(2, evaluated(c))
    if v.job is Job.RUN:
        parts.insert(2, f"{c.successes} succeeded, {c.autonomous} without you")
    if v.job is Job.RECORD and c.last_episode:
        parts.insert(2, f"last: {c.last_episode}")
    parts += [f"{role} {state}" for role, state, style in states(v) if style == "red"]
    return "; ".join([*parts, *filter(None, [c.advice]), *(text for text, _ in messages(v))])


def phase(v: View) -> str:
    """What control is doing."""
    c = v.control
    name = named(CONTROL_PHASES, c.phase)
    if name == "resetting" and (left_s := (c.reset_until_ns - v.now_ns) / 1e9) > 0:
        return f"{c.put or 'resetting: put the scene back'}, {math.ceil(left_s)} s"
    if name == "hearing":
        return "success? failure takes it back, ready keeps it"
    if name not in {"resetting", "running"}:
        return name
    driver = f", {c.driver}" if c.driver and name == "running" else ""
    kind = "" if v.job is Job.RUN else f" ({Mode(c.mode).name.lower()})"
    return f"{name}, episode {c.episode}{kind}, step {c.step}{driver}"


def states(v: View) -> Iterator[tuple[str, str, str]]:
    """Role, how it is, and the colour of that."""
    yield _state("control", v, v.control.pid, v.control.heartbeat_ns, v.control.done)
    if v.job.recorded:
        yield _state("recorder", v, v.recorder.pid, v.recorder.heartbeat_ns, v.supervisor.stop)
    if v.job is Job.TRAIN:
        yield _state("learner", v, v.learner.pid, v.learner.heartbeat_ns, v.learner.done)
    if v.cameras.pid:
        yield _state("cameras", v, v.cameras.pid, v.cameras.heartbeat_ns, v.supervisor.stop)
    if v.simulated:
        yield _state("simulator", v, v.sim.pid, v.sim.heartbeat_ns, v.supervisor.stop)


def _state(role: str, v: View, pid: int, heartbeat_ns: int, done: int) -> tuple[str, str, str]:
    age_s = (v.now_ns - heartbeat_ns) / 1e9
    if not pid or not heartbeat_ns:
        return role, "starting", "dim"
    if age_s > SILENT_S:
        return (role, "ended", "dim") if done else (role, f"silent for {age_s:.0f} s", "red")
    return role, "ok", "green"


def messages(v: View) -> Iterator[tuple[str, str]]:
    """What the processes have to say: trouble first, in red; then the supervisor."""
    said = {
        "control": v.control.message,
        "learner": v.learner.message,
        "recorder": v.recorder.message,
        "simulator": v.sim.message,
        "cameras": v.cameras.message,
    }
    for role, message in said.items():
        if message:
            begins = role == "learner" and not v.learner.ready  # says what it will need, not what is wrong
            yield f"{role}: {message}", "dim" if begins else "bold red"
    if v.recorder.unlike:
        yield f"cameras: {v.recorder.unlike}", "yellow"
    if v.supervisor.message:
        yield v.supervisor.message, "yellow"


def evaluated(c: ControlStatus) -> str:
    """How the newest evaluation goes, and how the one before the first step went."""
    if c.judged_first:
        return f"{c.judged_successes}/{c.judged}; at first {c.judged_first_successes}/{c.judged_first}"
    return f"{c.judged_successes} of {c.judged} succeeded"


def named(names: tuple[str, ...], index: int) -> str:
    """The text of a phase."""
    return names[index] if 0 <= index < len(names) else f"phase {index}"


def unit(v: View) -> str:
    """What progress is counted in."""
    return {Job.TRAIN: "steps", Job.REPLAY: "steps", Job.RECORD: "demonstrations"}.get(v.job, "episodes")


def clock(seconds: float | None) -> str:
    """Hours, minutes, seconds."""
    if seconds is None:
        return "-:--:--"
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}"
