"""Put on PYTHONPATH by test_security.py: every process notes its socket events, and at its end its modules."""

import atexit
import os
import sys
from pathlib import Path

FOLDER = Path(os.environ["HILRT_AUDIT"])


def note(event, args):
    if event.startswith(("socket.", "pickle.")):
        family = int(args[1]) if event == "socket.__new__" else ""
        with (FOLDER / f"{os.getpid()}.events").open("a") as file:
            file.write(f"{event} {family}\n")


def tell():
    names = [name for name in sys.modules if name.startswith("hilrt.")]
    (FOLDER / f"{os.getpid()}.modules").write_text("\n".join(names))


sys.addaudithook(note)
atexit.register(tell)
