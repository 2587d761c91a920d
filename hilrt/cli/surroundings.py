"""What a command finds when it starts, made fit for it: standard streams and the number of open files."""

import os
import resource
import sys
from io import TextIOWrapper

OPEN_FILES = 256
"""More than any process of a run has open."""


def prepare() -> None:
    """Have streams that take every text, and enough room for open files.

    Raises:
        OpenFilesError: no more can be had.
    """
    _open_streams()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        from hilrt.errors import OpenFilesError  # noqa: PLC0415 - `hilrt --help` has no use for it

        raise OpenFilesError(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))


def _open_streams() -> None:
    """A closed one becomes /dev/null, or its number would be that of a file which somebody then writes text into."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            fd = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: its own
            os.set_inheritable(fd, True)
            setattr(sys, name, os.fdopen(fd, mode, encoding="utf-8"))
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
