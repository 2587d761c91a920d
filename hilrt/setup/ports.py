"""Which serial port is the arm's: the one that goes when its adapter is unplugged."""

import asyncio
from pathlib import Path

from hilrt.devices.feetech.port import ports
from hilrt.errors import PortNotFoundError, PortsUnchangedError
from hilrt.setup.console import Console

DEV = Path("/dev")
BACK_S = 10.0
"""How long an adapter may take to come back."""


async def find_port(console: Console, dev: Path = DEV) -> str:
    """Have the operator unplug an adapter and plug it in again; the port that it has then.

    Raises:
        PortNotFoundError: no adapter is plugged in.
        PortsUnchangedError: none vanished, several did, or it did not come back.
    """
    before = ports(dev)
    if not before:
        raise PortNotFoundError("to find", before)
    for port in before:
        console.say(f"  {port}")
    await console.ask("Unplug the USB cable of the arm you look for, then press Enter.")
    left = ports(dev)
    gone = [port for port in before if port not in left]
    if len(gone) != 1:
        raise PortsUnchangedError("vanished", gone)
    console.say(f"{gone[0]} vanished.")
    await console.ask("Plug it in again, then press Enter.")
    port = await _returned(left, dev)
    console.say(f"{port} came back. In the task file: port = {_quoted(port)}")
    return port


async def _returned(left: list[str], dev: Path) -> str:
    loop = asyncio.get_running_loop()
    until = loop.time() + BACK_S
    while True:
        new = [port for port in ports(dev) if port not in left]
        # The system gives the plain name first and the stable one a moment later.
        if len(new) == 1 and ("by-id" in new[0] or loop.time() > until - BACK_S + 1.0):
            return new[0]
        if loop.time() > until:
            raise PortsUnchangedError("came back", new)
        await asyncio.sleep(0.1)


def _quoted(port: str) -> str:
    return f'"{port}"'
