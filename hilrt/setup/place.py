"""Which arm is being set up, follower or leader: its port, its motors' ids, and where its calibration lies."""

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
    leader: bool = False
    name: str = "arm"
    """For messages."""
    side: str = ""
    """Of two."""

    @classmethod
    def each(cls, config: Config, side: str = "", *, leader: bool = False) -> list[Self]:
        """That of one side, or of every side where none is named; errors as for `of`."""
        sides = [side] if side else list(config.teleop.leaders if leader else config.robot.sides) or [side]
        return [cls.of(config, one, leader=leader) for one in sides]

    @classmethod
    def of(cls, config: Config, side: str = "", *, leader: bool = False) -> Self:
        """The follower arm of that side, or its leader.

        Raises:
            ConfigError: a simulated arm, which has nothing to set up; or there are no leader arms.
            UnknownNameError: there is no such side.
        """
        if config.sim is not None:
            problem = "a simulated arm comes set up, and ends with its run."
            raise ConfigError("[sim]", problem, "Give a task file of a real one.")
        if side and not config.robot.arms:
            raise ConfigError(
                "--arm", "the task file has one arm, and that has no name.", "Leave the option out."
            )
        if side not in config.robot.sides:
            raise UnknownNameError("arm", side, config.robot.sides)
        if not leader:
            path = config.robot.calibration_path(side)
            port = config.robot.sides[side].port
            return cls(port, path, name=f"{side} arm".strip(), side=side)
        if not config.teleop.leads:
            problem = f'is "{config.teleop.type}", no leader arm.'
            raise ConfigError("$.teleop.type", problem, 'Set "so100_leader" or "so101_leader", port and id.')
        path = config.leader_path(side)
        port = config.teleop.leaders[side].port
        return cls(port, path, leader=True, name=f"{side} leader".strip(), side=side)

    @property
    def options(self) -> str:
        """What of the command line chooses it, for messages."""
        return f" CONFIG{' --leader' * self.leader}{f' --arm {self.side}' if self.side else ''}"

    async def open(self) -> Bus:
        """The arm's bus, at the rate of motors that are set up."""
        return await Bus.open(self.port, deadline_s=DEADLINE_S, names={i: m for m, i in IDS.items()})


IDS = {name: number for number, name in enumerate(MOTORS, 1)}
"""The id that each motor is given."""
