"""A desk with motors on it, and somebody who works there."""

import asyncio
import fcntl
import os
import select
import struct
import threading

from hilrt.config import MOTORS
from hilrt.devices.feetech.packets import Instruction
from hilrt.devices.feetech.registers import BAUD_RATES, Register
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servo import Servo
from hilrt.sim.servos import ServoBank

TCGETS2 = 0x802C542A
WATCHDOG_S = 60
EEPROM = {r.address for r in Register if r.eeprom}


class FactoryServos(ServoBank):
    """Those that are connected, and of these only the ones that listen at the port's baud rate."""

    def __init__(self, terminal):
        super().__init__(())
        self.connected = ()
        self.deaf = 0
        """So many of the next readings of all motors are not heard."""
        self.writes = []
        self._terminal = terminal

    def feed(self, data):
        rate = struct.unpack("11I", fcntl.ioctl(self._terminal.fd, TCGETS2, bytes(44)))[10]
        self.servos = tuple(s for s in self.connected if BAUD_RATES[s.get(Register.BAUD_RATE)] == rate)
        return super().feed(data)

    def _dispatch(self, packet):
        if packet.code == 3:
            self.writes.append((packet.id, packet.params[0]))
        if packet.code == Instruction.SYNC_READ and self.deaf:
            self.deaf -= 1
            return b""
        return super()._dispatch(packet)


class Desk:
    """Servos on a pseudo-terminal, served by a thread."""

    def __init__(self):
        self.terminal = PseudoTerminal()
        self.port = self.terminal.path
        self.bank = FactoryServos(self.terminal)
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while self._stop not in select.select([self.terminal.fd, self._stop], [], [])[0]:
            os.write(self.terminal.fd, self.bank.feed(os.read(self.terminal.fd, 4096)))

    def connect(self, *servos):
        """These are on the wire, and no others."""
        self.bank.connected = servos

    def eeprom_writes(self):
        """Registers written that wear, so far."""
        return [write for write in self.bank.writes if write[1] in EEPROM]

    def when_written(self, count, call):
        """Call, in the thread that serves the motors, with that many of them."""
        desk = self

        class Counted(list):
            def append(self, write):
                super().append(write)
                if write[1] in EEPROM and len(desk.eeprom_writes()) == count:
                    call()

        self.bank.writes = Counted()

    def close(self):
        os.write(self._stopper, b"x")
        self._thread.join()
        os.close(self._stop)
        os.close(self._stopper)
        self.terminal.close()


class Operator:
    """Answers what is asked, from `answers`, and works while she watches, as `works` says.

    An answer is text, or something to do first that returns it; a work is a list of things to do, each
    followed by a look. It is an error to be asked more than there are answers for.
    """

    def __init__(self, answers=(), works=()):
        self.answers = list(answers)
        self.works = list(works)
        self.asked = []
        self.said = []
        self.seen = []

    def say(self, text):
        self.said.append(text)

    async def ask(self, question, choices=(), default=""):
        self.asked.append(question)
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        answer = (answer() if callable(answer) else answer) or default
        assert not choices or answer in choices
        return answer

    async def watch(self, look, prompt):
        self.seen.append(await look())
        for work in self.works.pop(0):
            work()
            self.seen.append(await look())


def factory(baudrate=1_000_000, number=1, model=777, raw=2048):
    """A servo as it comes."""
    servo = Servo()
    servo.put(Register.ID, number)
    servo.put(Register.BAUD_RATE, BAUD_RATES.index(baudrate))
    servo.put(Register.MODEL, model)
    place(servo, raw)
    return servo


def place(servo, raw):
    """Turn a servo's horn by hand to an encoder position [raw counts, any turn]."""
    servo.set_present(raw, 0, 0.0, 0.0, 30.0, 12.0)


def six(middles=(2048,) * 6):
    """An arm's servos with their ids set, at these encoder positions."""
    return [factory(number=i + 1, raw=raw) for i, raw in enumerate(middles)]


def sweep(servos, middles, ends):
    """Moves of a hand that takes each joint from its middle to both ends, in small steps: 'name': (low, high)."""
    moves = []
    for servo, name, middle in zip(servos, MOTORS, middles, strict=True):
        if name in ends:
            low, high = ends[name]
            path = [*range(0, low, -150), low, *range(low, high, 150), high, *range(high, 0, -150), 0]
            moves += [lambda s=servo, raw=middle + x: place(s, raw) for x in path]
    return moves


def play(coroutine):
    """Run it, under a watchdog."""

    async def guarded():
        async with asyncio.timeout(WATCHDOG_S):
            return await coroutine

    return asyncio.run(guarded())
