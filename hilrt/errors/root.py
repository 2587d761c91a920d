"""The root of every failure hilrt can name."""

import errno


class HilrtError(Exception):
    """Root of all errors raised on purpose; the command line prints it and exits with status 2."""


def disk_cure(cause: OSError) -> str:
    """What to do about a disk that takes nothing."""
    if cause.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "Free some space"
    return "Check the folder's owner and how its disk is mounted"
