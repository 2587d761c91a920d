"""Pipelines as lists of steps: what a step says of itself is what it does, and a user's own steps fit in."""

import json

import numpy as np
import pytest
from reward.bundles import judge_for
from rig import Rig, load

from hilrt.control.gauges import _text_of
from hilrt.control.pipeline import Signal
from hilrt.control.tick import Tick
from hilrt.errors import ActionError, ConfigError, OwnCodeError, StepError
from hilrt.report.pipelines import tables
from hilrt.shm.pictures import Frame
from hilrt.shm.status import STEPS_TEXT

EVERYTHING = (
    "env.task=pick_of_two",
    "processor.observation.add_current_to_observation=true",
    "processor.observation.display_cameras=true",
    "robot.cameras.front={type = 'sim', width = 160, height = 120}",
    "safety.self_collision=true",
    "safety.table_height_m=0.0",
)
FIELDS = set(Tick.__struct_fields__)


class Watched:
    """A tick that remembers which of its fields are read and written; a list that is appended to is written."""

    def __init__(self, tick):
        self.__dict__.update(_tick=tick, read=set(), written=set())

    def __getattr__(self, name):
        self.read.add(name)
        value = getattr(self._tick, name)
        if name == "parts" and not hasattr(value, "owner"):
            self.read.discard("parts")
            return Parts(self, value)
        return value

    def __setattr__(self, name, value):
        self.written.add(name)
        setattr(self._tick, name, value)


class Parts(list):
    """A list that tells its owner what is appended."""

    def __init__(self, owner, real):
        super().__init__(real)
        self.owner, self.real = owner, real

    def append(self, part):
        self.owner.written.add("parts")
        self.real.append(part)

    def extend(self, parts):
        for part in parts:
            self.append(part)


def step(name, pipeline="observation", **more):
    fields = {"step": f"own_steps:{name}", "pipeline": pipeline, **more}
    return f"processor.steps=[{{{', '.join(f'{k} = {v!r}' for k, v in fields.items())}}}]".replace(
        "(", "["
    ).replace(")", "]")


@pytest.mark.parametrize("by_joint", [False, True])
def test_steps_read_and_write_what_they_declare(by_joint, tmp_path):
    """No step reads or writes a field of the tick that it does not declare, so the printed tables are true."""
    rig = Rig(*EVERYTHING, by_joint=by_joint, show=lambda *_: None, judge=judge_for(tmp_path))
    camera = Frame(image=np.zeros((120, 160, 3), np.uint8), monotonic_ns=0, sequence=0)
    tick = Watched(rig.tick(frames=(camera,)))
    for pipeline in rig.pipelines.all:
        for one in pipeline.steps:
            tick.read.clear()
            tick.written.clear()
            one(tick)
            reads, writes = {s.name for s in one.reads}, {s.name for s in one.writes}
            assert reads | writes <= FIELDS
            assert tick.written <= writes, one.name
            assert tick.read <= reads | writes, one.name
    assert tick.joint_goal.shape == (1, 6)


def test_every_step_declares_fields_that_somebody_sets(tmp_path):
    """What a step reads was measured, or written by a step before it."""
    rig = Rig(*EVERYTHING, show=lambda *_: None, judge=judge_for(tmp_path))
    given = {
        "readings",
        "frames",
        "object",
        "other",
        "time_ns",
        "step",
        "mode",
        "task_success",
        "interrupted",
        "wish",
    }
    there = given | {"policy_action", "policy_gripper", "features"}
    for pipeline in rig.pipelines.all:
        for one in pipeline.steps:
            assert {s.name for s in one.reads} <= there, one.name
            there |= {s.name for s in one.writes}


def test_times_of_the_steps():
    """Each step's mean time since last asked is told by its name."""
    rig = Rig()
    rig.act([0, 0, 0])
    times = rig.pipelines.take_times_us()
    assert next(iter(times)) == "joints"
    assert times["inverse_kinematics"] > 0
    assert set(rig.pipelines.take_times_us().values()) == {0.0}


def test_times_fit_the_status_block():
    """However long the names of the steps are, what the status block holds is whole JSON, with the slowest in it."""
    times = {f"package.module:{'Step' * 10}{i}": float(i) for i in range(60)}
    text = _text_of(times, STEPS_TEXT)
    assert len(text) <= STEPS_TEXT
    assert max(json.loads(text).values()) == 59.0
    assert json.loads(_text_of({"b": 1.0, "a": 2.0}, STEPS_TEXT)) == {"b": 1.0, "a": 2.0}


def test_signal_text():
    """A signal is printed with its shape and unit."""
    assert Signal("joints", ("arms", 6), "rad").text({"arms": 2}) == "joints (2, 6) [rad]"
    assert Signal("state", ("state",)).text({"state": 31}) == "state (31,)"
    assert Signal("reward").text({}) == "reward"


def test_tables_name_every_step():
    """`hilrt pipeline` lists the steps of the very pipelines that run, and where each writes the state."""
    rig = Rig(*EVERYTHING, show=lambda *_: None)
    *made, policy = tables(rig.config)
    printed = [[*table.columns[0].cells] for table in made]
    assert printed == [[s.name for s in pipeline.steps] for pipeline in rig.pipelines.all]
    writes = "\n".join(map(str, tables(rig.config)[0].columns[2].cells))
    assert "shoulder_pan.current .. gripper.current [A]" in writes
    said = dict(zip(*(column.cells for column in policy.columns), strict=True))
    assert said["front"] == "160 x 120, resized to 128 x 128; pretrained: 128 features at 8 x 8 places"
    assert said["dz"] == "-1 .. 1, a full step is 0.02 m"
    assert f"state ({len(rig.features.state)},)" in writes


# --- a user's own ---------------------------------------------------------------------------------


def test_own_step_adds_to_the_state():
    """A step named by its import path adds the values it declares, with its options."""
    rig = Rig(step("Load", state=("load.a", "load.b"), options={}).replace("{}", "{factor = 5.0}"))
    tick = rig.observe()
    assert rig.features.state[-2:] == ("load.a", "load.b")
    assert tick.state[-2:].tolist() == [1.0, 6.0]  # begun once


def test_own_detector_decides_success():
    """A step of the outcome pipeline is the place for a detector of success: it comes before `success`."""
    rig = Rig(step("Detector", "outcome"))
    seen = []
    for number in (2, 3):
        tick = rig.tick(step=number)
        rig.pipelines.outcome.run(tick)
        seen.append((tick.reward, tick.terminated))
    assert seen == [(0.0, False), (1.0, True)]


def test_own_action_step_changes_what_is_executed_and_recorded():
    """A step on the action comes before it is scaled: what it leaves is executed, and is what is recorded."""
    rig = Rig(step("Slow", "action", before="delta"))
    start = rig.setpoint.pose[0, :3, 3].copy()
    tick = rig.act([1.0, 0.0, 0.0])
    assert tick.action.tolist() == [0.5, 0.0, 0.0]
    assert rig.position(tick.joint_goal)[0] - start[0] == pytest.approx(0.01, abs=5e-4)


def test_own_action_step_comes_before_delta():
    """Where the config does not say, a step on the action comes first of all: over-long, it is cut, and recorded so."""
    rig = Rig(step("Made", "action", options={}).replace("{}", "{action = [9.0, 0.0, 0.5]}"))
    tick = rig.act([0.0, 0.0, 0.0])
    assert tick.action.dtype == np.float32
    assert tick.action.tolist() == [1.0, 0.0, 0.5]


def test_action_that_is_none():
    """An action that is not finite, or of another length, is refused before it is recorded or sent."""
    with pytest.raises(ActionError, match=r"must be 3 finite numbers, got \[nan"):
        Rig().act([float("nan"), 0.0, 0.0])
    with pytest.raises(ActionError, match="must be 3 finite numbers"):
        Rig().act([0.0, 0.0])
    for action in ([0.0], [0.0] * 6):
        rig = Rig(step("Made", "action", options={}).replace("{}", f"{{action = {action}}}"))
        with pytest.raises(StepError, match=r"left `action` with shape \(\d,\) instead of \(3,\)"):
            rig.act([0.0, 0.0, 0.0])


def test_own_step_cannot_pass_the_limits():
    """Whatever a user's step does to the goal, ranges and speed limits hold after it, and the reference follows."""
    rig = Rig(step("Shove", "action", before="joint_limits"))
    before = rig.setpoint.joints.copy()
    tick = rig.act([0.0, 0.0, 0.0])
    assert np.abs(tick.joint_goal - before).max() <= rig.limits.max_step + 1e-9
    assert (tick.joint_goal <= rig.limits.upper).all()
    assert rig.setpoint.pose[0, :3, 3] == pytest.approx(rig.position(tick.joint_goal))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (step("Absent"), "own_steps:Absent cannot be made: AttributeError"),
        (
            'processor.steps=[{step = "no.such:Step", pipeline = "action"}]',
            "No module named 'no'; it is looked for in /",
        ),
        (step("Load", options={}).replace("{}", "{speed = 1}"), "unexpected keyword argument 'speed'"),
        (step("NOT_A_STEP"), "cannot be made: TypeError"),
        (
            step("Detector", "outcome", before="delta"),
            'cannot come before "delta"; the steps here are success',
        ),
        (step("Wordy"), "its `reads` and `writes` must hold Signals"),
    ],
)
def test_own_step_that_cannot_be_used(override, words):
    """A step that cannot be imported, made or placed is refused by name before anything moves."""
    with pytest.raises(OwnCodeError, match=r"processor.steps: ") as caught:
        Rig(override)
    assert words in str(caught.value)


def test_own_step_that_fails():
    """A step that raises, or adds another number of values than declared, ends the run with its name."""
    with pytest.raises(StepError, match=r"own_steps:Broken failed: ZeroDivisionError: no luck"):
        Rig(step("Broken")).observe()
    with pytest.raises(
        StepError, match=r"own_steps:Load added 2 values to the state where the config declares 1 names"
    ):
        Rig(step("Load", state=("load.a",))).observe()
    with pytest.raises(StepError, match=r"own_steps:Nothing added \[nan\] to the state; all must be finite"):
        Rig(step("Nothing", state=("none",))).observe()


def test_nothing_comes_after_the_collision_guard():
    """What the guard has checked is what is sent: no step of the user's can come between."""
    with pytest.raises(StepError, match='cannot come before "collision_guard"'):
        Rig(*EVERYTHING, step("Shove", "action", before="collision_guard"))
    names = [
        one.name
        for one in Rig(*EVERYTHING, step("Shove", "action", before="joint_limits")).pipelines.action.steps
    ]
    assert names[-3:] == ["own_steps:Shove", "joint_limits", "collision_guard"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (step("Slow", "action", state=("x",)), r"processor.steps\[0\].state: only a step of the observation"),
        (step("Load", state=("ee.x", "b")), "the state has ee.x twice"),
        (step("Load", before="joints", state=("a", "b")), r"processor.steps\[0\].before: a step that adds"),
        ('processor.steps=[{step = "nonsense", pipeline = "action"}]', r"\$.processor.steps"),
    ],
)
def test_own_step_that_contradicts(override, words):
    """What a task file says of a step is checked without importing it."""
    with pytest.raises(ConfigError, match=words):
        load(override)


@pytest.mark.parametrize(
    ("field", "value", "before", "words"),
    [
        (
            "joint_goal",
            [[float("nan")] * 6],
            "joint_limits",
            "left `joint_goal` with values that are not finite",
        ),
        (
            "joint_goal",
            [[0.0] * 5],
            "joint_limits",
            r"left `joint_goal` with shape \(1, 5\) instead of \(1, 6\)",
        ),
        ("gripper", [1, 1], "delta", r"left `gripper` with shape \(2,\) instead of \(1,\)"),
        (
            "delta",
            [[float("inf"), 0, 0]],
            "reference_and_delta",
            "left `delta` with values that are not finite",
        ),
    ],
)
def test_own_step_that_leaves_a_mess(field, value, before, words):
    """What a user's step leaves for those after it has the shape that it found, and finite values, or is its error."""
    tree = f"{{step = 'own_steps:Mess', pipeline = 'action', before = '{before}'}}"
    rig = Rig(f"processor.steps=[{tree}]".replace("}", f", options = {{field = '{field}', value = []}}}}"))
    own = next(step for step in rig.pipelines.action.steps if step.name == "own_steps:Mess")
    own._step._value = value  # a task file cannot say nan
    with pytest.raises(StepError, match=words):
        rig.act([0, 0, 0])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "left `reward` as nan; it must be finite"),
        (np.float32("inf"), "left `reward` as inf; it must be finite"),
        ("much", "left an outcome that is none"),
    ],
)
def test_own_reward_that_is_no_number(value, words):
    """A reward of a user's step that is none is that step's error, before anything learns from it."""
    options = "{field = 'reward', value = 0.0}"
    own_step = f"{{step = 'own_steps:Mess', pipeline = 'outcome', options = {options}}}"
    rig = Rig(f"processor.steps=[{own_step}]")
    own = next(each for each in rig.pipelines.outcome.steps if each.name == "own_steps:Mess")
    own._step._value = value
    with pytest.raises(StepError, match=f"own_steps:Mess {words}"):
        rig.pipelines.outcome.run(rig.tick())


def test_own_step_that_adds_text():
    """Text in the state is the error of the step that put it there."""
    options = "{field = 'parts', value = ['a']}"
    step_ = f"{{step = 'own_steps:Mess', pipeline = 'observation', state = ['x'], options = {options}}}"
    with pytest.raises(StepError, match="own_steps:Mess added to the state what is no number"):
        Rig(f"processor.steps=[{step_}]").observe()


def test_own_step_that_declares_what_there_is_not():
    """A signal that is no field of the tick is refused when the step is made."""
    step_ = "{step = 'own_steps:Mess', pipeline = 'action', options = {field = 'nonsense', value = []}}"
    with pytest.raises(StepError, match='names "nonsense", which is no field'):
        Rig(f"processor.steps=[{step_}]")


def test_own_step_that_quits():
    """A class that ends the program when it is made is an error like any other."""
    with pytest.raises(OwnCodeError, match="own_steps:Quits cannot be made: SystemExit: 7"):
        Rig(step("Quits"))
