"""`hilrt record` with a gamepad and with a keyboard of the computer, on virtual devices; see `virtual`."""

import jobs
import pytest
from devices.virtual import Bed
from devices.virtual_keyboard import KEYS
from evdev import ecodes

from hilrt.step.record import Source, vector


@pytest.fixture
def bed(tmp_path):
    bed = Bed(tmp_path)
    yield bed
    bed.close()


def pad(bed):
    """Overrides, the device, what lets go and pushes forward, and the buttons for success, failure, again and stop."""
    device = bed.xbox()
    endings = (ecodes.BTN_WEST, ecodes.BTN_SOUTH, ecodes.BTN_NORTH, ecodes.BTN_SELECT)  # xpad's Y, A, X, back
    return (
        ["teleop.type=gamepad"],
        device,
        (lambda: device.move(ABS_Y=0), lambda: device.move(ABS_Y=-32768)),
        endings,
    )


def keyboard(bed):
    """The same of a keyboard."""
    device = bed.plug("AT Translated Set 2 keyboard", (1, 1), {}, KEYS, number=3)
    endings = (ecodes.KEY_S, ecodes.KEY_ESC, ecodes.KEY_R, ecodes.KEY_Q)
    named = ["teleop.type=keyboard", "teleop.device=keyboard"]
    pushes = (lambda: device.release(ecodes.KEY_UP), lambda: device.press(ecodes.KEY_UP))
    return named, device, pushes, endings


@pytest.mark.parametrize("made", [pad, keyboard])
def test_all_endings(bed, tmp_path, made):
    """Success, failure, again and stop by the device's own buttons; what is held moves the arm once it was let go."""
    named, device, (let_go, push), (success, failure, again, stop) = made(bed)
    overrides = [*named, "sim.clock=realtime", "env.fps=20", "processor.reset.control_time_s=60"]
    with jobs.WatchedTerminal(tmp_path, "record", jobs.SIM, overrides=overrides) as terminal:
        for number, button in enumerate((success, failure, again, success)):
            terminal.runs_episode(number)
            for act in (let_go, push):
                act()
                begun = terminal.control.step
                terminal.until(lambda begun=begun: terminal.control.step > begun + 4)
            device.tap(button)
        terminal.runs_episode(4)
        device.tap(stop)
        assert terminal.finish() == 0, terminal.text()
    episodes = jobs.demonstrations(tmp_path / "datasets" / "sim_so100")
    assert [e.records[-1].success for e in episodes] == [True, False, True]
    for episode in episodes:
        steps = [r for r in episode.records if not r.final]
        assert {r.source for r in steps} == {Source.HUMAN}
        assert vector(steps[0].action)[0] == 0.0
        assert vector(steps[-1].action)[0] == 1.0
