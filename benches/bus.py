"""Six servos read and commanded over a wire of 1 Mbaud: hilrt's bus and the vendor's SDK, in one run.

A cycle is one sync read and one sync write, cycle after cycle; the servos are another process, which takes
10 us a byte. `floor` is what the bytes of a cycle need on the wire. Servos never wait for a processor, so theirs
is scheduled SCHED_FIFO where that is permitted (`servos` says whether it was); the clients are not. The clients
take turns, so that what else the machine does meanwhile meets both.

With a latency (`--frame-ms 1`, `--latency-timer-ms 16`, `--delay-ms 6`) a USB adapter is in front of the servos, and
what is measured is a control loop's ticks: how many came late or without a reading, at each of `--hz`.
"""

import argparse
import contextlib
import select
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
import numpy as np
import scservo_sdk
import uvloop
from host import report, spread_us

from hilrt.config import SimUsb
from hilrt.control.ticker import TimerTicker
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import TELEMETRY_ADDRESS, TELEMETRY_SIZE, Register
from hilrt.devices.feetech.replytimes import read_deadline_s
from hilrt.errors import AdapterTooSlowError, BusTimeoutError
from hilrt.run.realtime import become_realtime, quiet_collector
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servos import ServoBank
from hilrt.sim.usb import IDEAL

LATENCIES = ("frame_ms", "latency_timer_ms", "delay_ms")
MOTORS = (1, 2, 3, 4, 5, 6)
GOALS = dict.fromkeys(MOTORS, 2048)
WRITE_BYTES = 8 + len(MOTORS) * (1 + Register.GOAL_POSITION.size)


def serve(usb: SimUsb) -> None:
    """The servos' process: prints how it is scheduled and its port, answers until killed."""
    bank = ServoBank.calibrated(Calibration.nominal())
    quiet_collector()
    scheduling = "SCHED_FIFO" if become_realtime() else "ordinary"
    with PseudoTerminal(wire_time=True, usb=usb) as terminal:
        print(scheduling, terminal.path, flush=True)
        while True:
            if select.select([terminal.fd], [], [], terminal.wait_s)[0]:
                terminal.exchange(bank.feed)
            terminal.deliver()


@contextlib.contextmanager
def servos(usb: SimUsb = IDEAL) -> Iterator[list[str]]:
    command = [sys.executable, __file__, "--serve", msgspec.json.encode(usb).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().decode().split()
        finally:
            process.kill()


def ticks(usb: SimUsb, hz: int, seconds: float) -> dict:
    """A loop that reads and commands at `hz`, as control does."""

    async def main(port: str) -> dict:
        async with await Arm.connect(port, Calibration.nominal()) as arm:
            try:
                arm.keep_pace(read_deadline_s(hz))
            except AdapterTooSlowError as error:
                return {"refused": str(error)}
            ticker, before = TimerTicker(round(1e9 / hz)), arm.bus.statistics()
            every, times, late, blind = max(1, round(0.2 * hz)), [], 0, 0
            become_realtime()
            for number in range(round(seconds * hz)):
                late += (await ticker.wait()).missed
                began = time.perf_counter_ns()
                try:
                    reading = await arm.read(torque=number % every == 0)
                    times.append(time.perf_counter_ns() - began)
                except BusTimeoutError:
                    blind += 1
                    continue
                await ticker.until_act()
                await arm.write(reading.position, np.ones(6))
            ticker.close()
            after = arm.bus.statistics()
            return {
                "ticks": number + 1,
                "late": late,
                "blind": blind,
                "retries": after.retries - before.retries,
                "read_us": spread_us(times),
            }

    with servos(usb) as (scheduling, port):
        return {"servos": scheduling} | uvloop.run(main(port))


def hilrt_cycles(port: str, meter: "Meter", seconds: float, size: int) -> None:
    async def main() -> None:
        async with await Bus.open(port) as bus:
            meter.start(seconds)
            while meter.running():
                try:
                    if size == TELEMETRY_SIZE:
                        await bus.read_telemetry(MOTORS)
                    else:
                        await bus.sync_read(Register.PRESENT_POSITION, MOTORS)
                except BusTimeoutError:
                    meter.failures += 1
                await bus.sync_write(Register.GOAL_POSITION, GOALS)
            meter.stop()
            meter.retries += bus.statistics().retries

    uvloop.run(main())


def sdk_cycles(port: str, meter: "Meter", seconds: float, size: int) -> None:
    handler, packets = scservo_sdk.PortHandler(port), scservo_sdk.PacketHandler(0)
    handler.openPort()
    reader = scservo_sdk.GroupSyncRead(handler, packets, TELEMETRY_ADDRESS, size)
    goal = Register.GOAL_POSITION
    writer = scservo_sdk.GroupSyncWrite(handler, packets, goal.address, goal.size)
    for motor, position in GOALS.items():
        reader.addParam(motor)
        writer.addParam(motor, list(goal.encode(position)))
    meter.start(seconds)
    while meter.running():
        meter.failures += reader.txRxPacket() != scservo_sdk.COMM_SUCCESS
        writer.txPacket()
    meter.stop()
    handler.closePort()


class Meter:
    """Time of each cycle, and the process's share of a core, over several turns."""

    def __init__(self) -> None:
        self.servos = ""
        self.failures = self.retries = 0
        self._cycles: list[int] = []
        self._wall = self._cpu = 0

    def start(self, seconds: float) -> None:
        """Begin a turn."""
        self._first = len(self._cycles)
        self._cpu -= time.process_time_ns()
        self._last = self._started = time.perf_counter_ns()
        self._end = self._started + 1e9 * seconds

    def running(self) -> bool:
        """Begin the next cycle; whether there is time for it."""
        now = time.perf_counter_ns()
        self._cycles.append(now - self._last)
        self._last = now
        return now < self._end

    def stop(self) -> None:
        """End a turn."""
        del self._cycles[self._first]  # it began and ended at `start`
        self._wall += self._last - self._started
        self._cpu += time.process_time_ns()

    def result(self, floor_us: int) -> dict:
        """Spread of the cycles, the median over the floor, and CPU time over wall time."""
        cycles = spread_us(self._cycles)
        return {
            "servos": self.servos,
            "floor_us": floor_us,
            "ratio_p50": round(cycles["p50"] / floor_us, 3),
            "cycle_us": cycles,
            "cpu_share": round(self._cpu / self._wall, 3),
            "failures": self.failures,
            "retries": self.retries,
        }


CLIENTS = {"hilrt": hilrt_cycles, "scservo_sdk": sdk_cycles}


def compare(seconds: float, turns: int, size: int) -> dict:
    """Both clients, one after the other, several times; `seconds` of each in all."""
    meters = {who: Meter() for who in CLIENTS}
    for _ in range(turns):
        for who, run in CLIENTS.items():
            with servos() as (meters[who].servos, port):
                run(port, meters[who], seconds / turns, size)
    floor_us = 10 * (8 + len(MOTORS) + len(MOTORS) * (6 + size) + WRITE_BYTES)
    return {who: meter.result(floor_us) for who, meter in meters.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each of the four measurements")
    parser.add_argument("--turns", type=int, default=5, help="in which the two clients alternate")
    for key in LATENCIES:
        option = f"--{key.replace('_', '-')}"
        parser.add_argument(option, type=float, default=0.0, help="of a USB adapter: measures ticks")
    parser.add_argument("--hz", type=int, nargs="+", default=[30, 100], help="of these ticks")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(msgspec.json.decode(options.serve, type=SimUsb))
    usb = SimUsb(**{key: getattr(options, key) for key in LATENCIES})
    if usb != IDEAL:
        report("bus", {f"{hz} Hz": ticks(usb, hz, options.seconds) for hz in options.hz})
        return
    results = {
        f"{what}, {who}": result
        for what, size in (("positions", Register.PRESENT_POSITION.size), ("telemetry", TELEMETRY_SIZE))
        for who, result in compare(options.seconds, options.turns, size).items()
    }
    report("bus", results)


if __name__ == "__main__":
    main()
