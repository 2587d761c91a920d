"""Where control runs the policy."""

from contextlib import AsyncExitStack

import pytest
from rig import load

from hilrt.control.opening import make_policy
from hilrt.errors import DeviceError
from hilrt.run.job import Job, Role, Spec
from hilrt.step.features import from_config


def test_absent_device_of_the_policy_is_named() -> None:
    """A GPU that the task file names and the machine lacks is one message, with the option to change."""
    config = load("policy.device=cuda:99")
    spec = Spec(role=Role.CONTROL, job=Job.TRAIN, run="none", run_dir="none", fds={})
    with pytest.raises(DeviceError, match=r'policy\.device = "cuda:99": .*Use "auto" or "cpu"'):
        make_policy(spec, config, from_config(config), None, AsyncExitStack())
