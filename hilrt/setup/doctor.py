"""A look at everything a run needs, one line each: ok, or what to do."""

import asyncio
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from hilrt.cameras.camera import Camera
from hilrt.cameras.rate import CURE, Rate
from hilrt.config import Config, Safety
from hilrt.control.assembly import Pipelines
from hilrt.control.health import Limits
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.port import latency_timer
from hilrt.devices.feetech.registers import MODEL_STS3215, Fault, Register
from hilrt.devices.feetech.replytimes import read_deadline_s
from hilrt.devices.holding import require_inside
from hilrt.devices.shutfile import ShutGripper
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.errors import (
    BusTimeoutError,
    CameraError,
    HilrtError,
    JointOutsideError,
    OverheatError,
    PortsSwappedError,
    VoltageError,
)
from hilrt.run.memory import RING_BYTES
from hilrt.run.realtime import PRIORITY
from hilrt.run.start import require_start, start_places
from hilrt.setup.eeprom import entries_of, read_memory
from hilrt.setup.place import IDS, Place
from hilrt.setup.proposal import calibration_of
from hilrt.step.features import from_config

SHM = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives
CAP_SYS_NICE = 23
CAMERA_S = 10.0
"""How long a camera may take to be measured."""
LOOK_S = 0.05
WITHOUT_CAMERAS_MB = 50
"""Shared memory of a run that records no pictures."""


READS = 100
MOST_HZ = 200
SLOW_S = 0.05
"""A leader's replies may take as long."""

LENIENT = Safety()


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'BAD '} {self.what}: {self.text}"


async def doctor(say: Callable[[str], None], config: Config, task_file: str = "the task file") -> bool:
    """Tell what `examine` finds, a line each; whether all is well."""
    findings = await examine(config, task_file)
    for finding in findings:
        say(str(finding))
    return all(finding.ok for finding in findings)


async def examine(config: Config, task_file: str = "the task file") -> list[Finding]:
    """Look at arms, cameras and the computer. Nothing is written or moved."""
    findings = [*_computer(config), examine_pipelines(config, task_file)]
    if config.sim is None:
        for side in config.robot.sides:
            findings += await examine_arm(
                Place.of(config, side), f"arm {side}".strip(), config.safety, config.env.fps
            )
        for side in config.teleop.leaders:
            findings += await examine_arm(Place.of(config, side, leader=True), f"leader {side}".strip())
    for name, settings in config.robot.real_cameras.items():
        findings.append(await asyncio.to_thread(_camera, Camera(name, settings, config.env.fps)))
    return findings


async def examine_arm(
    place: Place, name: str = "arm", safety: Safety = LENIENT, fps: int = 0
) -> list[Finding]:
    """Its port, its motors, its calibration and its adapter; `safety` and `fps`: the limits and the rate of a run."""
    try:
        bus = await place.open()
    except HilrtError as error:
        return [Finding(f"{name} port", False, str(error))]
    async with bus:
        findings = [Finding(f"{name} port", True, place.port)]
        for motor, number in IDS.items():
            findings.append(await _motor(bus, f"{name} motor {number} ({motor})", number, safety))
        findings.append(await _calibration(bus, place, f"{name} calibration"))
        with suppress(BusTimeoutError):  # a motor is missing, which has been said
            findings.append(await _adapter(bus, f"{name} adapter", fps))
    return findings


async def _motor(bus: Bus, what: str, motor: int, safety: Safety) -> Finding:
    try:
        model = await bus.ping(motor)
        firmware = [await bus.read(motor, r) for r in (Register.FIRMWARE_MAJOR, Register.FIRMWARE_MINOR)]
        torque = await bus.read(motor, Register.TORQUE_ENABLE)
        seen = (await bus.read_telemetry([motor]))[motor]
        await require_inside(bus, [motor])
    except JointOutsideError as error:
        return Finding(what, False, str(error))
    except BusTimeoutError:
        return Finding(
            what, False, "does not answer. Check its cable and the power; hilrt setup-motors sets ids"
        )
    if model != MODEL_STS3215:
        return Finding(what, False, f"is model {model}, not {MODEL_STS3215} (STS3215)")
    text = (
        f"firmware {firmware[0]}.{firmware[1]}, position {seen.position}, {seen.voltage:.1f} V, "
        f"{seen.temperature} degC, torque {'on' if torque else 'off'}"
    )
    try:
        Limits.of(safety, seen.voltage).require(bus.names[motor], seen.temperature, seen.voltage)
    except (OverheatError, VoltageError) as error:
        return Finding(what, False, f"{text}; a run would end: {error}")
    if faults := seen.status | seen.error:
        return Finding(what, False, f"{text}; fault: {Fault.describe(faults)}. Free it, then hilrt unfault")
    return Finding(what, True, text)


async def _calibration(bus: Bus, place: Place, what: str) -> Finding:
    try:
        calibration = Calibration.read(place.calibration_path)
        held = entries_of(await read_memory(bus, calibration.ids), calibration)
    except HilrtError as error:
        return Finding(what, False, f"{error} (hilrt calibrate{place.options})" if place.side else str(error))
    if differences := calibration.differences(held):
        if owners := calibration.owners(held):
            return Finding(what, False, str(PortsSwappedError(place.port, calibration.path, owners)))
        return Finding(what, False, f"{'; '.join(differences)}. Run hilrt calibrate{place.options}")
    try:
        found = [kind.of(place.calibration_path, calibration.digest) for kind in (ZeroOffsets, ShutGripper)]
    except HilrtError as error:
        return Finding(what, False, str(error))
    return Finding(what, True, "; ".join(map(str, (place.calibration_path, *filter(None, found)))))


async def _adapter(bus: Bus, what: str, fps: int) -> Finding:
    """How long its replies take, and what rate it therefore carries; `fps` is what is asked of it, 0 for nothing."""
    lost = 0
    for _ in range(READS):
        try:
            await bus.read_telemetry(tuple(IDS.values()))
        except BusTimeoutError:
            if (lost := lost + 1) > READS // 2:
                raise
    times, timer = bus.times, latency_timer(bus.port)
    text = (
        f"replies after {1e3 * times.within(0.5):.1f} ms (median), {1e3 * times.within(0.99):.1f} ms (99 %), "
        f"{'in' if bus.low_latency else 'no'} low latency mode; "
        f"carries {min(int(times.carries_hz), MOST_HZ)} ticks a second"
    )
    if lost:
        text += f"; {lost} of {READS} readings were lost"
    if bus.statistics().echoes:
        text += "; gives back what is sent (recognised)"
    if times.slowest_s <= (read_deadline_s(fps) if fps else SLOW_S):
        return Finding(what, True, text)
    cure = "In WSL2 usbipd is slow: run Linux itself. Else try another port, no hub, or another adapter"
    if timer and timer[1] > 1:
        cure = f"Its latency timer is {timer[1]} ms: echo 1 | sudo tee {timer[0]}"
    return Finding(what, False, f"{text}; too slow for {fps or 'a leader'}. {cure}")


def require_pipelines(config: Config, task_file: str) -> None:
    """Make them once: a start pose, too, may be one that a run would refuse.

    Raises:
        HilrtError: they cannot be made; which it is says why.
    """
    calibrations = [calibration_of(config, side) for side in config.robot.sides]
    require_start(config, start_places(config, calibrations), task_file)
    Pipelines(config, from_config(config), calibrations)


def examine_pipelines(config: Config, task_file: str) -> Finding:
    """Whether they can be made."""
    try:
        require_pipelines(config, task_file)
    except HilrtError as error:
        return Finding("pipelines", False, str(error))
    box = " and the workspace box" if config.processor.inverse_kinematics else ""
    return Finding("pipelines", True, f"the start pose is inside the joints' ranges{box}")


def _camera(camera: Camera) -> Finding:
    """What it gives, and how fast."""
    what, rate, patience = f"camera {camera.name}", Rate(camera), time.monotonic() + CAMERA_S
    try:
        while rate.per_s is None and time.monotonic() < patience:
            camera.check()
            complaint = rate.complaint()
            time.sleep(LOOK_S)
    except CameraError as error:
        return Finding("camera", False, f"{error} hilrt find-cameras shows what there is.")
    finally:
        camera.close()
    if rate.per_s is None:
        return Finding(what, False, complaint or f"no picture within {CAMERA_S:.0f} s: it hangs, or is busy")
    if complaint:
        return Finding(what, False, f"says {camera.mode}, and {complaint}. {CURE}")
    text = f"gives {camera.mode}; {rate.per_s:.1f} pictures/s measured"
    if names := ", ".join(name.replace("_", " ") for name in camera.automatic):
        text += f"; automatic: {names}. Set them in [robot.cameras.{camera.name}.controls]: they change by themselves"
    return Finding(what, True, text)


def _computer(config: Config) -> Iterator[Finding]:
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    permitted = limit == resource.RLIM_INFINITY or limit >= PRIORITY or _capable(CAP_SYS_NICE)
    yield Finding(
        "real-time scheduling",
        permitted,
        "permitted"
        if permitted
        else f"limit {limit}, not {PRIORITY}: see docs/troubleshooting.md, missed ticks",
    )
    disk = os.statvfs(SHM)
    free_mb = disk.f_bavail * disk.f_frsize / 1e6
    wanted_mb = 2 * RING_BYTES / 1e6 if config.robot.cameras else WITHOUT_CAMERAS_MB
    text = f"{free_mb:.0f} MB free"
    enough = free_mb >= wanted_mb
    cure = "" if enough else f", a run may want {wanted_mb:.0f}. Enlarge it: mount -o remount,size=2G {SHM}"
    yield Finding(str(SHM), enough, text + cure)
    cameras = sorted(str(path) for path in Path("/dev").glob("video*"))
    yield Finding("video devices", True, ", ".join(cameras) or "none")


def _capable(capability: int) -> bool:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    effective = next(line.split()[1] for line in lines if line.startswith("CapEff"))
    return bool(int(effective, 16) >> capability & 1)
