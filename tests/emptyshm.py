"""Commands that see a /dev/shm of their own, in a mount namespace."""

import shlex
import subprocess

import pytest

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def emptied(words, size="64m"):
    """The command to run instead; the test is skipped where this user may not."""
    mount = f"mount -t tmpfs -o size={size} tmpfs /dev/shm"
    if subprocess.run([*NAMESPACE, mount], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces for this user")
    return [*NAMESPACE, f"{mount} && exec {shlex.join(words)}"]
