"""A display for what opens windows."""

import shutil
from collections.abc import Iterator

import pytest
from display import Display


@pytest.fixture
def display(tmp_path_factory) -> Iterator[Display]:
    """An X server of the test's own."""
    if not shutil.which("Xvfb"):
        pytest.skip("Xvfb is not installed")
    display = Display(tmp_path_factory.mktemp("display"))
    yield display
    display.close()
