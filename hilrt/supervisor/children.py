"""One child process of a run: started clean, watched by pidfd, its last words kept."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import msgspec

from hilrt.run.job import Role, Spec
from hilrt.supervisor.pulse import Pulse

log = logging.getLogger(__name__)

NAMED_ERROR = 2
"""Exit status of a child that ended with an error of its own making; restarting it would not help."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning workers of two processes starve each other
    "MUJOCO_GL": "egl",
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "1",  # [s]; its own 10 outlast the patience of a run
}


class Child:
    """A running role."""

    def __init__(self, role: Role, spec: Spec, niceness: int) -> None:
        self.role = role
        self.spec = msgspec.structs.replace(spec, role=role)
        # in memory: no disk is too full for it; closed by `collect`
        self._words = os.fdopen(os.memfd_create("words"), "r+b")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hilrt.supervisor.launch",
                msgspec.json.encode(self.spec).decode(),
                str(os.getpid()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
            pass_fds=tuple(spec.fds.values()),
            env={**ENVIRONMENT, **os.environ},
            start_new_session=True,  # Ctrl-C reaches the supervisor alone
        )
        if niceness:  # beside our own: nobody may take it back who was started with `nice`
            own = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, self._process.pid, own + niceness)
        self.pulse = Pulse()
        self.pidfd = os.pidfd_open(self._process.pid)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative: killed by that signal."""
        return self._process.poll()

    @property
    def end(self) -> str:
        """How it ended, in words."""
        status = self.exit_status or 0
        return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"failed (status {status})"

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def put_down(self, timeout_s: float, sign: Callable[[], int]) -> bool:
        """End it, by force once it has given no new sign for that time; whether it went by itself."""
        self.terminate()
        seen = sign()
        while not self.wait(timeout_s):
            if seen == (seen := sign()):
                self.kill()
                return False
        return True

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within that time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def collect(self) -> str:
        """What it wrote to its terminal; also to the log. Call once, after its end."""
        self._process.wait()
        os.close(self.pidfd)
        with self._words:
            self._words.seek(0)
            words = self._words.read().decode(errors="replace").strip()
        if words:
            log.info("last words of %s: %s", self.role, words)
        return words
