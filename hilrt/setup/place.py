"""Which arm is being set up: its port, its motors' ids, and where its calibration lies."""

from pathlib import Path
from typing import Self

from msgspec import Struct

from hilrt.config import MOTORS, Config
from hilrt.devices.feetech.bus import Bus
from hilrt.errors import ConfigError, UnknownNameError

DEADLINE_S = 0.1
"""Of one transaction: nobody waits for the next tick here."""


class Place(Struct, frozen=True):
    """One arm's place on the desk."""

    port: str
    calibration_path: Path

    @classmethod
    def of(cls, config: Config, side: str = "") -> Self:
        """The follower arm of that side.

        Raises:
            ConfigError: a simulated arm, which has nothing to set up.
            UnknownNameError: there is no such side.
        """
        if config.sim is not None:
            raise ConfigError("[sim]", "a simulated arm comes set up.", "Give a task file of a real one.")
        if side not in config.robot.sides:
            raise UnknownNameError("arm", side, config.robot.sides)
        return cls(config.robot.sides[side].port, config.robot.calibration_path(side))

    async def open(self) -> Bus:
        """The arm's bus, at the rate of motors that are set up."""
        return await Bus.open(self.port, deadline_s=DEADLINE_S, names={i: m for m, i in IDS.items()})


IDS = {name: number for number, name in enumerate(MOTORS, 1)}
"""The id that each motor is given."""
