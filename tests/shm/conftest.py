"""A run name of each test's own, and real child processes that use it."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hilrt

Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run() -> Iterator[str]:
    """A run name nobody uses; what the test leaves in shared memory is removed."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for path in Path("/dev/shm").glob(f"hilrt-{os.getuid()}-{name}*"):
        path.unlink()


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start `child.py` with arguments; it ends with the test."""
    children: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("child.py")), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1])}
        pipe = subprocess.PIPE
        child = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()
