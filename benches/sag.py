"""How far a soft arm hangs below where it is told to be, without and with `robot.gravity_compensation`.

In simulated time and in this process: an arm comes to rest at its start pose, where it sees how soft it is, and then
5 cm above the table at each reach. Arm, cell, pipelines, stream and bus are those of a run; the figures are of the true
joints: the worst of the five [deg], and how far the end effector is below where it is told to be [mm]. Prints JSON.
"""

import argparse
import asyncio

import numpy as np
from grip import CONFIGS, workplace
from host import report

from hilrt.config import Config, taskfile
from hilrt.control.reset import go
from hilrt.devices.calibration import radians_from_units

POSES = {
    25: radians_from_units((2.1, 9.8, -1.9, 82.0, -85.1, 50.0)),
    35: radians_from_units((1.4, 56.0, -73.9, 91.4, -86.6, 50.0)),
    39: radians_from_units((1.2, 59.7, -74.0, 74.1, -87.5, 50.0)),
}
"""By reach [cm]."""


async def sag(config: Config) -> dict[str, dict[str, float]]:
    """By reach."""
    found: dict[str, dict[str, float]] = {}
    async with workplace(config, 0) as (world, cell, *_):
        for reach, told in POSES.items():
            await go(cell, told[None], await cell.sense(), bool)
            for _ in range(20):
                await cell.sense()
            deg = float(np.abs(np.rad2deg(world.positions() - told)[:5]).max())
            meant, true = (cell.pipelines.kinematics[0].forward(q)[2, 3] for q in (told, world.positions()))
            found[f"{reach} cm"] = {"deg": round(deg, 1), "mm": round(1e3 * (meant - true), 1)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    sets = [f"robot.calibration_dir={CONFIGS}/calibration", *parser.parse_args().set]
    ways = ("gravity_compensation=false", "gravity_compensation=true")
    tasks = {way: taskfile.load(CONFIGS / "sim_so100.toml", [*sets, f"robot.{way}"]) for way in ways}
    report("sag", {way: asyncio.run(sag(task)) for way, task in tasks.items()})


if __name__ == "__main__":
    main()
