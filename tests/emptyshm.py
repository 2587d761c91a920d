"""Commands that see a /dev/shm of their own, in a mount namespace."""

import shlex
import subprocess

import pytest

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def emptied(words, options="size=64m", at="/dev/shm"):
    """The command to run instead; the test is skipped where this user may not. `at`: `/dev` takes all of it away."""
    mount = f"mount -t tmpfs -o {options} tmpfs {at}"
    if subprocess.run([*NAMESPACE, mount], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces for this user")
    return [*NAMESPACE, f"{mount} && exec {shlex.join(words)}"]
