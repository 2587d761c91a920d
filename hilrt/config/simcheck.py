"""Checks what a task file says of the simulated scene."""

import math

from hilrt.config import SIM_TASKS, TWO_APART, Config, Sim, SimPictures
from hilrt.config.rewardcheck import Fail


def check_sim(config: Config, sim: Sim, fail: Fail) -> None:
    """The task, its object, and what its clock lets be."""
    task = config.env.task
    if task not in SIM_TASKS:
        fail("env.task", f'"{task}" is not simulated; there are: {", ".join(SIM_TASKS)}.')
    if task == "insert" and sim.object_scale != 1.0:
        fail("sim.object_scale", f"is {sim.object_scale:g}, and a peg fits its socket only at 1. Remove it.")
    if task == "insert" and sim.nudge_mm:
        fail("sim.nudge_mm", "would tip the peg over, and nobody puts it up again. Remove it.")
    least = math.ceil(round(1e4 * TWO_APART * sim.object_scale, 3)) / 1e4  # as many digits as are told
    if config.has_other_object and sim.patch_m < least:
        fail(
            "sim.patch_m",
            f"is {sim.patch_m:g}; two cubes that lie {least:.3g} m apart need as much at least.",
        )
    if sim.line_errors and sim.clock != "realtime":
        fail(
            "sim.line_errors", 'needs sim.clock = "realtime": simulated time does not wait for lost replies.'
        )
    if sim.pictures != SimPictures() and not any(c.type == "sim" for c in config.robot.cameras.values()):
        fail("sim.pictures", 'nobody sees them: no camera under [robot.cameras] has type = "sim".')
    usb = sim.usb
    if config.lockstep and (usb.frame_ms or usb.latency_timer_ms or usb.delay_ms):
        fail(
            "sim.usb",
            'has latencies, which need sim.clock = "realtime": simulated time stands still meanwhile.',
        )
