"""A simulated arm whose zeros are off: its encoders and its goals are by the calibration, its joints beside them."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from armbench import Bench

from hilrt.config import SimArm
from hilrt.devices.calibration import Calibration
from hilrt.sim.world import World

CALIBRATION = Path(__file__).parents[2] / "configs/calibration/robots/so100_follower/sim.json"
OFF = np.radians((-3.0, 3.0, 12.5, 3.0, 2.0, 0.0))
COUNT = np.radians(0.1)


def test_the_wire_says_something_else_than_the_truth():
    """What is read is less than the true angle by the offset, and where it is told to be it goes beside by as much."""

    async def look():
        nature = SimArm(zero_offsets_deg=tuple(np.degrees(OFF)))
        with World("pick_lift", 0, nature=nature) as world:
            async with Bench(world, Calibration.read(CALIBRATION), nature) as bench:
                start = (await bench.arm.read()).position
                assert start == pytest.approx(world.positions() - OFF, abs=COUNT)
                await bench.arm.enable_torque()
                goal = start + 0.1
                await bench.arm.write(goal, np.full(6, 3.0))
                await bench.go_on(1.0)
                assert world.positions() == pytest.approx(goal + OFF, abs=np.radians(2.0))
                assert (await bench.arm.read()).position == pytest.approx(world.positions() - OFF, abs=COUNT)

    asyncio.run(look())
