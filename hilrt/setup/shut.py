"""How far an empty gripper shuts: seen twice, so that a grasp can be told from a gripper that holds nothing."""

import numpy as np

from hilrt.config import MOTORS, Config
from hilrt.devices.arm import Arm
from hilrt.devices.beside import today
from hilrt.devices.calibration import Calibration, Vector, radians_from_units, units_from_radians
from hilrt.devices.shutfile import ShutGripper
from hilrt.errors import ShutError
from hilrt.setup.console import Console
from hilrt.setup.motion import DEADLINE_S, SPEED, Clock, WallClock
from hilrt.setup.place import Place

GRIPPER = len(MOTORS) - 1
WIDE = 40.0
"""Where it comes from [of 100]."""
EMPTY = 12.0
"""What keeps it open by more is no jaw of its own [of 100]."""
AGREE = 1.5
"""How far apart the two openings may be [of 100]."""
STEP = 1.5
"""Of its goal, in a period [of 100]."""
PERIOD_S, REST_S = 0.02, 2.0


async def learn_shut(
    console: Console, config: Config, side: str = "", *, clock: Clock | None = None
) -> ShutGripper:
    """Have the empty gripper shut, twice, and keep the opening at which it stops beside the calibration file.

    Raises:
        ShutError: something keeps it open, or the two differ; nothing was written.
        ConfigError, UnknownNameError, and what else `Arm.connect` raises.
    """
    place = Place.of(config, side)
    calibration = Calibration.read(place.calibration_path)
    shut = 100.0 - config.processor.gripper.open_position
    async with await Arm.connect(place.port, calibration, deadline_s=DEADLINE_S) as arm:
        console.say(
            "The arm holds itself where it is; its gripper opens and shuts, twice, with little force."
        )
        await console.ask("Take everything out of the gripper, hold the arm, then press Enter.")
        await arm.enable_torque()
        try:
            jaw = _Jaw(arm, clock or WallClock())
            seen = []
            for _ in range(2):
                await jaw.go(abs(shut - WIDE))
                seen.append(abs(shut - await jaw.go(shut)))
            await jaw.go(abs(shut - WIDE))
        finally:
            await arm.leave()
    _require(seen)
    found = ShutGripper(calibration=calibration.digest, found=today(), opening=round(float(np.mean(seen)), 1))
    console.say(f"Saved in {found.save(place.calibration_path)}: {found}.")
    return found


class _Jaw:
    """A gripper that is led."""

    def __init__(self, arm: Arm, clock: Clock) -> None:
        self._arm, self._clock = arm, clock
        self._goal = arm.told

    async def go(self, wanted: float) -> float:
        """Lead it to a calibrated position, and let it come to rest; where it is then [0 .. 100]."""
        await self._arm.limit_grip(limited=True)
        goal = units_from_radians(self._goal)
        while goal[GRIPPER] != wanted:
            goal[GRIPPER] += np.clip(wanted - goal[GRIPPER], -STEP, STEP)
            await self._tell(goal)
        for _ in range(round(REST_S / PERIOD_S)):
            opening = await self._tell(goal)
        return opening

    async def _tell(self, units: Vector) -> float:
        """Send a goal, let a period pass, and look how far it is open."""
        self._goal = radians_from_units(units)
        await self._arm.write(self._goal, SPEED)
        await self._clock.wait(PERIOD_S)
        return float(units_from_radians((await self._arm.read()).position)[GRIPPER])


def _require(seen: list[float]) -> None:
    """Raises `ShutError` where that was no empty gripper that shut."""
    if max(seen) > EMPTY:
        raise ShutError(
            f"The gripper stopped at {max(seen):.0f} of 100: something keeps it open. Take it out and try again; if "
            "there is nothing, its calibrated range is not its own: hilrt calibrate CONFIG"
        )
    if abs(seen[0] - seen[1]) > AGREE:
        raise ShutError(f"The gripper stopped at {seen[0]:.1f} and then at {seen[1]:.1f} of 100. Try again")
