"""`hilrt find-limits --teleoperate`: a whole job that a person at the keyboard drives."""

import os
import re
import signal

import jobs
import pytest

from hilrt.config import taskfile
from hilrt.run.folder import RunFolder
from hilrt.shm.status import Status

FORWARD, LEFT, UP = b"\x1b[A", b"\x1b[D", b"\x1b[1;2A"
PERSON = {'type = "scripted"': 'type = "keyboard"', 'clock = "lockstep"': 'clock = "realtime"'}
TASKS = {name: jobs.SIM.with_name(f"{name}.toml") for name in ("sim_so100", "sim_bimanual")}


class Driving(jobs.InTerminal):
    """The command on a copy of a task file, which is driven from the keyboard in real time."""

    def __init__(self, folder, name, *options):
        text = TASKS[name].read_text()
        for there, wanted in PERSON.items():
            text = text.replace(there, wanted)
        self.task = folder / "task.toml"
        self.before = text
        self.task.write_text(text)
        super().__init__(folder, "find-limits", "task.toml", "--teleoperate", "--write", *options)

    def steps(self):
        """The step that the screen shows last."""
        shown = re.findall(rb"\(demo\), step (\d+)", bytes(self.seen))
        return int(shown[-1]) if shown else -1

    def drive(self, *ways, steps=12):
        """Hold the keys of these ways, one after the other, for so many steps each."""
        for way in ways:
            until = self.steps() + steps
            while self.steps() < until:
                self.type(way)
                self.wait_for(b"step")

    def kill_control(self):
        """Kill -9, and wait for the episode after the one that was cut."""
        with Status.attach(RunFolder(jobs.newest_run(self.task.parent, "find-limits")).tag) as status:
            os.kill(status.control.pid, signal.SIGKILL)
        self.wait_for(rb"episode 1 \(demo\), step [1-9]")

    def end(self):
        """Press q; the exit status."""
        self.type(b"q")
        return self.finish()


@pytest.fixture
def driving(tmp_path, request):
    """Started, and past the reset."""
    with Driving(tmp_path, *request.param) as driving:
        driving.wait_for(rb"\(demo\), step [1-9]")
        yield driving


@pytest.mark.parametrize("driving", [("sim_so100",)], indirect=True)
def test_the_box_is_where_the_arm_was_driven(driving):
    """The task file's box does not hold the arm back; where it has been, also before control was killed, is written."""
    old = taskfile.load(driving.task).bounds("")
    driving.drive(FORWARD)
    driving.kill_control()
    driving.drive(LEFT, UP)
    assert b"end effector x [m]" in driving.seen
    assert driving.end() == 0, driving.text()
    new = taskfile.load(driving.task).bounds("")
    assert new.max[0] > old.max[0] + 0.02
    assert all(low < high for low, high in zip(new.min, new.max, strict=True))
    changed = [
        line
        for line, before in zip(
            driving.task.read_text().splitlines(), driving.before.splitlines(), strict=True
        )
        if line != before
    ]
    assert [line.split(" = ")[0] for line in changed] == ["min", "max"]
    for line in changed:
        assert line in driving.text()


@pytest.mark.parametrize("driving", [("sim_so100",)], indirect=True)
def test_a_flat_box_is_printed_and_not_written(driving):
    """Driven to one side only, the box is thinner than a step: the error says which axis, and the file stays."""
    driving.drive(LEFT)
    assert driving.end() == 2
    assert re.search(r"error: .*task\.toml with the limits found: .*: [xz] spans 0\.0\d\d m", driving.text())
    assert "[processor.inverse_kinematics.end_effector_bounds]" in driving.text()
    assert driving.task.read_text() == driving.before


@pytest.mark.parametrize("driving", [("sim_so100",)], indirect=True)
def test_an_arm_that_was_not_driven_has_no_limits(driving):
    """Then the file stays, and the message says what to do."""
    assert driving.end() == 2
    assert "no end effector was moved by more than 5 mm" in driving.text()
    assert driving.task.read_text() == driving.before


@pytest.mark.parametrize("driving", [("sim_bimanual",)], indirect=True)
def test_of_two_arms_the_one_that_was_driven_gets_a_box(driving):
    """Tab hands the keys to the right arm; its box goes into a table of its own, the left one's stays shared."""
    old = taskfile.load(driving.task)
    driving.type(b"\t")
    driving.drive(FORWARD, LEFT, UP)
    assert driving.end() == 0, driving.text()
    new = taskfile.load(driving.task)
    assert new.bounds("left") == old.bounds("left")
    assert new.bounds("right").max[0] > old.bounds("right").max[0] + 0.02
    assert "[robot.arms.right.end_effector_bounds]" in driving.text()
    assert "[robot.arms.left.end_effector_bounds]" not in driving.text()


def test_a_side_that_does_not_exist(tmp_path):
    """It is refused before anything starts."""
    options = ("--teleoperate", "--arm", "middle")
    done = jobs.run(tmp_path, "find-limits", TASKS["sim_bimanual"], *options)
    assert done.returncode == 2
    assert "no arm 'middle'; there are: left, right" in done.stderr
    assert not (tmp_path / "runs").exists()
