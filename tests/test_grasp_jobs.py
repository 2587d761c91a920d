"""The grasp detector as the only reward, in a whole job on the simulated arm."""

import jobs
import numpy as np
from worlddesk import WorldDesk

from hilrt.control.phase import Phase
from hilrt.data.labels import read_corrections
from hilrt.devices.calibration import units_from_radians
from hilrt.step.record import vector

GRASP = "reward.type='grasp'"
CLOSE, UP = b"\x1b[1;5D", b"\x1b[1;2A"


def test_demonstrations_end_with_a_grasp(tmp_path):
    """What is recorded as success was held up: the cube is where the simulator would count it, too."""
    root = jobs.record(tmp_path, GRASP, "seed=5")
    for episode in jobs.demonstrations(root):
        last = episode.records[-1]
        assert last.terminated
        assert last.success
        height = vector(last.state)[episode.header.features.state.index("object.z")]
        assert height > 0.04
        assert [record.reward for record in episode.records[:-1]][-1] == 1.0
        assert not np.any([record.reward for record in episode.records[:-2]])


def test_a_grasp_that_is_none_is_taken_back(tmp_path):
    """An arm that has the wrong thing in its gripper, and raises it: failure, pressed behind it, makes one of it."""
    calibration = jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json"
    with WorldDesk(tmp_path, calibration) as arm:
        start = [*units_from_radians(arm.start)[:5].round(2).tolist(), 10.0]
        sets = [
            GRASP,
            "reward.height_m=0.01",
            f"robot.port={arm.port}",
            "robot.id=sim",
            "robot.cameras={}",
            f"processor.reset.fixed_reset_joint_positions={start}",
            "processor.reset.reset_time_s=0.1",
            "processor.reset.control_time_s=600",
            "dataset.num_episodes_to_record=1",
            "dataset.root=here",
        ]
        real = jobs.ROOT / "configs" / "so100.toml"
        with jobs.WatchedTerminal(tmp_path, "record", real, overrides=sets) as run:
            run.runs_episode(0)

            def over():
                run.type(CLOSE if run.control.step < 15 else UP)
                return run.control.phase == Phase.HEARING

            run.until(over)
            run.wait_for(rb"grasp.{0,30}success")
            run.type(b"\x1b")
            run.until(lambda: run.control.episode == 1)
            run.type(b"q")
            assert run.finish() == 0, run.text()
    (episode,) = jobs.demonstrations(tmp_path / "here")
    *_, last, final = episode.records
    assert (last.reward, last.terminated, last.success, final.success) == (0.0, True, False, False)
    assert [(c.kind, c.by) for c in read_corrections(tmp_path / "here")] == [("failure", "operator")]
