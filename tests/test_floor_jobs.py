"""The floor of the workspace box in a whole job, far out, on the softest arm that was measured."""

import jobs
import numpy as np
import pytest
from drive import put_cube
from worlddesk import WorldDesk

from hilrt.config import SimArm
from hilrt.control.phase import Phase
from hilrt.devices.calibration import radians_from_units

CALIBRATION = jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json"
START = [1.3, 48.3, -71.0, 75.8, -87.8, 50.0]
"""39 cm in front of the base, 10 cm above the table."""
FLOOR = 0.005
OUT_OF_THE_WAY = (-0.3, 0.0, 0.0125)
KEYS = {
    b"\x1b[1;2B": 0.4,
    b"\x1b[1;2A": 0.1,
    b"\x1b[A": 0.15,
    b"\x1b[B": 0.15,
    b"\x1b[D": 0.1,
    b"\x1b[C": 0.1,
}
"""Down, up, forward, back, left, right, and how often each."""
STEP = 0.01
"""Of the end effector in a tick [m]: so soft an arm that is turned about twice as fast swings through its floor."""
STEPS = 200


class Bare(WorldDesk):
    """Of 11 N m/rad, with a dead zone, and nothing within its reach; counts how often it is seen to touch the table."""

    def __init__(self, folder):
        self.touches = 0
        super().__init__(folder, CALIBRATION, SimArm(preset="so100", stiffness=11.0, dead_zone_deg=0.5))
        put_cube(self.world, OUT_OF_THE_WAY)

    def _move(self, seconds):
        super()._move(seconds)
        pairs = self.world._data.contact.geom
        at_table = (pairs == self.world._model.geom("table").id).any(axis=1)
        self.touches += bool((at_table & ~(pairs == self.world._cube_geom).any(axis=1)).any())


@pytest.fixture
def arm(tmp_path):
    """It is somewhere else when the job begins."""
    with Bare(tmp_path) as arm:
        yield arm


def test_random_actions_at_39_cm_touch_no_table(tmp_path, arm):
    """For 20 seconds, most of them downwards: the floor holds the arm up."""
    sets = [
        f"robot.port={arm.port}",
        "robot.id=sim",
        "robot.cameras={}",
        f"processor.inverse_kinematics.end_effector_bounds={{min=[0.15,-0.11,{FLOOR}],max=[0.40,0.17,0.15]}}",
        f"processor.inverse_kinematics.end_effector_step_sizes={{x={STEP},y={STEP},z={STEP}}}",
        f"processor.reset.fixed_reset_joint_positions={START}",
        "processor.reset.reset_time_s=0.1",
        "processor.reset.control_time_s=600",
        "dataset.root=here",
    ]
    keys = np.random.default_rng(0).choice(list(KEYS), STEPS, p=list(KEYS.values()))
    with jobs.WatchedTerminal(
        tmp_path, "record", jobs.ROOT / "configs" / "so100.toml", overrides=sets
    ) as run:
        run.until(lambda: run.control.phase == Phase.RUNNING and run.control.step > 1)
        assert np.abs(arm.joints - radians_from_units(START))[:5].max() < np.deg2rad(8.0)
        arm.seen.clear()
        for key in keys.tolist():
            step = run.control.step
            run.type(key)
            run.until(lambda: run.control.step > step)  # noqa: B023
        limited = run.control.limited_box
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.touches == 0
    assert limited > STEPS / 4
    lowest = min(arm.lowest(moment.joints) for moment in arm.seen[::10])
    assert 0.0 < lowest < 4 * FLOOR
