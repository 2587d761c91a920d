"""Whether a process lives."""

import os
import subprocess

from hilrt.run.alive import alive


def test_a_process_lives_until_it_is_buried():
    """Of ours, whoever has not ended lives; nobody has the number 0."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    assert alive(child.pid)
    assert alive(os.getpid())
    child.kill()
    child.communicate()
    assert not alive(child.pid)
    assert not alive(0)
