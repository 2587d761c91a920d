"""Wires that fail during a real job: the loop keeps ticking, the arm holds, and nothing recorded is lost."""

import os
import re
import signal
from pathlib import Path

import cv2
import jobs
import numpy as np
import pytest
from armdesk import Desk
from devices.virtual import run_virtual

from hilrt.control.loop import Phase
from hilrt.data.journal import read_episodes
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.step.record import Mode

REAL = jobs.SIM.with_name("so100.toml")
SAG = 230
"""Of an arm without power [counts]: 20 degrees."""
BAD_LINE = [
    *jobs.SMALL,
    "sim.clock=realtime",
    "sim.line_errors=0.05",
    "env.fps=30",
    *(f"processor.inverse_kinematics.end_effector_step_sizes.{axis}=0.0067" for axis in "xyz"),
]


def test_a_bad_line(tmp_path):
    """With 5 % of all replies lost, late, truncated, corrupt or of a wrong id, recording goes on at its rate."""
    done = jobs.run(tmp_path, "record", jobs.SIM, overrides=BAD_LINE)
    assert done.returncode == 0, done.stderr
    demonstrations = jobs.demonstrations(tmp_path / "datasets/sim_so100")
    assert len(demonstrations) == 2
    records = [r for e in demonstrations for r in e.records if not r.final]
    assert sum(r.bus_faults for r in records) > 0.1 * len(records)
    gaps = np.concatenate([np.diff([r.monotonic_ns for r in e.records]) for e in demonstrations])
    assert np.median(gaps) == pytest.approx(1e9 / 30, rel=0.05)
    waited = sum(r.missed for r in records)
    assert waited < 0.15 * len(records)  # ticks whose reading failed for good: the arm held


@pytest.fixture
def desk(tmp_path):
    """The arm that configs/so100.toml is about."""
    with Desk(tmp_path, jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json") as desk:
        yield desk


@pytest.fixture
def pictures(tmp_path):
    """A folder that stands for the camera."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), 80 * number, np.uint8))
    return folder


class Recording(jobs.WatchedTerminal):
    """`hilrt record` on the desk, at 20 ticks a second, with a person at the keyboard."""

    def __init__(self, folder, desk, pictures):
        front = {"index_or_path": pictures, "width": 64, "height": 48}
        overrides = [
            f"robot.port={desk.port}",
            "robot.id=sim",
            "env.fps=20",
            *(f"robot.cameras.front.{key}={value}" for key, value in front.items()),
            "processor.reset.reset_time_s=0.1",
            "processor.reset.control_time_s=120.0",
            "dataset.num_episodes_to_record=1",
            "dataset.root=demonstrations",
        ]
        super().__init__(folder, "record", REAL, overrides=overrides)

    def drive(self, steps):
        """Take some steps forward with the arm."""
        first = self.control.step

        def driven():
            self.type(b"\x1b[A")
            return self.control.step > first + steps

        self.until(lambda: self.control.phase == Phase.RUNNING)
        self.until(driven)

    def ticks_on(self):
        """The loop goes on ticking."""
        ticks = self.control.ticks
        self.until(lambda: self.control.ticks > ticks + 5)

    def says(self, text):
        """Wait for a message on the screen."""
        self.until(lambda: text in self.control.message)

    def succeed(self):
        """Press the key, and wait for the end."""
        self.type(b"s")
        return self.finish()


@pytest.fixture
def recording(tmp_path, desk, pictures):
    """A recording under way."""
    with Recording(tmp_path, desk, pictures) as recording:
        recording.drive(10)
        yield recording


def test_the_gamepad_is_unplugged():
    """The loop ticks on, the arm stands still, the screen says so, and when it is back the episode goes on."""
    run_virtual(Path(__file__).with_name("virtual_pad.py"))


def test_the_adapter_is_unplugged_and_replugged(tmp_path, desk, recording):
    """The loop ticks on; the arm, sunk meanwhile, is taken up where it is; the episode is cut and recorded again."""
    desk.unplug()
    recording.says("arm away for")
    recording.ticks_on()
    desk.brown_out(*range(1, 7), sag=SAG)
    desk.plug()
    recording.says("arm is back; the episode was cut")
    assert desk.held(Register.TORQUE_ENABLE) == [1] * 6
    recording.until(lambda: recording.control.episode == 1)
    recording.drive(10)
    assert desk.largest_lead_deg() < 10.0
    assert recording.succeed() == 0, recording.text()
    (whole,) = jobs.demonstrations(tmp_path / "demonstrations")
    assert whole.records[-1].success


def test_a_motor_browns_out(tmp_path, desk, recording):
    """A motor that has lost torque, goal and settings is armed again where it is; the episode is cut."""
    desk.brown_out(3, sag=SAG)
    recording.says("arm is back")
    recording.until(lambda: recording.control.episode == 1)
    recording.drive(10)
    assert desk.held(Register.TORQUE_ENABLE) == [1] * 6
    assert desk.held(Register.ACCELERATION) == [254] * 6
    assert desk.largest_lead_deg() < 10.0
    assert recording.succeed() == 0, recording.text()
    assert [e.records[-1].success for e in jobs.demonstrations(tmp_path / "demonstrations")] == [True]


def test_a_camera_disappears_for_a_moment(tmp_path, pictures, recording):
    """The arm holds and takes no step, the screen names the camera; then the same episode goes on.

    So it does when the process that reads the cameras is killed: another takes its place.
    """
    pictures.rename(tmp_path / "elsewhere")
    recording.says("camera front shows nothing new; the arm holds")
    step = recording.control.step
    recording.ticks_on()
    assert recording.control.step == step
    (tmp_path / "elsewhere").rename(pictures)
    recording.drive(10)
    killed = recording.status.cameras.pid
    os.kill(killed, signal.SIGKILL)
    recording.until(lambda: recording.status.cameras.pid != killed)
    recording.drive(10)
    assert recording.succeed() == 0, recording.text()
    (episode,) = jobs.demonstrations(tmp_path / "demonstrations")
    assert episode.mode is Mode.DEMO
    assert episode.records[-1].success
    assert max(r.missed for r in episode.records) > 5
    assert max(age for r in episode.records for age in r.frame_ages_ms) < 1000  # 500 when it was looked at


def test_a_camera_disappears_for_good(tmp_path, pictures, recording):
    """After 10 seconds the run ends with an error that names the camera, and the steps are on disk."""
    pictures.rename(tmp_path / "elsewhere")
    assert recording.finish() == 2
    assert "camera front has shown nothing new for 10 s" in recording.text()
    (episode,) = read_episodes(tmp_path / "demonstrations" / "journal")
    assert len(episode.records) > 8


def test_a_camera_that_hangs_at_the_start(tmp_path, desk, pictures):
    """Control waits for it without blocking, says so, and one `q` ends the run; no torque was switched on."""
    (pictures / "1.png").unlink()
    os.mkfifo(pictures / "1.png")
    with Recording(tmp_path, desk, pictures) as recording:
        recording.says("waiting for camera front")
        recording.type(b"q")
        assert recording.finish() == 0, recording.text()
    assert not any(servo.get(Register.TORQUE_ENABLE) for servo in desk.servos)


def test_a_camera_hangs(tmp_path, pictures, recording):
    """A read that does not come back holds up nothing but its camera; when it does, the same episode goes on."""
    hanging = pictures / "1.png"
    hanging.rename(tmp_path / "1.png")
    os.mkfifo(hanging)  # whoever opens it waits for a writer
    recording.says("camera front shows nothing new; the arm holds")
    recording.ticks_on()
    writer = os.open(hanging, os.O_WRONLY | os.O_NONBLOCK)
    (tmp_path / "1.png").replace(hanging)
    os.close(writer)
    recording.until(lambda: not recording.control.message)
    recording.drive(10)
    assert recording.succeed() == 0, recording.text()
    (episode,) = jobs.demonstrations(tmp_path / "demonstrations")
    assert episode.records[-1].success


def test_a_servo_in_overload(tmp_path, desk, recording):
    """It is limp and may fall: the run ends with its name, all hold with torque, and the steps are on disk."""
    desk.servos[1].put(Register.STATUS, Fault.OVERLOAD)
    assert recording.finish() == 2
    assert re.search(r"motor 2 \(shoulder_lift\) on .* reports: overload", recording.text())
    assert desk.held(Register.TORQUE_ENABLE) == [1] * 6
    (episode,) = read_episodes(tmp_path / "demonstrations" / "journal")
    assert len(episode.records) > 8
