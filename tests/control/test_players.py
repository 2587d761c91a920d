"""Recorded actions and joint targets on their way to the arm."""

import msgspec
import numpy as np
import pytest
from recorded import episode, made, record, steps
from rig import Rig

from hilrt.control.players import ActionPlayer, GoalPlayer
from hilrt.control.recording import Recording
from hilrt.step.record import Limit, vector

TABLE = "safety.table_height_m=0.02"


def played(rig, player, rec, speed=1.0):
    """Joint goals of each tick at that speed, on an arm that was where the recording had it."""
    goals, turn = [], 0
    while turn * speed < rec.end:
        tick = rig.observe(joints=rec.measured(turn * speed))
        rig.pipelines.grip.see(tick.readings, rig.setpoint.sent)  # as the cell does
        player.put(tick, turn * speed, (turn + 1) * speed)
        player.pipeline.run(tick)
        rig.setpoint.commit(tick)
        goals.append(tick.joint_goal)
        turn += 1
    return np.array(goals)


def recorded_goals(made):
    return np.array([vector(r.joint_goal) for r in made.records[:-1]])


@pytest.mark.parametrize(
    "task", [{}, {"by_joint": True}, {"name": "sim_bimanual.toml"}], ids=["one arm", "by joint", "two arms"]
)
def test_actions_give_the_recorded_goals_to_the_bit(task):
    """From the start pose, the same actions through the same steps are the same joint targets, to the last bit."""
    rig, demo = Rig(**task), made(**task)
    rec = Recording(demo)
    goals = played(rig, ActionPlayer(rec, rig.pipelines), rec)
    assert (goals.astype(np.float32).reshape(len(goals), -1) == recorded_goals(demo)).all()


def test_handover_is_replayed():
    """A command that was drawn back to the arm when it changed hands is drawn back again."""
    rig, actions = Rig(), np.ones((30, 3), np.float32)
    _, grippers, human = steps(30)
    demo = episode(rig, record(rig, actions, grippers, human, lag=0.02))
    rec = Recording(demo)
    again = Rig()
    goals = played(again, ActionPlayer(rec, again.pipelines), rec)
    assert goals.reshape(30, -1) == pytest.approx(
        recorded_goals(demo), abs=1e-6
    )  # measured joints have 32 bits
    never = msgspec.structs.replace(
        demo, records=[msgspec.structs.replace(r, source=0) for r in demo.records]
    )
    again = Rig()
    other = played(again, ActionPlayer(Recording(never), again.pipelines), rec)
    assert np.abs(other - goals).max() > 0.01


def test_own_steps_before_delta_are_not_applied_twice():
    """The recorded action has been through them; it begins behind them."""
    own = "{{step = 'own_steps:{}', pipeline = 'action', before = '{}'}}"
    steps = f"{own.format('Detector', 'delta')}, {own.format('Shove', 'joint_limits')}"
    pipelines = Rig(f"processor.steps=[{steps}]").pipelines
    played = ActionPlayer(Recording(made()), pipelines).pipeline.steps
    assert played == pipelines.action.steps[2:]
    assert [step.name for step in pipelines.action.steps[:2]] == ["intervention", "own_steps:Detector"]
    assert "own_steps:Shove" in [step.name for step in played]


def test_slow_actions_end_where_the_recording_does():
    """At half the speed the way is the same but for what inverse kinematics makes of smaller steps."""
    rig, demo = Rig(), made()
    rec = Recording(demo)
    goals = played(rig, ActionPlayer(rec, rig.pipelines), rec, speed=0.5)
    assert len(goals) == 2 * rec.end
    ends = [rig.position(g.reshape(1, 6)) for g in (goals[-1], recorded_goals(demo)[-1])]
    assert ends[0] == pytest.approx(ends[1], abs=5e-3)


@pytest.mark.parametrize("speed", [1.0, 0.5])
def test_goals_are_sent_as_recorded(speed):
    """At full speed each tick has its goal, at half the speed every second one."""
    rig, demo = Rig(), made()
    rec = Recording(demo)
    goals = played(rig, GoalPlayer(rec, rig.pipelines, rig.home), rec, speed)
    due = goals[round(1 / speed) - 1 :: round(1 / speed)]
    assert due.reshape(len(due), -1) == pytest.approx(recorded_goals(demo), abs=1e-6)


def ready(*overrides):
    """A rig and a player of goals, and a way to send the arm somewhere in one tick."""
    rig, rec = Rig(*overrides), Recording(made())
    player = GoalPlayer(rec, rig.pipelines, rig.home)

    def send(goal, joints=None):
        rec.goals[0, 0] = goal
        tick = rig.observe(joints=rig.home if joints is None else joints)
        player.put(tick, 0.0, 1.0)
        player.pipeline.run(tick)
        return tick, player.followed(tick)

    return rig, send


def test_a_goal_too_far_waits():
    """A goal further away than a tick's motion is not reached at once: the recording waits."""
    rig, send = ready()
    tick, followed = send(rig.home[0] + [0.9, 0, 0, 0, 0, 0])
    assert not followed
    assert tick.joint_goal[0, 0] == pytest.approx(rig.home[0, 0] + rig.limits.max_step)


def test_an_arm_that_is_held_back_waits():
    """Where something holds the arm, the command stays near it, and the recording waits."""
    rig, send = ready()
    tick, followed = send(rig.home[0], joints=rig.home - [[0.9, 0, 0, 0, 0, 0]])
    assert not followed
    assert tick.limits & Limit.HELD


def test_a_goal_in_the_table_waits():
    """The collision guard holds in a replay too."""
    rig, send = ready(TABLE)
    down = rig.home[0] + [0, 0.25, 0.25, 0, 0, 0]
    tick, followed = send(down)
    assert not followed
    assert tick.limits & Limit.COLLISION
    assert (tick.joint_goal == rig.home).all()
    assert ready()[1](down)[1]  # positive control: without a table it goes there
