"""What a process of a run asks of the system for its ticks to be in time."""

import subprocess
import sys

import pytest

LOCK = """
import mmap
from pathlib import Path
from hilrt.run.realtime import lock_memory

def resident():
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))

before = mmap.mmap(-1, 300 << 20)
start = resident()
if lock_memory():
    after = mmap.mmap(-1, 300 << 20)
    after[: 4 << 20] = bytes(4 << 20)
    print(resident() - start)
"""


def test_locked_memory_is_what_was_touched():
    """Of 300 MB mapped before and 300 after, of which 4 were written to, locking makes no more than those resident."""
    done = subprocess.run([sys.executable, "-c", LOCK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if not done.stdout:
        pytest.skip(f"this system lets nobody lock memory: {done.stderr}")
    assert 4 << 20 <= int(done.stdout) < 100 << 20
