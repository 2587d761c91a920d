"""The arm resets its own scene, in a whole job on the simulated arm."""

import jobs
import numpy as np
from worlddesk import WorldDesk

from hilrt.control.phase import Phase
from hilrt.devices.calibration import units_from_radians
from hilrt.step.record import vector

AREA = "processor.reset.area={min=[0.17, -0.05], max=[0.27, 0.05]}"


def test_demonstrations_one_after_the_other(tmp_path):
    """Somebody puts the cube on the table once; where an episode ends the arm takes it to where the next begins."""
    overrides = ("processor.reset.scene='self'", AREA, "dataset.num_episodes_to_record=4", "seed=6")
    root = jobs.record(tmp_path, *overrides)
    summary = jobs.summary(jobs.newest_run(tmp_path, "record"))
    assert (summary["self_resets"], summary["calls"]) == (3, 1)
    assert summary["reset_s"] > 3.0
    episodes = jobs.demonstrations(root)
    names = episodes[0].header.features.state
    x, y, z = (names.index(f"object.{axis}") for axis in "xyz")
    starts = np.array([vector(episode.records[0].state)[[x, y]] for episode in episodes])
    assert np.linalg.norm(np.diff(starts, axis=0), axis=1).min() > 0.01
    assert all(vector(episode.records[0].state)[z] < 0.02 for episode in episodes)
    assert all(episode.records[-1].success for episode in episodes)
    log = (jobs.newest_run(tmp_path, "record") / "log.txt").read_text()
    assert log.count("the arm has put the object down at x = ") == 3


def test_a_call_waits_for_the_operator(tmp_path):
    """On a real arm that does not know where the object is: the screen says so until somebody has put it there."""
    calibration = jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json"
    with WorldDesk(tmp_path, calibration) as arm:
        start = [*units_from_radians(arm.start)[:5].round(2).tolist(), 50.0]
        sets = [
            "processor.reset.scene='self'",
            f"robot.port={arm.port}",
            "robot.id=sim",
            "robot.cameras={}",
            f"processor.reset.fixed_reset_joint_positions={start}",
            "processor.reset.reset_time_s=0.1",
            "dataset.root=here",
        ]
        real = jobs.ROOT / "configs" / "so100.toml"
        with jobs.WatchedTerminal(tmp_path, "record", real, overrides=sets) as run:
            run.until(lambda: run.control.calls == 1)
            run.wait_for(rb"put the object back, then\s+Enter")
            ticks = run.control.ticks
            run.until(lambda: run.control.ticks > ticks + 20)
            assert run.control.phase == Phase.RESETTING
            assert "then Enter" in run.control.message
            run.type(b"\r")
            run.runs_episode(0)
            assert "then Enter" not in run.control.message
            run.type(b"q")
            assert run.finish() == 0, run.text()
