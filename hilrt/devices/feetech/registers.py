"""The register map of the STS3215: addresses, sizes, signs, and the telemetry block read every tick.

Units on the wire: positions [counts, 4096 a turn], velocities [counts/s], load [0.1 %], voltage [0.1 V],
temperature [degC], current [6.5 mA], acceleration [100 counts/s2], Return_Delay_Time [2 us].
"""

from enum import Enum, IntFlag
from struct import Struct
from typing import NamedTuple

COUNTS_PER_TURN = 4096
MODEL_STS3215 = 777
BAUD_RATES = (1_000_000, 500_000, 250_000, 128_000, 115_200)  # by the index in BAUD_RATE
AMPERE_PER_COUNT = 0.0065


class Fault(IntFlag):
    """Bits of the STATUS register and of every reply's error byte."""

    VOLTAGE = 1
    SENSOR = 2
    TEMPERATURE = 4
    CURRENT = 8
    ANGLE = 16
    OVERLOAD = 32

    @classmethod
    def describe(cls, bits: int) -> str:
        """The faults in words: `overload and voltage`."""
        names = [fault.name.lower() for fault in cls if fault.name and bits & fault]
        return " and ".join(names) if names else f"unknown fault {bits:#04x}" if bits else "none"


LATCHED = Fault.OVERLOAD | Fault.CURRENT
"""A servo keeps these, and gives little torque, until TORQUE_ENABLE is written."""


class Register(Enum):
    """A register: address, size in bytes, and the bit that holds its sign.

    `eeprom` registers survive a power cut and take a value only while LOCK is 0.
    """

    FIRMWARE_MAJOR = (0, 1)
    FIRMWARE_MINOR = (1, 1)
    MODEL = (3, 2)
    ID = (5, 1)
    BAUD_RATE = (6, 1)
    RETURN_DELAY_TIME = (7, 1)
    RESPONSE_STATUS_LEVEL = (8, 1)
    MIN_POSITION_LIMIT = (9, 2)
    MAX_POSITION_LIMIT = (11, 2)
    MAX_TEMPERATURE_LIMIT = (13, 1)
    MAX_VOLTAGE_LIMIT = (14, 1)
    MIN_VOLTAGE_LIMIT = (15, 1)
    MAX_TORQUE_LIMIT = (16, 2)
    PHASE = (18, 1)
    UNLOADING_CONDITION = (19, 1)
    LED_ALARM = (20, 1)
    P_COEFFICIENT = (21, 1)
    D_COEFFICIENT = (22, 1)
    I_COEFFICIENT = (23, 1)
    MINIMUM_STARTUP_FORCE = (24, 2)
    CW_DEAD_ZONE = (26, 1)
    CCW_DEAD_ZONE = (27, 1)
    PROTECTION_CURRENT = (28, 2)
    ANGULAR_RESOLUTION = (30, 1)
    HOMING_OFFSET = (31, 2, 11)
    OPERATING_MODE = (33, 1)
    PROTECTIVE_TORQUE = (34, 1)
    PROTECTION_TIME = (35, 1)
    OVERLOAD_TORQUE = (36, 1)
    VELOCITY_P = (37, 1)
    OVER_CURRENT_PROTECTION_TIME = (38, 1)
    VELOCITY_I = (39, 1)
    TORQUE_ENABLE = (40, 1)
    ACCELERATION = (41, 1)
    GOAL_POSITION = (42, 2, 15)
    GOAL_TIME = (44, 2)
    GOAL_VELOCITY = (46, 2, 15)
    TORQUE_LIMIT = (48, 2)
    LOCK = (55, 1)
    PRESENT_POSITION = (56, 2, 15)
    PRESENT_VELOCITY = (58, 2, 15)
    PRESENT_LOAD = (60, 2, 10)
    PRESENT_VOLTAGE = (62, 1)
    PRESENT_TEMPERATURE = (63, 1)
    STATUS = (65, 1)
    MOVING = (66, 1)
    PRESENT_CURRENT = (69, 2, 15)
    MAXIMUM_VELOCITY_LIMIT = (84, 1)
    MAXIMUM_ACCELERATION = (85, 1)

    def __init__(self, address: int, size: int, sign_bit: int | None = None) -> None:
        self.address = address
        self.size = size
        self.sign_bit = sign_bit
        self.eeprom = address < 40 or address >= 80
        self.read_only = address < 5 or 56 <= address < 80
        bits = sign_bit if sign_bit is not None else 8 * size
        self.maximum = (1 << bits) - 1
        self.minimum = -self.maximum if sign_bit is not None else 0

    def encode(self, value: int) -> bytes:
        """Bytes for the wire, sign and magnitude, low byte first.

        Raises:
            ValueError: the register cannot hold `value`.
        """
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{self.name} holds {self.minimum}..{self.maximum}, not {value}")
        sign = 1 << self.sign_bit if self.sign_bit is not None and value < 0 else 0
        return (abs(value) | sign).to_bytes(self.size, "little")

    def decode(self, data: bytes | bytearray) -> int:
        """The value that these bytes hold."""
        raw = int.from_bytes(data, "little")
        return raw if raw <= self.maximum else signed(raw, self.sign_bit)


_NO_TIME = Register.GOAL_TIME.encode(0)
CALIBRATED = {
    "homing_offset": Register.HOMING_OFFSET,
    "range_min": Register.MIN_POSITION_LIMIT,
    "range_max": Register.MAX_POSITION_LIMIT,
}
"""Where a motor keeps its calibration, by the names of the file's fields."""


def signed(raw: int, sign_bit: int | None) -> int:
    """A number from sign and magnitude; bits above the sign are not part of it."""
    if sign_bit is None:
        return raw
    magnitude = raw & ((1 << sign_bit) - 1)
    return -magnitude if raw >> sign_bit & 1 else magnitude


def encode_goal(position: int, speed: int) -> bytes:
    """The registers from GOAL_POSITION on for a way to `position` [counts] at `speed` [counts/s], in the least time."""
    return Register.GOAL_POSITION.encode(position) + _NO_TIME + Register.GOAL_VELOCITY.encode(speed)


class Telemetry(NamedTuple):
    """What one servo says of itself in one tick.

    Position [counts], velocity [counts/s], load [0.1 %], voltage [V], temperature [degC], current [A];
    `status` is the register, `error` the reply's error byte, both `Fault` bits.
    """

    position: int
    velocity: int
    load: int
    voltage: float
    temperature: int
    status: int
    moving: bool
    current: float
    error: int


class Drive(NamedTuple):
    """What one servo has been told: torque, goal [counts], and how much of its torque it may use [0.1 %]."""

    torque: bool
    goal: int
    torque_limit: int


TELEMETRY_ADDRESS = Register.PRESENT_POSITION.address
TELEMETRY_SIZE = 15
DRIVE_ADDRESS = Register.TORQUE_ENABLE.address
DRIVE_SIZE = TELEMETRY_ADDRESS + TELEMETRY_SIZE - DRIVE_ADDRESS
"""The block that has torque, goal and limits in front of the telemetry."""
_DRIVE = Struct("<BxHxxxxH")  # address 40..49
_TELEMETRY = Struct("<HHHBBxBBxxH")  # address 56..70
_SIGN = 1 << 15


def decode_drive(data: bytes) -> Drive:
    """The same, from the bytes at 40 and on."""
    torque, goal, limit = _DRIVE.unpack_from(data)
    return Drive(torque == 1, signed(goal, 15), limit)


def decode_telemetry(data: bytes, error: int = 0) -> Telemetry:
    """Telemetry from the bytes at 56..70 and the error byte that came with them."""
    position, velocity, load, voltage, temperature, status, moving, current = _TELEMETRY.unpack(data)
    # Six times on every tick: sign bit 15 is written out here, and fields are given by place.
    return Telemetry(
        position if position < _SIGN else _SIGN - position,
        velocity if velocity < _SIGN else _SIGN - velocity,
        signed(load, 10),
        voltage / 10,
        temperature,
        status,
        moving != 0,
        (current if current < _SIGN else _SIGN - current) * AMPERE_PER_COUNT,
        error,
    )
