"""What the config leaves to the machine."""

from collections.abc import Callable

import pytest
import torch

from hilrt.config import Config
from hilrt.errors import DeviceError
from hilrt.learner.machine import computing_type, storage_of, updates_per_step
from hilrt.policy.device import device_of

CPU = torch.device("cpu")


def test_absent_accelerator_is_named(make_config: Callable[..., Config]) -> None:
    """A device that cannot be had is one message with the setting's name, and `auto` always finds one."""
    with pytest.raises(DeviceError, match=r'learner\.device = "cuda:99": .*Use "auto" or "cpu"'):
        device_of("cuda:99")
    with pytest.raises(DeviceError, match=r'learner\.storage_device = "cuda:99"'):
        storage_of(make_config(storage_device="cuda:99").learner, CPU, 1)
    assert device_of("auto").type in {"cpu", "cuda"}
    assert storage_of(make_config().learner, CPU, 1) == CPU


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16)],
)
def test_precision_on_a_cpu(
    make_config: Callable[..., Config], precision: str, expected: torch.dtype
) -> None:
    """By itself a CPU computes in float32; what is asked for is done."""
    assert computing_type(make_config(precision=precision).learner, CPU) is expected


def test_updates_per_step(make_config: Callable[..., Config]) -> None:
    """More on a GPU, unless the config says how many."""
    assert updates_per_step(make_config(utd_ratio=None).learner, CPU) == 2.0
    assert updates_per_step(make_config(utd_ratio=None).learner, torch.device("cuda")) == 8.0
    assert updates_per_step(make_config(utd_ratio=0.0).learner, CPU) == 0.0


def test_pictures_leave_a_gpu_room_to_work(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 16 GB that are free on a card, pictures get what is left after 3 GiB of work, less a tenth."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (16 << 30, 24 << 30))
    card = torch.device("cuda")
    assert storage_of(make_config().learner, card, int(0.89 * (13 << 30))) == card
    assert storage_of(make_config().learner, card, int(0.91 * (13 << 30))) == CPU
