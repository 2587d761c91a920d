"""The status block: what each process says of itself, for the screen, for `hilrt status` and for each other.

Times are CLOCK_MONOTONIC [ns]; counters start at 0; flags are 0 or 1. Writing one is a few stores, reading a load or
two; what is not what was written raises SegmentDamagedError.
"""

import json
from enum import IntEnum
from typing import Self

from hilrt.resource import Resource
from hilrt.shm.region import Float, Int, Region, Text
from hilrt.shm.segment import Segment

_WHAT = "status"
STEPS_TEXT = 1600
"""Bytes for the times of the pipelines' steps."""
FRAME_AGES_TEXT = 240
ADVICE_TEXT = 80
ADVISED_TEXT = 160
SESSIONS_TEXT = 400
UNLIKE_TEXT = 136
"""Two lines of the screen."""
EXTENTS_TEXT = 720
"""Of two arms."""


class Stop(IntEnum):
    """Why processes are to finish."""

    DONE = 1
    """The work is done: what was recorded is waited for, however long a full disk takes."""
    ASKED = 2
    """A person wants it: what the disk does not take now is given up, and told."""


class SupervisorStatus(Region):
    """Written by the supervisor; the key words count presses on its terminal."""

    heartbeat_ns = Int()
    pid = Int()
    started_ns = Int()
    stop = Int()  # asks every process to finish; a Stop
    stop_asks = Int()  # how often a person has asked for that
    key_intervene = Int()
    key_success = Int()
    key_failure = Int()
    key_rerecord = Int()
    key_other_arm = Int()
    key_go = Int()
    key_forward_ns = Int()  # of the keys that are held, the time of the last press
    key_back_ns = Int()
    key_left_ns = Int()
    key_right_ns = Int()
    key_up_ns = Int()
    key_down_ns = Int()
    key_tilt_up_ns = Int()
    key_tilt_down_ns = Int()
    key_roll_left_ns = Int()
    key_roll_right_ns = Int()
    key_open_ns = Int()
    key_close_ns = Int()
    restarts = Int()
    job = Text(16)
    goal = Int()  # online steps to take, or episodes to record, judge or run
    message = Text()


class ControlStatus(Region):
    """Written by the control process, once a tick."""

    heartbeat_ns = Int()
    pid = Int()
    ready = Int()
    phase = Int()
    reset_until_ns = Int()  # until when a person has time to put the scene back; 0: nobody need
    put = Text(80)  # what she is to do with the object meanwhile, where that is told
    mode = Int()
    episode = Int()
    step = Int()
    online_steps = Int()
    asked = (
        Int()
    )  # how often it has asked the learner to keep and publish the weights that it is about to judge
    episodes_train = Int()
    episodes_demo = Int()
    demo_successes = Int()
    last_episode = Text(40)  # what it came to
    episodes_eval = Int()
    successes = Int()  # of training episodes, and of those at work
    autonomous = Int()  # of these, without any human step
    judged = Int()  # episodes of the newest evaluation
    judged_successes = Int()
    judged_first = Int()  # of the one before the first step, where there has been another since
    judged_first_successes = Int()
    human_steps = Int()
    ticks = Int()
    misses = Int()
    lateness_p50_us = Float()
    lateness_p99_us = Float()
    lateness_max_us = Float()
    sense_ms = Float()
    decide_ms = Float()
    act_ms = Float()
    bus_retries = Int()
    bus_errors = Int()
    weight_version = Int()
    weight_age_ms = Float()
    success_rate = Float()
    autonomous_rate = Float()
    intervention_rate = Float()
    dropped = Int()
    limited_step = Int()  # ticks on which each of `hilrt.step.record.Limit` changed the command
    limited_box = Int()
    limited_reach = Int()
    limited_collision = Int()
    limited_joint = Int()
    limited_velocity = Int()
    limited_held = Int()
    grip_overloads = Int()  # how often a gripper has pushed too hard, and was told to stay where it was
    self_resets = Int()  # how often the arm has put the object back by itself
    calls = Int()  # how often it could not, and a person was called
    reset_ticks = Int()  # that it spent so; they belong to no episode
    jerk_rms = Float()  # of the goals of this episode [rad/s3], see `hilrt.control.smoothness`
    behind_rms_deg = Float()  # of the joints, behind the last goal of a tick
    behind_worst_deg = Float()
    behind_rms_mm = Float()  # of the end effectors
    behind_worst_mm = Float()
    probability = Float()  # of success, as the reward classifier says of the newest observation
    threshold = Float()  # from which on it counts; 0: there is no classifier
    overrides = Int()  # episodes in which the operator said otherwise
    override = Int()  # of the last episode, an `hilrt.step.record.Override`
    appeal = Int()  # whether the operator may still take back the success that a grasp or the classifier said
    compared_successes = Int()  # a shadow's episodes, by what the operator said
    compared_failures = Int()
    missed_successes = Int()  # of these, those of which the classifier said otherwise
    false_alarms = Int()
    advice = Text(ADVICE_TEXT)  # what the coach says now, see `hilrt.control.coach`
    advised = Text(ADVISED_TEXT)  # JSON: how often it has said each of its lines
    advice_bells = Int()  # how often it wanted to be heard
    driver = Text(24)  # who has the arm, and which one her keys move
    steps_us = Text(STEPS_TEXT)  # JSON: mean time of each pipeline step over the last second
    frame_ages_ms = Text(FRAME_AGES_TEXT)  # JSON: of each camera's newest frame, once a second
    extents = Text(EXTENTS_TEXT)  # teleoperation: where the arms have been, see `hilrt.step.extent`
    done = Int()
    message = Text()


class LearnerStatus(Region):
    """Written by the learner."""

    heartbeat_ns = Int()
    pid = Int()
    ready = Int()
    phase = Int()
    updates = Int()
    updates_per_s = Float()
    utd = Float()
    online_rows = Int()
    demo_rows = Int()
    intervention_rows = Int()
    success_rows = Int()
    version = Int()
    checkpoint_ns = Int()
    gaps_filled = Int()
    credit = Float()
    sessions = Text(
        SESSIONS_TEXT
    )  # rows by session, where there are others than demonstrations and the run itself
    learned = Int()  # `Record.place` of the last step that it has learned from, all before it included
    answered = Int()  # of control's questions (`asked`)
    critic_loss = Float()
    done = Int()
    message = Text()


class RecorderStatus(Region):
    """Written by the recorder."""

    heartbeat_ns = Int()
    pid = Int()
    ready = Int()
    records = Int()
    bytes = Int()
    flushed_episode = Int()
    lag = Int()  # steps that wait in its ring, of `room`
    room = Int()
    unlike = Text(
        UNLIKE_TEXT
    )  # how cameras see it otherwise than in the demonstrations, see `hilrt.data.lookout`
    message = Text()


class SimStatus(Region):
    """Written by the simulator; `ports` are the paths of its servo buses, a line for each arm, and of its leaders'."""

    heartbeat_ns = Int()
    pid = Int()
    ready = Int()
    sim_time_s = Float()
    realtime_factor = Float()
    ports = Text()
    leader_ports = Text()
    message = Text()


class CamerasStatus(Region):
    """Written by the process that reads the real cameras."""

    heartbeat_ns = Int()
    pid = Int()
    ready = Int()
    message = Text()


class ViewerStatus(Region):
    """Written by the viewer."""

    heartbeat_ns = Int()
    pid = Int()
    ready = Int()
    message = Text(240)


_REGIONS: tuple[type[Region], ...] = (
    SupervisorStatus,
    ControlStatus,
    LearnerStatus,
    RecorderStatus,
    SimStatus,
    CamerasStatus,
    ViewerStatus,
)


class Status(Resource):
    """The run's status block; each process writes its own region and reads any."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        buf = segment.buf
        self.supervisor = SupervisorStatus(_part(buf, SupervisorStatus))
        self.control = ControlStatus(_part(buf, ControlStatus))
        self.learner = LearnerStatus(_part(buf, LearnerStatus))
        self.recorder = RecorderStatus(_part(buf, RecorderStatus))
        self.sim = SimStatus(_part(buf, SimStatus))
        self.cameras = CamerasStatus(_part(buf, CamerasStatus))
        self.viewer = ViewerStatus(_part(buf, ViewerStatus))

    @classmethod
    def create(cls, run: str) -> Self:
        """Make the run's status block: numbers 0, texts empty.

        Raises:
            SegmentExistsError, SharedMemoryFullError, PlatformError: see `Segment.create`.
        """
        blank = b"".join(region.blank() for region in _REGIONS)
        return cls(Segment.create(run, _WHAT, len(blank), _schema(), blank))

    @classmethod
    def attach(cls, run: str) -> Self:
        """Open the run's status block.

        Raises:
            SegmentAbsentError, SegmentNotReadyError, SegmentMismatchError: see `Segment.attach`.
        """
        return cls(Segment.attach(run, _WHAT, _schema()))

    def close(self) -> None:
        """Let go of the block; the name stays."""
        for region in vars(self).values():
            if isinstance(region, Region):
                region.close()
        self._segment.close()

    def unlink(self) -> None:
        """Take the name away; processes that have the block open keep it."""
        self._segment.unlink()


def _part(buf: memoryview, kind: type[Region]) -> memoryview:
    start = sum(region.size for region in _REGIONS[: _REGIONS.index(kind)])
    return buf[start : start + kind.size]


def _schema() -> str:
    return json.dumps(
        {kind.__name__: {name: field.kind for name, field in kind.fields.items()} for kind in _REGIONS}
    )
