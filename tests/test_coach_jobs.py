"""The coach in whole trainings on the simulated arm, whose scripted operator has bad habits."""

import jobs
import pytest

FORGETFUL = (
    *jobs.SMALL,
    "learner.online_steps=120",
    "eval.final_episodes=1",
    "teleop.scripted.stall_steps=12",
    "teleop.scripted.release_early=1.0",
    "teleop.scripted.forgets=1.0",
)
"""She takes over once at least within 100 steps, moves for 15 at most, and keeps the arm."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with two demonstrations."""
    folder = tmp_path_factory.mktemp("work")
    jobs.record(folder)
    return folder


@pytest.mark.parametrize("coached", [True, False])
def test_who_keeps_the_arm_is_told(workplace, coached):
    """In the log, as the screen has it, and in the summary; with the option off nowhere."""
    overrides = [*FORGETFUL, f"teleop.coach={str(coached).lower()}"]
    done = jobs.run(workplace, "train", jobs.SIM, overrides=overrides)
    assert done.returncode == 0, done.stdout + done.stderr
    run = jobs.newest_run(workplace, "train")
    summary, told = jobs.summary(run), (run / "log.txt").read_text().count("advice: still yours")
    assert told == summary["advice"].get("still_yours", 0)
    assert summary["advice"].keys() == ({"still_yours"} if coached else set())
    assert summary["human"]["seconds"] == summary["human_steps"] / 10 > 3
    assert sum(phase["episodes"] for phase in summary["human"]["phases"]) == summary["episodes"]["train"]
