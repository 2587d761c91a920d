"""Failures of a serial port, and the motors behind it."""

from collections.abc import Mapping, Sequence

from hilrt.errors.root import HilrtError


class PortNotFoundError(HilrtError):
    """There is no such serial device."""

    def __init__(self, port: str, present: Sequence[str]) -> None:
        there = f"there are: {', '.join(present)}" if present else "no serial adapter is plugged in"
        super().__init__(
            f"no serial port {port}; {there}. Check the cable and `robot.port`, or a leader's `teleop.port`."
        )


class PortBusyError(HilrtError):
    """Another program has the serial device open."""

    def __init__(self, port: str) -> None:
        super().__init__(
            f"{port} is in use by another program (another hilrt?). "
            f"Stop it first; `fuser -v {port}` shows which."
        )


class PortUnusableError(HilrtError):
    """A serial device exists but cannot be opened or set up."""

    def __init__(self, port: str, reason: str, *, denied: bool = False) -> None:
        cure = (
            "Join its group (`ls -l` shows it, usually dialout): `sudo usermod -aG dialout $USER`, "
            "then log in again."
            if denied
            else "Is it the servo adapter's serial port?"
        )
        super().__init__(f"cannot use {port}: {reason}. {cure}")


class PortHungError(HilrtError):
    """A serial device neither opens nor closes: its adapter or driver hangs."""

    def __init__(self, port: str) -> None:
        super().__init__(
            f"{port} hangs: its driver neither opens nor closes it. Unplug the adapter's USB cable and plug it in "
            "again; if that does not help, use another port of the computer, or another adapter."
        )


class AdapterTooSlowError(HilrtError):
    """The USB adapter brings replies too late for the control rate; its motors are there, and answer."""

    def __init__(
        self, port: str, times_s: tuple[float, float], wanted_s: float, rates_hz: tuple[float, float]
    ) -> None:
        """`times_s`: usual and slowest reply; `rates_hz`: the loop's, and the fastest that the adapter carries."""
        usual, slowest = (f"{1e3 * time:.1f}" for time in times_s)
        super().__init__(
            f"the USB adapter on {port} brings replies after {usual} ms, the slowest after {slowest} ms, but at "
            f"{rates_hz[0]:.0f} ticks a second a reading must be in after {1e3 * wanted_s:.1f} ms. Set env.fps to "
            f"{int(rates_hz[1])} or lower, or make it faster: hilrt doctor says how."
        )


class BusLostError(HilrtError):
    """The serial device vanished while it was open."""

    def __init__(self, port: str, reason: str) -> None:
        super().__init__(
            f"{port} is not open any more: {reason}. "
            "If the adapter was unplugged, plug it in again; the bus can then be reopened."
        )


class BusTimeoutError(HilrtError):
    """Servos did not answer within the deadline.

    `missing` are their ids; the others of the same transaction did answer.
    """

    def __init__(
        self,
        port: str,
        missing: Mapping[int, str],
        what: str,
        attempts: int,
        elapsed_s: float,
        last_good_s: float | None,
        *,
        late: bool = False,
    ) -> None:
        """`late`: replies came after they had been given up."""
        self.missing = tuple(missing)
        cure = (
            "Replies come, but too late: hilrt doctor says what the USB adapter does."
            if late
            else "Check power, and the cable to that motor."
        )
        age = "it never has" if last_good_s is None else f"last good reply {1e3 * last_good_s:.0f} ms ago"
        super().__init__(
            f"{_motors(missing)} on {port} did not answer {attempts} x {what} in "
            f"{1e3 * elapsed_s:.1f} ms; {age}. {cure}"
        )


class PositionDoubtedError(BusTimeoutError):
    """Servos said that they were where they cannot have got to, and then something else: no reading, as a timeout."""

    def __init__(
        self, port: str, motors: Mapping[int, str], first: Mapping[int, int], then: Mapping[int, int]
    ) -> None:
        self.missing = tuple(motors)
        told = ", ".join(f"{first[motor]} and then {then[motor]}" for motor in motors)
        HilrtError.__init__(
            self,
            f"{_motors(motors)} on {port} cannot have got to where the replies say [counts]: {told}. "
            "Check the cable to that motor; where it goes on, the motor's encoder.",
        )


class ArmLostError(HilrtError):
    """An arm went away during a run and did not come back."""

    def __init__(self, name: str, waited_s: float, last: HilrtError) -> None:
        super().__init__(f"{name} has been away for {waited_s:.0f} s. The last attempt at it: {last}")


class TorqueLostError(HilrtError):
    """Motors have switched their torque off by themselves."""

    def __init__(self, port: str, motors: Mapping[int, str]) -> None:
        super().__init__(
            f"{_motors(motors)} on {port} lost torque and goal, as after a power failure. "
            "Check the plug, and whether the supply gives enough current."
        )


class MotorMissingError(HilrtError):
    """Some motors of the arm are not on the bus."""

    def __init__(
        self, port: str, missing: Mapping[int, str], found: Mapping[int, str], baudrate: int
    ) -> None:
        if found:
            cure = f"{_motors(found)} did. Motors are chained: check the cable before the first missing one."
        else:
            cure = (
                f"No motor did: switch the arm's power on, check the cable to the adapter, and that "
                f"the motors are set to {baudrate} baud."
            )
        super().__init__(f"{_motors(missing)} did not answer on {port}. {cure}")


class WrongModelError(HilrtError):
    """A motor is of another model than the arm is built from."""

    def __init__(self, port: str, motor: int, name: str, found: int, expected: int) -> None:
        super().__init__(
            f"motor {motor} ({name}) on {port} is model {found}, expected {expected} (STS3215). "
            "Is this port the arm's?"
        )


class ServoFaultError(HilrtError):
    """A servo reports a fault of its own."""

    def __init__(self, port: str, motor: int, name: str, fault: str) -> None:
        cure = "Free the joint, check supply voltage, let it cool"
        if "overload" in fault:
            cure = (
                "It has pushed, or held the arm stretched out, for too long, and gave little torque from then on. "
                "Support the arm, free the joint or fold the arm"
            )
        super().__init__(
            f"motor {motor} ({name}) on {port} reports: {fault}. {cure}; then run hilrt unfault CONFIG."
        )


class ArmUnderTorqueError(HilrtError):
    """Motors would have to let go of the arm for settings to be written."""

    def __init__(self, port: str, motors: Mapping[int, str], settings: Sequence[str]) -> None:
        super().__init__(
            f"{_motors(motors)} on {port} hold the arm under torque, and would have to let go for settings that "
            f"another program has changed ({', '.join(settings)}); nothing was written. "
            "Support the arm and let it down: hilrt release CONFIG. Then start again."
        )


class SettingRefusedError(HilrtError):
    """A servo did not keep a value that was written."""

    def __init__(self, port: str, motor: int, name: str, setting: str, wanted: int, found: int) -> None:
        super().__init__(
            f"motor {motor} ({name}) on {port} keeps {setting} at {found}, {wanted} was written. "
            "Switch its power off and on and try again."
        )


def _motors(motors: Mapping[int, str]) -> str:
    """`motor 3 (elbow_flex)`, `motors 3 (elbow_flex), 5 (wrist_roll)`."""
    named = [f"{motor} ({name})" if name else str(motor) for motor, name in motors.items()]
    return f"motor{'s' if len(named) > 1 else ''} {', '.join(named)}"
