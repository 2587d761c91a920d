"""Child processes of a run."""

import ctypes
import os
import subprocess
import sys

import jobs

CAP_SYS_NICE, PR_CAPBSET_DROP = 23, 24
START = """
import os, sys
from hilrt.run.job import Job, Role, Spec
from hilrt.supervisor.children import Child
child = Child(Role.LEARNER, Spec(role=Role.LEARNER, job=Job.TRAIN, run="none", run_dir=sys.argv[1], fds={}), 10)
print(os.getpriority(os.PRIO_PROCESS, child.pid))
child.kill()
child.wait(60.0)
try:
    os.setpriority(os.PRIO_PROCESS, 0, 10)
except PermissionError:
    print("ordinary")
"""


def ordinary_and_nice():
    """As `nice -n 15` by somebody who may not take it back; root is made so, who else is."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE)
    os.nice(15)


def test_started_with_nice(tmp_path):
    """An ordinary user may start a run with `nice`: its processes are as much below it as ever."""
    done = subprocess.run(
        [sys.executable, "-c", START, tmp_path],
        preexec_fn=ordinary_and_nice,
        capture_output=True,
        text=True,
        timeout=jobs.PATIENCE_S,
        check=False,
    )
    assert done.stdout == "19\nordinary\n", done.stderr
