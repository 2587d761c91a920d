"""`hilrt replay` with a gamepad at hand; see `virtual`."""

import json

import jobs
import pytest
from devices.virtual import Bed
from evdev import ecodes


@pytest.fixture
def bed(tmp_path):
    bed = Bed(tmp_path)
    yield bed
    bed.close()


def test_stop_button(bed, tmp_path):
    """Its stop button ends a replay on the next tick, with status 0 and what was played until then."""
    jobs.record(tmp_path, "dataset.num_episodes_to_record=1")
    pad = bed.xbox()
    overrides = ["teleop.type=gamepad", "sim.clock=realtime"]
    slow = ["--episode", "0", "--speed", "0.05"]
    with jobs.InTerminal(tmp_path, "replay", jobs.SIM, *slow, overrides=overrides) as terminal:
        terminal.wait_for(rb"running, episode 0 \(demo\), step [1-5], replay")
        pad.tap(ecodes.BTN_SELECT)
        assert terminal.finish() == 0, terminal.text()
    came = json.loads((jobs.newest_run(tmp_path, "replay") / "replay.json").read_text())["content"]
    assert 0 < came["played"] < came["steps"]
