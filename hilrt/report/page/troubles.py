"""What went wrong in a run, or nearly, as its log has it."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hilrt.errors import RunFolderError

LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} (\S+) (WARNING|ERROR|CRITICAL) \S+: (.*)")
"""As `hilrt.run.logs` writes it; what follows of a traceback is left out."""


class Trouble(msgspec.Struct, kw_only=True):
    """A line of the log that is more than information."""

    first: str
    """When it was first there, local time."""
    who: str
    level: str
    text: str
    times: int = 1


def troubles_of(path: Path) -> list[Trouble]:
    """Of a log, each text once, in the order of their first times; none where there is no file.

    Raises:
        RunFolderError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return _counted(lines)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunFolderError(str(path), f"cannot be read: {error.strerror}") from None


def _counted(lines: Iterable[str]) -> list[Trouble]:
    found: dict[tuple[str, str, str], Trouble] = {}
    for line in lines:
        if match := LINE.match(line):
            first, who, level, text = match.groups()
            if known := found.get((who, level, text)):
                known.times += 1
            else:
                found[who, level, text] = Trouble(first=first, who=who, level=level, text=text)
    return list(found.values())
