"""A gamepad that is unplugged during a real job; see `devices.virtual`."""

import jobs
import numpy as np
import pytest
from armdesk import Desk
from devices.virtual import Bed
from padjob import FORWARD, LEFT, SUCCESS, PadJob

from hilrt.data.lerobot.dataset import open_dataset
from hilrt.devices.feetech.registers import Register

CALIBRATION = jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json"


@pytest.fixture
def bed(tmp_path):
    bed = Bed(tmp_path)
    yield bed
    bed.close()


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path, CALIBRATION) as desk:
        yield desk


def test_the_gamepad_is_unplugged_and_replugged(tmp_path, bed, desk):
    """With the stick pushed: the loop ticks on, the arm stands still, the screen says so; then the episode goes on."""
    pad = bed.xbox()
    overrides = [
        f"robot.port={desk.port}",
        "robot.id=sim",
        "robot.cameras={}",
        "teleop.type=gamepad",
        "processor.reset.reset_time_s=0.1",
        "processor.reset.control_time_s=120.0",
        "dataset.num_episodes_to_record=1",
        "dataset.root=demonstrations",
    ]
    with PadJob(bed, tmp_path, "record", jobs.SIM.with_name("so100.toml"), overrides=overrides) as job:
        job.begun(0)
        pad.move(**FORWARD)
        job.tick_on(5)
        pad.unplug()
        job.wait_for(lambda: "X-Box 360 pad is gone" in job.control.message)
        job.tick_on(2)
        goals = desk.held(Register.GOAL_POSITION)
        job.tick_on(8)
        assert desk.held(Register.GOAL_POSITION) == goals
        again = bed.xbox(number=8)
        job.wait_for(lambda: not job.control.message)
        job.drive(again, LEFT)
        assert desk.held(Register.GOAL_POSITION) != goals
        again.tap(SUCCESS)
        job.end()
    (episode,) = open_dataset(tmp_path / "demonstrations")
    assert episode.complete
    assert episode.records[-1].success
    assert [r.step for r in episode.records] == list(range(len(episode.records)))
    assert len(episode.records) > 20
    gaps = np.diff([r.monotonic_ns for r in episode.records])
    assert np.median(gaps) == pytest.approx(0.1e9, rel=0.05)
