"""Nothing moves by itself after a crash: a control that takes over says what comes, and waits."""

import asyncio
from collections.abc import Callable
from math import ceil, inf
from time import monotonic

from hilrt.run.job import Pause
from hilrt.shm.status import Status

LOOK_S = 0.05


async def wait(pause: Pause, status: Status, stop_wanted: Callable[[], bool]) -> None:
    """Return at Enter, when the time is up, or when a stop is wanted; until then say so on the screen."""
    pressed = status.supervisor.key_go
    until = inf if pause.seconds is None else monotonic() + pause.seconds
    while not stop_wanted() and status.supervisor.key_go == pressed and (left := until - monotonic()) > 0.0:
        if (text := _text(pause, left)) != status.control.message:
            status.control.message = text
        await asyncio.sleep(LOOK_S)
    status.control.message = ""


def _text(pause: Pause, left_s: float) -> str:
    found = "was let go; it comes back under torque" if pause.limp else "holds; it goes on"
    when = " at Enter" if pause.asks else ""
    when += " or" if pause.asks and left_s < inf else ""
    when += f" in {ceil(left_s)} s" if left_s < inf else ""
    return f"the arm {found}, to its start pose,{when}; q stops"
