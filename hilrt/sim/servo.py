"""One STS3215 as its register file: a request in, a reply out; no motion.

Whoever moves the joint reads `goal` and `torque_enabled`, puts present values back with `set_present`, and says with
`elapse` how long they have been so. Both speak raw encoder counts; a servo's own positions are raw minus its homing
offset, within one turn.
"""

from hilrt.config import SimArm, nature_of
from hilrt.devices.feetech.packets import BROADCAST, Instruction, Packet, encode
from hilrt.devices.feetech.registers import (
    AMPERE_PER_COUNT,
    COUNTS_PER_TURN,
    LATCHED,
    MODEL_STS3215,
    Fault,
    Register,
)

_BY_ADDRESS = {register.address: register for register in Register}
_RAM = slice(Register.TORQUE_ENABLE.address, Register.MAXIMUM_VELOCITY_LIMIT.address)
_FACTORY = {
    Register.FIRMWARE_MAJOR: 3,
    Register.FIRMWARE_MINOR: 10,
    Register.MODEL: MODEL_STS3215,
    Register.ID: 1,
    Register.RETURN_DELAY_TIME: 250,
    Register.RESPONSE_STATUS_LEVEL: 1,
    Register.MAX_POSITION_LIMIT: 4095,
    Register.MAX_TEMPERATURE_LIMIT: 70,
    Register.MAX_VOLTAGE_LIMIT: 140,
    Register.MIN_VOLTAGE_LIMIT: 40,
    Register.MAX_TORQUE_LIMIT: 1000,
    Register.PHASE: 12,
    Register.UNLOADING_CONDITION: 44,
    Register.LED_ALARM: 47,
    Register.P_COEFFICIENT: 32,
    Register.D_COEFFICIENT: 32,
    Register.MINIMUM_STARTUP_FORCE: 16,
    Register.CW_DEAD_ZONE: 1,
    Register.CCW_DEAD_ZONE: 1,
    Register.PROTECTION_CURRENT: 500,
    Register.ANGULAR_RESOLUTION: 1,
    Register.PROTECTIVE_TORQUE: 20,
    Register.PROTECTION_TIME: 200,
    Register.OVERLOAD_TORQUE: 80,
    Register.VELOCITY_P: 10,
    Register.OVER_CURRENT_PROTECTION_TIME: 200,
    Register.VELOCITY_I: 200,
    Register.MAXIMUM_VELOCITY_LIMIT: 254,
    Register.MAXIMUM_ACCELERATION: 50,
}


PROTECTIONS = (
    (Fault.OVERLOAD, Register.PRESENT_LOAD, Register.OVERLOAD_TORQUE, 10, Register.PROTECTION_TIME),
    (
        Fault.CURRENT,
        Register.PRESENT_CURRENT,
        Register.PROTECTION_CURRENT,
        1,
        Register.OVER_CURRENT_PROTECTION_TIME,
    ),
)
"""What a servo protects itself from: the fault, what it watches, its limit and that in units of what is watched, and
how long more than that may last [10 ms]."""

IDEAL = SimArm(preset="stiff")


class Servo:
    """One servo's memory, as it leaves the factory; `nature`: how it answers where servos differ."""

    def __init__(self, nature: SimArm = IDEAL) -> None:
        self._nature = nature_of(nature)
        self._memory = bytearray(88)
        self._pending: tuple[int, bytes] | None = None
        self.raw_position = 2048
        for register, value in _FACTORY.items():
            self.put(register, value)
        self.power_cycle()

    def power_cycle(self) -> None:
        """Start up again, as after a brown-out: torque off, goal lost, EEPROM kept."""
        self._memory[_RAM] = bytes(_RAM.stop - _RAM.start)
        self._pending = None
        self._strained_s = dict.fromkeys(Fault, 0.0)
        self.put(Register.LOCK, 1)
        self.put(Register.TORQUE_LIMIT, self.get(Register.MAX_TORQUE_LIMIT))
        self.put(Register.PRESENT_VOLTAGE, 120)
        self.put(Register.PRESENT_TEMPERATURE, 30)
        self._show_position()
        self.put(Register.GOAL_POSITION, self.get(Register.PRESENT_POSITION))

    def get(self, register: Register) -> int:
        """A register's value."""
        return register.decode(self._memory[register.address : register.address + register.size])

    def put(self, register: Register, value: int) -> None:
        """Set a register from inside, past locks and limits."""
        data = register.encode(value)
        self._memory[register.address : register.address + register.size] = data

    @property
    def id(self) -> int:
        """Address on the bus."""
        return self.get(Register.ID)

    @property
    def torque_enabled(self) -> bool:
        """Whether the motor drives towards its goal."""
        return self.get(Register.TORQUE_ENABLE) == 1

    @property
    def goal(self) -> int:
        """Where the motor drives to, within its position limits [raw counts; may exceed one turn]."""
        low = self.get(Register.MIN_POSITION_LIMIT)
        high = self.get(Register.MAX_POSITION_LIMIT)
        goal = min(max(self.get(Register.GOAL_POSITION), low), high)
        return goal + self.get(Register.HOMING_OFFSET)

    @property
    def goal_velocity(self) -> int:
        """Speed limit on the way to the goal [counts/s]; 0 is the motor's own."""
        return self.get(Register.GOAL_VELOCITY)

    @property
    def acceleration(self) -> int:
        """Acceleration limit on the way to the goal [counts/s2]; 0 is none."""
        return 100 * self.get(Register.ACCELERATION)

    @property
    def torque_limit(self) -> float:
        """Share of the motor's torque it may use, 0..1; one that protects itself uses little, whatever it is told."""
        limit = self.get(Register.TORQUE_LIMIT) / 1000
        if self.get(Register.STATUS) & self.get(Register.UNLOADING_CONDITION) & LATCHED:
            return min(limit, self.get(Register.PROTECTIVE_TORQUE) / 100)
        return limit

    def set_present(
        self,
        position: int,
        velocity: int,
        load: float,
        current_a: float,
        temperature: float,
        voltage: float,
    ) -> None:
        """Take over what the world has done to this motor.

        Args:
            position: encoder [raw counts, any turn].
            velocity: [counts/s].
            load: share of full torque, -1..1.
            current_a: signed [A].
            temperature: [degC].
            voltage: [V].
        """
        self.raw_position = position
        self._show_position()
        self._put_clipped(Register.PRESENT_VELOCITY, velocity)
        self._put_clipped(Register.PRESENT_LOAD, 1000 * load)
        self._put_clipped(Register.PRESENT_CURRENT, current_a / AMPERE_PER_COUNT)
        self._put_clipped(Register.PRESENT_TEMPERATURE, temperature)
        self._put_clipped(Register.PRESENT_VOLTAGE, 10 * voltage)
        self.put(Register.MOVING, int(velocity != 0))
        self._watch_limits()

    def elapse(self, seconds: float) -> None:
        """Let time pass under the present load [s]: one that lasts too long has the servo protect itself."""
        for fault, watched, limit, unit, patience in PROTECTIONS:
            over = abs(self.get(watched)) > unit * self.get(limit)
            self._strained_s[fault] = self._strained_s[fault] + seconds if over else 0.0
            if over and self._strained_s[fault] > 0.01 * self.get(patience):
                self.put(Register.STATUS, self.get(Register.STATUS) | fault)

    def read(self, address: int, size: int) -> bytes:
        """Registers as the wire shows them; beyond the map there is nothing but zeros."""
        return bytes(self._memory[address : address + size]).ljust(size, b"\0")

    def write(self, address: int, data: bytes) -> None:
        """Set registers as the wire may: whole ones, writable ones, EEPROM only when unlocked."""
        end = address + len(data)
        while address < end:
            register = _BY_ADDRESS.get(address)
            size = register.size if register is not None else 1
            if register is not None and address + size <= end and self._writable(register):
                enabled = self.torque_enabled
                self._memory[address : address + size] = data[:size]
                self._obey(register, enabled=enabled)
            data, address = data[size:], address + size
        self._show_position()  # the homing offset may have changed

    def answer(self, packet: Packet) -> bytes:
        """Carry out a request addressed to this servo; its reply, or nothing."""
        motor = self.id if packet.id == BROADCAST else packet.id  # a new id holds from the next one on
        params = packet.params
        match packet.code:
            case Instruction.PING:
                return self.reply(motor)
            case Instruction.READ if len(params) == 2:
                return self.reply(motor, self.read(params[0], params[1]))
            case Instruction.WRITE if len(params) > 1:
                self.write(params[0], params[1:])
            case Instruction.REG_WRITE if len(params) > 1:
                self._pending = (params[0], params[1:])
            case Instruction.ACTION:
                self._act()
            case _:
                return b""
        return self.reply(motor) if self.get(Register.RESPONSE_STATUS_LEVEL) else b""

    def reply(self, motor: int, params: bytes = b"") -> bytes:
        """A reply frame; its error byte is the status register."""
        return encode(motor, self.get(Register.STATUS), params)

    def _act(self) -> None:
        if self._pending is not None:
            self.write(*self._pending)
            self._pending = None

    def _obey(self, register: Register, *, enabled: bool) -> None:
        """What else a write does; `enabled`: whether the torque was on before."""
        if register is Register.GOAL_POSITION and self._nature.goal_switches_torque_on:
            self.put(Register.TORQUE_ENABLE, 1)
        if register is Register.TORQUE_ENABLE:
            self.put(Register.STATUS, self.get(Register.STATUS) & ~LATCHED)
            self._strained_s = dict.fromkeys(Fault, 0.0)
            if self.torque_enabled and not enabled and not self._nature.stale_goal:
                self.put(Register.GOAL_POSITION, self.get(Register.PRESENT_POSITION))

    def _writable(self, register: Register) -> bool:
        return not register.read_only and not (register.eeprom and self.get(Register.LOCK))

    def _show_position(self) -> None:
        position = (self.raw_position - self.get(Register.HOMING_OFFSET)) % COUNTS_PER_TURN
        self.put(Register.PRESENT_POSITION, position)

    def _put_clipped(self, register: Register, value: float) -> None:
        self.put(register, min(max(round(value), register.minimum), register.maximum))

    def _watch_limits(self) -> None:
        """Voltage and temperature faults follow their limits; other fault bits stay as they are."""
        voltage = self.get(Register.PRESENT_VOLTAGE)
        low, high = self.get(Register.MIN_VOLTAGE_LIMIT), self.get(Register.MAX_VOLTAGE_LIMIT)
        hot = self.get(Register.PRESENT_TEMPERATURE) > self.get(Register.MAX_TEMPERATURE_LIMIT)
        status = self.get(Register.STATUS) & ~(Fault.VOLTAGE | Fault.TEMPERATURE)
        status |= Fault.VOLTAGE * (not low <= voltage <= high) | Fault.TEMPERATURE * hot
        self.put(Register.STATUS, status)
