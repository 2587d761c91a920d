"""What the end of a process means: whether it can be replaced, or the run cannot go on."""

from collections import Counter
from collections.abc import Callable

from hilrt.errors import ProcessError
from hilrt.run.job import Role
from hilrt.shm.status import Status
from hilrt.supervisor.children import NAMED_ERROR, Child

MAX_RESTARTS = 5


class Judge:
    """Decides over every process that ended when it should not.

    Attributes:
        finishing: whether the run's work is done: then nothing is replaced.
        restarts: how often each role was replaced.
    """

    def __init__(self, status: Status, log: str, unwritten: Callable[[], int], *, replaying: bool) -> None:
        """`log`: the file that has the whole story; `unwritten`: steps that the recorder still has to write.

        `replaying`: a replay does not begin anew by itself.
        """
        self._status, self._log, self._unwritten, self._replaying = status, log, unwritten, replaying
        self.finishing = False
        self.restarts: Counter[Role] = Counter()

    def failure(self, child: Child, words: str) -> ProcessError | None:
        """Why the run cannot go on; None if the child can be replaced. `words`: its last ones."""
        what = self._reason(child, words)
        return ProcessError(child.role, what, self._log) if what else None

    def _reason(self, child: Child, words: str) -> str:
        role, how = child.role, child.end
        last = words.splitlines()[-1] if words else ""
        if child.exit_status == NAMED_ERROR:
            return f"stopped: {words.rpartition('error: ')[2]}"
        if role is Role.SIM:
            return f"{how}, and with it the arm."
        if (child.exit_status or 0) > 0 and not getattr(self._status, role.value).ready:
            return f"{how} while it was starting: {last}"
        if self.restarts[role] == MAX_RESTARTS:
            return f"{how}, for the {MAX_RESTARTS + 1}th time. {last}".rstrip()
        if role is Role.CAMERAS:  # nothing but time is lost with it, whatever the run is at
            return ""
        end = self._end_for(role)
        return f"{how} {end}." if end else ""

    def _end_for(self, role: Role) -> str:
        """What keeps anybody from being replaced now, in words."""
        if self.finishing:
            lost = f"; {self._unwritten()} steps are lost" if role is Role.RECORDER else ""
            return f"at the end of the run{lost}"
        if role is Role.CONTROL and self._status.supervisor.stop:
            return "while it was being stopped"
        return "and a replay does not begin anew by itself" if self._replaying else ""
