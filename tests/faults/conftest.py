"""An arm that outlives its runs."""

import pytest
from outlived import Arm


@pytest.fixture
def arm(tmp_path):
    """It holds the cube, and is looked at when the test is over."""
    with Arm(tmp_path) as arm:
        yield arm
        arm.require_safe()
