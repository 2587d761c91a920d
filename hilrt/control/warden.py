"""Whether the supervisor is awake: the one that would see this process hang, and hears the operator's keys."""

import logging
import time

from hilrt.shm.status import SupervisorStatus

log = logging.getLogger(__name__)

SILENT_S = 2.0


class Warden:
    """Looks at the supervisor's heartbeat."""

    def __init__(self, supervisor: SupervisorStatus) -> None:
        self._supervisor = supervisor
        self._silent = False

    def silent(self) -> bool:
        """Whether it has not beaten for two seconds; said in the log when it begins, and when it is over."""
        silent = time.monotonic_ns() - self._supervisor.heartbeat_ns > SILENT_S * 1e9
        if silent and not self._silent:
            log.error("the supervisor has not shown itself for %.0f s; the arm holds", SILENT_S)
        elif self._silent and not silent:
            log.warning("the supervisor is back; the arm goes on")
        self._silent = silent
        return silent
