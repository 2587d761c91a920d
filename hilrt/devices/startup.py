"""Taking an arm into service: are these its motors, is this its calibration, are they set as they should be?"""

from collections.abc import Mapping, Sequence

import msgspec

from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.eeprom import have_acknowledged, held, write_eeprom
from hilrt.devices.feetech.registers import CALIBRATED, LATCHED, MODEL_STS3215, Fault, Register
from hilrt.devices.holding import ease, rearm
from hilrt.errors import (
    ArmUnderTorqueError,
    BusTimeoutError,
    MotorMissingError,
    ServoFaultError,
    WrongModelError,
)


class Settings(msgspec.Struct, frozen=True):
    """Registers of the motors at start-up; what is not named stays as it is."""

    every: Mapping[Register, int]
    joints: Mapping[Register, int]
    """Of all but the gripper."""
    gripper: Mapping[Register, int]

    def torque_limit(self, gripper: bool) -> int:
        """No servo has it of its own accord: one that was without power starts up with MAX_TORQUE_LIMIT."""
        return (self.gripper if gripper else self.joints)[Register.TORQUE_LIMIT]


_COMMON = {
    Register.LOCK: 1,  # another program may have been interrupted while it was open
    Register.RETURN_DELAY_TIME: 0,
    Register.MAXIMUM_ACCELERATION: 254,
    Register.ACCELERATION: 254,
    Register.OPERATING_MODE: 0,
    Register.P_COEFFICIENT: 16,
    Register.I_COEFFICIENT: 0,
}
FOLLOWER = Settings(
    every={**_COMMON, Register.D_COEFFICIENT: 32},
    joints={Register.TORQUE_LIMIT: 999},
    gripper={
        Register.MAX_TORQUE_LIMIT: 500,
        Register.TORQUE_LIMIT: 499,
        Register.PROTECTION_CURRENT: 250,
        Register.OVERLOAD_TORQUE: 25,
    },
)
LEADER = Settings(
    every={**_COMMON, Register.D_COEFFICIENT: 16},  # lighter gearing has less to damp
    joints={Register.TORQUE_LIMIT: 999},
    gripper={Register.TORQUE_LIMIT: 499},  # a finger is in it
)
_MULTI_TURN = 0x10  # bit of PHASE; cleared, positions stay within one turn


async def prepare(bus: Bus, calibration: Calibration, settings: Settings) -> None:
    """Check the motors and their calibration, then write what differs from `settings`, and only that: EEPROM wears.

    Raises:
        MotorMissingError, WrongModelError, ServoFaultError: a motor is not as it must be.
        CalibrationMismatchError, PortsSwappedError: the servos hold another calibration.
        ArmUnderTorqueError: a motor would have to let go for a setting; nothing was written.
        SettingRefusedError: a servo does not keep what is written.
    """
    await _check_motors(bus, calibration)
    await have_acknowledged(bus, calibration.ids)
    await _check_calibration(bus, calibration)
    differing = await _differing(bus, calibration.ids, settings)
    lasting = {motor: {r: v for r, v in values.items() if r.eeprom} for motor, values in differing.items()}
    present = await bus.read_telemetry(calibration.ids, drive=True)
    stiff = tuple(motor for motor in calibration.ids if bus.drives[motor].torque)
    _require_limp(bus, stiff, lasting)
    for motor in stiff:
        if (
            Register.TORQUE_LIMIT in differing[motor]
        ):  # with more of it, it must not go off towards an old goal
            await ease(bus, motor, present[motor], gripper=motor == calibration.ids[-1])
    for motor, values in differing.items():
        if lasting[motor]:
            await write_eeprom(bus, motor, lasting[motor])
        for register, value in values.items():
            if not register.eeprom:
                await bus.write(motor, register, value)


async def _check_motors(bus: Bus, calibration: Calibration) -> None:
    models: dict[int, int] = {}
    for motor in calibration.ids:
        try:
            models[motor] = await bus.ping(motor)
        except BusTimeoutError:
            continue
    if missing := {m: name for m, name in bus.names.items() if m not in models}:
        found = {m: name for m, name in bus.names.items() if m in models}
        raise MotorMissingError(bus.port, missing, found, bus.baudrate)
    for motor, model in models.items():
        name = bus.names[motor]
        doubtful = model != MODEL_STS3215 or bus.errors[motor]
        confirmed = await bus.ping(motor) if doubtful else model  # one reply may be wrong
        if confirmed != MODEL_STS3215:
            raise WrongModelError(bus.port, motor, name, confirmed, MODEL_STS3215)
        if bus.errors[motor] and motor == calibration.ids[-1]:
            await _clear_grip(bus, motor)
        if error := bus.errors[motor]:
            raise ServoFaultError(bus.port, motor, name, Fault.describe(error))


async def _clear_grip(bus: Bus, motor: int) -> None:
    """A gripper that was left squeezing, by another program perhaps, is no reason not to begin."""
    if not Fault(bus.errors[motor]) & ~LATCHED:
        present = (await bus.read_telemetry([motor], drive=True))[motor]
        await rearm(bus, motor, present, gripper=True)
        await bus.ping(motor)


async def _check_calibration(bus: Bus, calibration: Calibration) -> None:
    found = dict(calibration.motors)
    for field, register in CALIBRATED.items():
        expected = {entry.id: getattr(entry, field) for entry in found.values()}
        values = await held(bus, register, expected)
        found = {
            name: msgspec.structs.replace(entry, **{field: values[entry.id]}) for name, entry in found.items()
        }
    calibration.require(found, bus.port)


async def _differing(bus: Bus, ids: Sequence[int], settings: Settings) -> dict[int, dict[Register, int]]:
    """What is to be written, by motor."""
    differing: dict[int, dict[Register, int]] = {motor: {} for motor in ids}
    groups = ((ids, settings.every), (ids[:-1], settings.joints), (ids[-1:], settings.gripper))
    wanted = [(motors, register, value) for motors, values in groups for register, value in values.items()]
    for motors, register, value in wanted:
        for motor, found in (await held(bus, register, dict.fromkeys(motors, value))).items():
            if found != value:
                differing[motor][register] = value
    for motor, phase in (await bus.sync_read(Register.PHASE, ids)).items():
        if phase & _MULTI_TURN and (again := await bus.read(motor, Register.PHASE)) & _MULTI_TURN:
            differing[motor][Register.PHASE] = again & ~_MULTI_TURN
    return differing


def _require_limp(bus: Bus, stiff: Sequence[int], lasting: Mapping[int, Mapping[Register, int]]) -> None:
    """A control setting that changes under torque could make a motor jump, and letting go for it drops the arm."""
    if settings := {register.name: None for motor in stiff for register in lasting[motor]}:
        motors = {motor: bus.names[motor] for motor in stiff if lasting[motor]}
        raise ArmUnderTorqueError(bus.port, motors, tuple(settings))
