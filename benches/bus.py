"""Six servos read and commanded over a wire of 1 Mbaud: hilrt's bus and the vendor's SDK, in one run.

A cycle is one sync read and one sync write, cycle after cycle; the servos are another process, which takes
10 us a byte. `floor` is what the bytes of a cycle need on the wire.
"""

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import scservo_sdk
import uvloop
from host import report, spread_us

from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import TELEMETRY_ADDRESS, TELEMETRY_SIZE, Register
from hilrt.errors import BusTimeoutError
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servos import Servo, ServoBank

MOTORS = (1, 2, 3, 4, 5, 6)
GOALS = dict.fromkeys(MOTORS, 2048)
WRITE_BYTES = 8 + len(MOTORS) * (1 + Register.GOAL_POSITION.size)


def serve() -> None:
    """The servos' process: prints its port, answers until killed."""
    bank = ServoBank([Servo() for _ in MOTORS])
    for motor, servo in zip(MOTORS, bank.servos, strict=True):
        servo.put(Register.ID, motor)
    with PseudoTerminal(wire_time=True) as terminal:
        print(terminal.path, flush=True)
        while True:
            terminal.exchange(bank.feed)


@contextlib.contextmanager
def servos() -> Iterator[str]:
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE) as process:
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.kill()


def hilrt_cycles(port: str, seconds: float, size: int) -> dict:
    async def main() -> dict:
        async with await Bus.open(port) as bus:
            meter, failures = Meter(), 0
            while meter.running(seconds):
                try:
                    if size == TELEMETRY_SIZE:
                        await bus.read_telemetry(MOTORS)
                    else:
                        await bus.sync_read(Register.PRESENT_POSITION, MOTORS)
                except BusTimeoutError:
                    failures += 1
                await bus.sync_write(Register.GOAL_POSITION, GOALS)
            retries = bus.statistics().retries
            return meter.result() | {"failures": failures, "retries": retries}

    return uvloop.run(main())


def sdk_cycles(port: str, seconds: float, size: int) -> dict:
    handler, packets = scservo_sdk.PortHandler(port), scservo_sdk.PacketHandler(0)
    handler.openPort()
    reader = scservo_sdk.GroupSyncRead(handler, packets, TELEMETRY_ADDRESS, size)
    goal = Register.GOAL_POSITION
    writer = scservo_sdk.GroupSyncWrite(handler, packets, goal.address, goal.size)
    for motor, position in GOALS.items():
        reader.addParam(motor)
        writer.addParam(motor, list(goal.encode(position)))
    meter, failures = Meter(), 0
    while meter.running(seconds):
        failures += reader.txRxPacket() != scservo_sdk.COMM_SUCCESS
        writer.txPacket()
    handler.closePort()
    return meter.result() | {"failures": failures}


class Meter:
    """Time of each cycle and this process's share of a core."""

    def __init__(self) -> None:
        self._cycles: list[int] = []
        self._last = self._started = time.perf_counter_ns()
        self._cpu = time.process_time_ns()

    def running(self, seconds: float) -> bool:
        """Begin the next cycle; whether there is time for it."""
        now = time.perf_counter_ns()
        self._cycles.append(now - self._last)
        self._last = now
        return now - self._started < 1e9 * seconds

    def result(self) -> dict:
        """Spread of the cycles, and CPU time over wall time."""
        cpu = (time.process_time_ns() - self._cpu) / (self._last - self._started)
        return {"cycle_us": spread_us(self._cycles[2:]), "cpu_share": round(cpu, 3)}


def compare(run: Callable[[str, float, int], dict], seconds: float, size: int) -> dict:
    floor_us = 10 * (8 + len(MOTORS) + len(MOTORS) * (6 + size) + WRITE_BYTES)
    with servos() as port:
        result = run(port, seconds, size)
    ratio = round(result["cycle_us"]["p50"] / floor_us, 3)
    return {"floor_us": floor_us, "ratio_p50": ratio} | result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each of the four runs")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    results = {
        f"{what}, {who}": compare(run, options.seconds, size)
        for what, size in (("positions", 2), ("telemetry", TELEMETRY_SIZE))
        for who, run in (("hilrt", hilrt_cycles), ("scservo_sdk", sdk_cycles))
    }
    report("bus", results)


if __name__ == "__main__":
    main()
