"""A job on an arm that has weight, holds a cube and outlives the run; what must be true of it however that ends."""

import os
import signal
from contextlib import contextmanager

import jobs
import numpy as np
from worlddesk import LONGEST_S, WorldDesk

from hilrt.control.phase import Phase
from hilrt.devices.calibration import radians_from_units, units_from_radians
from hilrt.devices.feetech.registers import Register

CALIBRATION = jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json"
PARK = (0.0, -95.0, 85.0, 75.0, 0.0, 10.0)
HOLDS, LIMP = [1] * 6, [0] * 6
HANGS = np.deg2rad(8.0)
"""How far below a pose a soft arm may hang."""
AFTERWARDS_S = 10.0
STAYS = np.deg2rad(1.5)
JUMPS = np.deg2rad(15.0)
"""A joint that begins to run somewhere is faster within a fifth of a second [rad/s]."""
SQUEEZES = 0.25
"""The share of its torque from which a gripper's servo takes itself for overloaded."""
YIELDS = 1e-3
"""How far a link that lies on the simulated table may sink into it [m]."""


class Arm(WorldDesk):
    """What must be true of it at any time, and when the run is long over."""

    def __init__(self, folder):
        super().__init__(folder, CALIBRATION)

    def at(self, pose):
        """Whether it is at a pose (6,) [rad], or hangs from there, whatever the gripper holds."""
        return bool(np.abs(self.joints - pose)[:5].max() < HANGS)

    @property
    def parked(self):
        """Whether it is at its park pose."""
        return self.at(radians_from_units(PARK))

    @property
    def keeps_hold(self):
        """Whether it has torque, and the cube."""
        return self.torque == HOLDS and self.grips

    def require_safe(self):
        """Nothing has moved or strained since the end, nobody being there; and no link was ever below the table."""
        before, torque = self.joints, self.torque
        self.pass_time(AFTERWARDS_S)
        since = self.seen[-round(AFTERWARDS_S / LONGEST_S) :]
        assert torque == LIMP or np.abs(self.joints - before).max() < STAYS
        assert max(moment.load for moment in since) < SQUEEZES
        assert self.held(Register.STATUS) == [0] * 6
        assert self.torque == torque
        every = max(1, len(self.seen) // 300)
        assert min(self.lowest(moment.joints) for moment in self.seen[::every]) > -YIELDS


@contextmanager
def running(folder, arm, *overrides, park=True, job="record"):
    """A job in a terminal, on that arm, from when its first episode has begun."""
    start = [*units_from_radians(arm.start)[:5].round(2).tolist(), 10.0]
    sets = [
        f"robot.port={arm.port}",
        "robot.id=sim",
        "robot.cameras={}",
        f"processor.reset.fixed_reset_joint_positions={start}",
        "processor.reset.reset_time_s=0.1",
        "processor.reset.control_time_s=600",
        "safety.max_joint_velocity_deg_s=300",
        "dataset.root=here",
        *([f"safety.park_pose={list(PARK)}"] if park else []),
        *overrides,
    ]
    with jobs.WatchedTerminal(folder, job, jobs.ROOT / "configs" / "so100.toml", overrides=sets) as run:
        run.until(lambda: run.control.phase == Phase.RUNNING and run.control.step > 1)
        yield run


def kill(process):
    """With -9, by its words in the status block; its pid."""
    pid = process.pid
    os.kill(pid, signal.SIGKILL)
    return pid
