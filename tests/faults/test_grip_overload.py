"""The gripper's servo protects itself in mid-run."""

import pytest
from outlived import running

from hilrt.control.phase import Phase
from hilrt.devices.feetech.registers import Register

CLOSE = b"\x1b[1;5D"
LEAD_DEG = 2.0
"""`robot.grip_lead_deg` of the task file."""
COUNT_DEG = 360 / 4096


def beyond_the_jaw_deg(arm):
    """How far the gripper's goal is on the closing side of where it is measured."""
    measured, goal = (
        arm.held(register)[5] for register in (Register.PRESENT_POSITION, Register.GOAL_POSITION)
    )
    return (measured - goal) * COUNT_DEG


def test_it_is_a_warning_and_not_the_end(tmp_path, arm):
    """It is counted once and cleared, the episode goes on, and the goal is where the jaw is, with half of the lead."""
    with running(tmp_path, arm, park=False) as run:
        for _ in range(3):
            run.type(CLOSE)
        run.until(lambda: beyond_the_jaw_deg(arm) > 0.8 * LEAD_DEG)
        episode = run.control.episode
        arm.overload(6)
        run.until(lambda: run.control.grip_overloads)
        run.until(lambda: "pushed too hard" in run.control.message)
        step = run.control.step
        run.until(lambda: run.control.step > step + 10)
        assert run.control.grip_overloads == 1
        assert run.control.episode == episode
        assert run.control.phase == Phase.RUNNING
        assert arm.held(Register.STATUS) == [0] * 6
        assert beyond_the_jaw_deg(arm) == pytest.approx(LEAD_DEG / 2, abs=4 * COUNT_DEG)
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.keeps_hold
