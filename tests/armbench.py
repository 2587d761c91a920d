"""A simulated arm in its world, served by the event loop that drives it; time is in the test's hand."""

import asyncio

import numpy as np

from hilrt.devices.arm import Arm
from hilrt.devices.feetech.registers import Register
from hilrt.sim.arm import SimFollower
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servo import IDEAL

PATIENT_S = 20.0
STEP_S = 0.002


class Bench:
    """The first arm of a world; `tick_s` passes at each request."""

    def __init__(self, world, calibration, nature=None):
        self.world, self.calibration, self.tick_s = world, calibration, 0.0
        self.nature = nature or IDEAL
        self.speeds = []
        """Of all joints, after each time that has passed [rad/s]."""

    async def __aenter__(self):
        self.follower = SimFollower(self.world, 0, self.calibration, PseudoTerminal(), self.nature)
        asyncio.get_running_loop().add_reader(self.follower.fd, self._answer)
        self.arm = await Arm.connect(self.follower.port, self.calibration, deadline_s=PATIENT_S)
        self.arm.bus.simulated_time = True
        return self

    async def __aexit__(self, *_):
        await self.arm.close()
        asyncio.get_running_loop().remove_reader(self.follower.fd)
        self.follower.close()

    def pass_time(self, seconds):
        """At once, as the servos' registers are now."""
        self.follower.drive()
        self.world.step(seconds)
        self.follower.measure()
        self.speeds.append(np.abs(self.world.velocities()))

    async def go_on(self, seconds):
        """In small steps, once all that was written has arrived."""
        await self.arm.bus.read(self.calibration.ids[0], Register.MODEL)
        for _ in range(round(seconds / STEP_S)):
            self.pass_time(STEP_S)

    def _answer(self):
        self.follower.answer()
        self.pass_time(self.tick_s)
