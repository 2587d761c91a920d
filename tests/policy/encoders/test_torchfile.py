"""Torch files read without unpickling: the same tensors, and nothing in the file is run."""

import pickle
from pathlib import Path

import pytest
import torch
from mutations import survey
from torch import nn

from hilrt.errors import EncoderWeightsError
from hilrt.policy.encoders.torchfile import read_torch_file
from hilrt.policy.encoders.weights import read_weights


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.mark,))


def test_tensors_are_those_that_were_saved(tmp_path: Path) -> None:
    """Types, views, shared storages, parameters and scalars come back as `torch.save` got them."""
    base = torch.arange(24.0).reshape(4, 6)
    tensors = {
        "whole": base,
        "transposed": base.T,
        "part": base[1:3, ::2],
        "half": base.half(),
        "bfloat": base.bfloat16(),
        "count": torch.tensor(7),
        "parameter": nn.Parameter(torch.ones(3)),
        **{f"more {i}": torch.full((2,), float(i)) for i in range(300)},
    }
    torch.save(tensors, tmp_path / "file")
    read = read_torch_file((tmp_path / "file").read_bytes())
    assert list(read) == list(tensors)
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_state_of_a_module(tmp_path: Path) -> None:
    """A `state_dict`, which is an ordered dictionary with notes of its own."""
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    torch.save(net.state_dict(), tmp_path / "file")
    read = read_torch_file((tmp_path / "file").read_bytes())
    assert all(torch.equal(read[name], value) for name, value in net.state_dict().items())


def test_code_in_a_file_does_not_run(tmp_path: Path) -> None:
    """What would run on unpickling is named and refused, in a zip and in a bare pickle; it did not run."""
    mark = tmp_path / "mark"
    torch.save({"weight": Bomb(mark)}, tmp_path / "zip")
    with pytest.raises(EncoderWeightsError, match=r"more than a dictionary of tensors"):
        read_weights(tmp_path / "zip", "resnet18")
    (tmp_path / "bare").write_bytes(pickle.dumps({"weight": Bomb(mark)}))
    with pytest.raises(EncoderWeightsError, match=r"is a bare pickle, which may run anything"):
        read_weights(tmp_path / "bare", "resnet18")
    assert not mark.exists()


def test_the_bomb_is_real(tmp_path: Path) -> None:
    """Positive control: unpickled, the same file does leave its mark."""
    torch.save({"weight": Bomb(tmp_path / "mark")}, tmp_path / "zip")
    torch.load(tmp_path / "zip", weights_only=False)
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    "content", [nn.Linear(2, 2), {"a": {"b": torch.ones(1)}}, {"lr": 0.1}, [torch.ones(1)]]
)
def test_other_contents_are_refused(tmp_path: Path, content: object) -> None:
    """A whole module, nested dictionaries, numbers and lists are no dictionary of tensors."""
    torch.save(content, tmp_path / "file")
    with pytest.raises(ValueError, match=r"."):
        read_torch_file((tmp_path / "file").read_bytes())


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    """Whatever happens to the file, it is read or refused by one error, in little memory."""
    torch.save({f"w{i}": torch.arange(40.0) + i for i in range(4)}, tmp_path / "file")
    tried = survey(
        (tmp_path / "file").read_bytes(), lambda data: read_torch_file(data) is not None, ValueError
    )
    assert tried.refused
