"""STS3215 servos on one wire: bytes of requests in, bytes of replies out."""

from collections.abc import Iterable, Sequence
from operator import and_
from typing import Self

from hilrt.config import SimArm
from hilrt.devices.calibration import Calibration, MotorCalibration
from hilrt.devices.feetech.packets import BROADCAST, Instruction, Packet, Parser
from hilrt.devices.feetech.registers import Register
from hilrt.sim.servo import IDEAL, Servo

RETURN_DELAY_S = 2e-6
"""Unit of RETURN_DELAY_TIME [s]."""


class ServoBank:
    """All servos on one wire.

    Servos that answer at the same moment (two with one id) destroy each other's reply.
    """

    def __init__(self, servos: Sequence[Servo]) -> None:
        self.servos = tuple(servos)
        self._parser = Parser()

    @classmethod
    def calibrated(cls, calibration: Calibration, nature: SimArm = IDEAL) -> Self:
        """The servos of an arm whose EEPROM holds `calibration`, each at the middle of its range."""
        return cls([_calibrated(motor, nature) for motor in calibration.motors.values()])

    def feed(self, data: bytes) -> bytes:
        """What the servos answer to these bytes; broken or foreign packets get no answer."""
        return b"".join(self._dispatch(packet) for packet in self._parser.feed(data))

    def return_delay_s(self, motor: int) -> float:
        """How long the servo of an id waits before it answers [s]."""
        return max(
            (RETURN_DELAY_S * s.get(Register.RETURN_DELAY_TIME) for s in self._with_id(motor)), default=0.0
        )

    def _dispatch(self, packet: Packet) -> bytes:
        if packet.id != BROADCAST:
            return _collide(servo.answer(packet) for servo in self._with_id(packet.id))
        match packet.code:
            case Instruction.SYNC_READ:
                return self._sync_read(packet.params)
            case Instruction.SYNC_WRITE:
                self._sync_write(packet.params)
            case Instruction.PING:  # answered in turn, by id
                return b"".join(s.answer(packet) for s in sorted(self.servos, key=lambda s: s.id))
            case _:
                for servo in self.servos:
                    servo.answer(packet)
        return b""

    def _sync_read(self, params: bytes) -> bytes:
        if len(params) < 3:
            return b""
        address, size, motors = params[0], params[1], params[2:]
        return b"".join(
            _collide(s.reply(motor, s.read(address, size)) for s in self._with_id(motor)) for motor in motors
        )

    def _sync_write(self, params: bytes) -> None:
        if len(params) < 4:
            return
        address, size, rows = params[0], params[1], params[2:]
        for start in range(0, len(rows) - size, size + 1):
            for servo in self._with_id(rows[start]):
                servo.write(address, rows[start + 1 : start + 1 + size])

    def _with_id(self, motor: int) -> list[Servo]:
        return [servo for servo in self.servos if servo.id == motor]


def _calibrated(motor: MotorCalibration, nature: SimArm) -> Servo:
    servo = Servo(nature)
    servo.put(Register.ID, motor.id)
    servo.put(Register.HOMING_OFFSET, motor.homing_offset)
    servo.put(Register.MIN_POSITION_LIMIT, motor.range_min)
    servo.put(Register.MAX_POSITION_LIMIT, motor.range_max)
    middle = (motor.range_min + motor.range_max) // 2
    servo.set_present(middle + motor.homing_offset, 0, 0.0, 0.0, 30.0, 12.0)
    servo.power_cycle()
    return servo


def _collide(replies: Iterable[bytes]) -> bytes:
    """The wire when these are sent at once: the later of two starts a byte late, low bits win."""
    wire = b""
    for reply in filter(None, replies):
        wire = reply if not wire else bytes(map(and_, wire + b"\xff", b"\xff" + reply))
    return wire
