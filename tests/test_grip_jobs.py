"""Holding on for a minute, on arms whose servos protect themselves: the whole program, in simulated time."""

import jobs
import numpy as np
import pytest

from hilrt.sim.model import STALL_CURRENT
from hilrt.step.record import vector

HOLD_S = 60
ONE_LONG_EPISODE = [
    "processor.reset.terminate_on_success=false",
    f"processor.reset.control_time_s={HOLD_S + 40}",
    "processor.observation.add_current_to_observation=true",
    "dataset.num_episodes_to_record=1",
    "teleop.scripted.wrong_bursts=0",
]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("preset", ["so100", "worn"])
def test_a_cube_is_held_for_a_minute(tmp_path, preset, seed):
    """The jaw is told to close all the time: the run goes on, the cube stays up, no load comes near an overload.

    On seed 0 the cube is gripped almost on its diagonal.
    """
    root = jobs.record(tmp_path, *ONE_LONG_EPISODE, f"seed={seed}", f"sim.arm.preset='{preset}'")
    (episode,) = jobs.demonstrations(root)
    names = episode.header.features.state
    states = np.array([vector(record.state) for record in episode.records])
    heights = states[:, names.index("object.z")]
    up = int(np.argmax(heights > 0.05))
    held = slice(up, up + HOLD_S * 10)
    assert len(heights[held]) == HOLD_S * 10
    assert heights[held].min() > 0.05
    loads = np.abs(states[held, names.index("gripper.current")]) / STALL_CURRENT
    assert loads[30:].min() > 0.03
    assert loads.max() < 0.25
    assert np.median(loads) < 0.2
    closing = [record.gripper for record in episode.records[held]]
    assert closing.count(0) > 0.9 * len(closing)
    log = (jobs.newest_run(tmp_path, "record") / "log.txt").read_text()
    assert "overload" not in log
