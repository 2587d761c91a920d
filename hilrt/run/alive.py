"""Whether a process of ours lives."""

import os


def alive(pid: int) -> bool:
    """Whether there is a process of that number, and it is ours; 0 is nobody."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # the number may have gone to somebody else's process
        return False
    return pid > 0
