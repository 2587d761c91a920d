"""Failures of shared memory."""

from hilrt.errors.root import HilrtError


class SegmentError(HilrtError):
    """A segment cannot be used, for whichever of the reasons below."""


class SegmentForeignError(SegmentError):
    """A segment is not this user's own, or others may write into it."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            f"shared memory {name} is not yours alone: {problem}. Somebody else on this computer may have put it "
            "there, and what is in it could move the arm, so nothing was read from it. Have it removed "
            f"(`sudo rm /dev/shm{name}`) and find out who did it (`ls -l /dev/shm`) before the arm is started again."
        )


class SegmentDamagedError(SegmentError):
    """What is in a segment is not what was written there."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            f"shared memory {name} is damaged: {problem}. Stop the run and start it again; "
            "if it happens twice, test this computer's memory."
        )


class SegmentExistsError(SegmentError):
    """A segment of this name is in use."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"shared memory {name} is held by a running process: "
            "stop the run of this name first (hilrt status shows it), or choose another name."
        )


class SegmentAbsentError(SegmentError):
    """There is no segment of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no shared memory {name}: "
            "the run is not started, has ended, or belongs to another user."
        )


class SegmentNotReadyError(SegmentError):
    """A segment exists, but its maker has not finished it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"shared memory {name} is not ready: its maker is still at it (try again), "
            "or died there (the next start clears it)."
        )


class SegmentMismatchError(SegmentError):
    """A segment was made for other contents than expected."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        super().__init__(
            f"shared memory {name} was made by another version or configuration.\n"
            f"  found:    {found}\n  expected: {expected}\n"
            "Stop all processes of the run and start it again."
        )


class SharedMemoryUnusableError(SegmentError):
    """Nothing can be made in /dev/shm."""

    def __init__(self, name: str, cause: OSError) -> None:
        super().__init__(
            f"shared memory {name} cannot be made: {cause.strerror}. See that /dev/shm is there and that you may write "
            "to it (`mount -t tmpfs -o mode=1777 tmpfs /dev/shm`); in a container, give it one (`--shm-size=1g`)."
        )


class SharedMemoryFullError(HilrtError):
    """The file system of shared memory has no room for a segment."""

    def __init__(self, name: str, size: int, free: int, total: int) -> None:
        super().__init__(
            f"no space left on /dev/shm for {name}: it needs {size / 1e6:.1f} MB, "
            f"{free / 1e6:.1f} MB of {total / 1e6:.1f} MB are free. "
            "Remove what fills it (ls -lS /dev/shm), enlarge it (mount -o remount,size=2G /dev/shm; "
            "docker run --shm-size=2g), or use smaller images."
        )


class PlatformError(HilrtError):
    """The processor may reorder memory accesses that this code needs in order."""

    def __init__(self, machine: str) -> None:
        super().__init__(
            f"hilrt's shared memory relies on the store order of x86_64; this machine is {machine}. "
            "It does not run there."
        )


class RecordSizeError(HilrtError):
    """A record does not fit a slot of its ring."""

    def __init__(self, name: str, part: str, end: int, room: int) -> None:
        super().__init__(
            f"{part} of a record for ring {name} ends at byte {end} of {room}: "
            "the ring was made for smaller records. Size it from the same features as the records."
        )


class WeightsLayoutError(HilrtError):
    """Published arrays differ from those the segment was made for."""

    def __init__(self, name: str, found: str, expected: str) -> None:
        super().__init__(
            f"weights for {name} do not have the layout it was opened with: "
            f"got {found}, expected {expected}. Open a new run for a new network."
        )
