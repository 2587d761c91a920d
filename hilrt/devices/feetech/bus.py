"""The servo bus: registers, goals and telemetry of its servos, and positions that cannot be true."""

from collections.abc import Mapping, Sequence
from time import monotonic

from msgspec import Struct

from hilrt.devices.feetech.pace import SLACK, Pace, distance
from hilrt.devices.feetech.packets import (
    Packet,
    encode_read,
    encode_sync_read,
    encode_sync_write,
    encode_write,
)
from hilrt.devices.feetech.registers import (
    DRIVE_ADDRESS,
    DRIVE_SIZE,
    TELEMETRY_ADDRESS,
    TELEMETRY_SIZE,
    Drive,
    Register,
    Telemetry,
    decode_drive,
    decode_telemetry,
    encode_goal,
)
from hilrt.devices.feetech.transactions import Transactions
from hilrt.errors import PositionDoubtedError

EEPROM_S = 0.05
"""What a write to EEPROM may take beside: its cells take milliseconds."""


class BusStatistics(Struct, frozen=True):
    """What happened on the bus since it was opened."""

    transactions: int
    retries: int
    timeouts: int
    checksum_errors: int
    stale_bytes: int
    """Bytes that came when nothing had been asked."""
    garbage_bytes: int
    """Bytes among the replies that belong to no packet."""
    unexpected: int
    """Whole replies of a wrong id or length."""
    echoes: int
    """Requests that the adapter gave back."""
    doubted: int
    """Positions that a servo cannot have got to since the reply before."""


class Bus(Transactions):
    """A half-duplex bus of Feetech servos behind a serial port.

    Every call may raise `BusLostError` (the port vanished), and every call that waits for an answer
    `BusTimeoutError`. Calls may be cancelled at any point; the next one finds a clean line.
    """

    def __init__(self, port: str, baudrate: int, deadline_s: float, names: Mapping[int, str]) -> None:
        super().__init__(port, baudrate, deadline_s, names)
        self.simulated_time = False
        """Whether the servos live by another clock, on which everything is fast."""
        self.drives: dict[int, Drive] = {}
        """What each servo had been told when that was last read."""
        self._pace = Pace()
        self._doubted = 0

    async def ping(self, motor: int) -> int:
        """Model number of the servo with this id."""
        return await self.read(motor, Register.MODEL)

    async def read(self, motor: int, register: Register) -> int:
        """One register of one servo."""
        request = encode_read(motor, register.address, register.size)
        replies = await self.ask([motor], register.size, f"read of {register.name}", lambda _: request)
        return register.decode(replies[motor].params)

    async def write(self, motor: int, register: Register, value: int) -> None:
        """Set one register of one servo and wait for its acknowledgement.

        Raises:
            ValueError: the register cannot hold `value`.
        """
        request = encode_write(motor, register.address, register.encode(value))
        extra_s = EEPROM_S if register.eeprom else 0.0
        await self.ask([motor], 0, f"write of {register.name}", lambda _: request, extra_s)

    async def sync_read(self, register: Register, motors: Sequence[int]) -> dict[int, int]:
        """The same register of several servos in one transaction."""
        replies = await self._sync_read(register.address, register.size, motors, register.name)
        return {motor: register.decode(replies[motor].params) for motor in motors}

    async def sync_write(self, register: Register, values: Mapping[int, int]) -> None:
        """Set the same register of several servos at once; not acknowledged.

        Raises:
            ValueError: the register cannot hold a value.
        """
        await self._sync_write(register.address, {motor: register.encode(v) for motor, v in values.items()})

    async def write_goals(self, goals: Mapping[int, tuple[int, int]]) -> None:
        """Set goal [counts] and speed [counts/s] of several servos at once; not acknowledged.

        Raises:
            ValueError: a register cannot hold a value.
        """
        data = {motor: encode_goal(*goal) for motor, goal in goals.items()}
        await self._sync_write(Register.GOAL_POSITION.address, data)

    async def read_telemetry(self, motors: Sequence[int], *, drive: bool = False) -> dict[int, Telemetry]:
        """All present values of several servos, with each one's error byte, in one transaction.

        With `drive` it takes 1 ms longer for six servos, and brings `self.drives` up to date.

        A position that its servo cannot have got to since the last one is asked for again, and believed if it repeats.

        Raises:
            PositionDoubtedError: a `BusTimeoutError`; it did not.
        """
        seen = await self._telemetry(motors, drive=drive)
        if self.simulated_time:
            return seen
        if doubted := self._pace.doubted(_positions(seen), monotonic()):
            self._doubted += len(doubted)
            again = await self._telemetry(tuple(doubted))
            repeated = {
                motor: other.position
                for motor, other in again.items()
                if distance(other.position, doubted[motor]) <= SLACK
            }
            self._pace.believe(repeated, monotonic())
            if strange := self._pace.doubted(_positions(again), monotonic()):
                names = {motor: self.names.get(motor, "") for motor in strange}
                raise PositionDoubtedError(self.port, names, doubted, strange)
            seen |= again
        return seen

    def statistics(self) -> BusStatistics:
        """Counters since the bus was made."""
        return BusStatistics(
            transactions=self._transactions,
            retries=self._retries,
            timeouts=self._timeouts,
            checksum_errors=self._parser.checksum_errors,
            garbage_bytes=self._parser.garbage,
            stale_bytes=self._counters.stale_bytes,
            unexpected=self._counters.unexpected,
            echoes=self._parser.echoes,
            doubted=self._doubted,
        )

    # parts

    async def _telemetry(self, motors: Sequence[int], *, drive: bool = False) -> dict[int, Telemetry]:
        address, size = (DRIVE_ADDRESS, DRIVE_SIZE) if drive else (TELEMETRY_ADDRESS, TELEMETRY_SIZE)
        replies = await self._sync_read(address, size, motors, "telemetry")
        if drive:
            self.drives.update({motor: decode_drive(replies[motor].params) for motor in motors})
        return {
            motor: decode_telemetry(replies[motor].params[-TELEMETRY_SIZE:], replies[motor].code)
            for motor in motors
        }

    async def _sync_write(self, address: int, data: dict[int, bytes]) -> None:
        """The same number of bytes for each motor."""
        await self.tell(encode_sync_write(address, len(next(iter(data.values()))), data))

    async def _sync_read(
        self, address: int, size: int, motors: Sequence[int], what: str
    ) -> dict[int, Packet]:
        return await self.ask(
            motors, size, f"read of {what}", lambda rest: encode_sync_read(address, size, rest)
        )


def _positions(seen: Mapping[int, Telemetry]) -> dict[int, int]:
    return {motor: telemetry.position for motor, telemetry in seen.items()}
