"""Frozen residual networks: the features of those whose weights they load, and what files they refuse."""

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path

import elsewhere
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hilrt.errors import EncoderWeightsError
from hilrt.policy.encoders.resnet import ResNet, pad_same
from hilrt.policy.encoders.shapes import feature_shape

Features = Callable[[nn.Module, Tensor], Tensor]
Save = Callable[[dict[str, Tensor], Path], None]


@pytest.fixture(scope="module")
def resnet10_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights in the names of the reference workflow."""
    path = tmp_path_factory.mktemp("weights") / "resnet10.safetensors"
    save_file(elsewhere.serl_resnet10().state_dict(), path)
    return path


def assert_same_features(ours: ResNet, net: nn.Module, features: Features) -> None:
    with torch.no_grad():
        expected = features(net, elsewhere.normalised(elsewhere.PICTURES))
    found = ours(elsewhere.PICTURES)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.parametrize("save", [save_file, torch.save], ids=["safetensors", "torch"])
def test_resnet18_has_torchvisions_features(tmp_path: Path, save: Save) -> None:
    """Weights in torchvision's names, in either kind of file, give the features of torchvision's network."""
    net = elsewhere.torchvision_resnet18()
    save(net.state_dict(), tmp_path / "weights")
    assert_same_features(ResNet("resnet18", tmp_path / "weights"), net, elsewhere.torchvision_features)


@pytest.mark.parametrize(("kind", "depth"), [("resnet10", 1), ("resnet18", 2)])
def test_hugging_face_names(tmp_path: Path, kind: str, depth: int) -> None:
    """Files of the Hugging Face `resnet` model give its last hidden state; the classifier in them is left alone."""
    net = elsewhere.hf_resnet(depth)
    save_file(net.state_dict(), tmp_path / "weights")
    assert_same_features(ResNet(kind, tmp_path / "weights"), net, elsewhere.hf_features)


def test_resnet10_of_the_reference_workflow(resnet10_file: Path) -> None:
    """Its file gives its features: GroupNorm, and the padding that it was trained with."""
    net = elsewhere.serl_resnet10()
    save_file(net.state_dict(), resnet10_file)
    assert_same_features(ResNet("resnet10", resnet10_file), net, elsewhere.serl_features)


@pytest.mark.parametrize("side", [97, 100, 128])
def test_odd_sizes_are_told(resnet10_file: Path, side: int) -> None:
    """What is said of the features' size holds for pictures of any size."""
    net = ResNet("resnet10", resnet10_file)
    pictures = torch.zeros(1, side, side + 5, 3, dtype=torch.uint8)
    assert net(pictures).shape[1:] == feature_shape("resnet10", side, side + 5)


def test_padding_is_that_of_jax() -> None:
    """As many outputs as strides that have begun; the odd pixel of padding is below and to the right."""
    padded = pad_same(torch.ones(1, 1, 4, 5), 3, 2)
    assert padded[0, 0].tolist() == [[0, 1, 1, 1, 1, 1, 0]] * 4 + [[0] * 7]


def test_nothing_is_trained_published_or_copied(resnet10_file: Path) -> None:
    """A frozen network has no parameters and no state, and its copy is itself."""
    net = ResNet("resnet10", resnet10_file)
    assert net.frozen
    assert not list(net.parameters())
    assert not net.state_dict()
    assert copy.deepcopy(nn.Sequential(net))[0] is net
    assert not net(elsewhere.PICTURES).requires_grad


def test_file_is_known_again_by_its_hash(resnet10_file: Path) -> None:
    """The digest is the file's SHA-256, as `sha256sum` prints it."""
    assert ResNet("resnet10", resnet10_file).digest == hashlib.sha256(resnet10_file.read_bytes()).hexdigest()


# --- files that are refused ----------------------------------------------------------------------


def test_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """The message has the path, the model, and one command."""
    told = (
        r"none\.safetensors cannot be read: No such file or directory\. resnet18 wants .*"
        r"hf download timm/resnet18\.tv_in1k model\.safetensors --local-dir weights/resnet18"
    )
    with pytest.raises(EncoderWeightsError, match=told):
        ResNet("resnet18", tmp_path / "none.safetensors")


@pytest.mark.parametrize("save", [save_file, torch.save], ids=["safetensors", "torch"])
@pytest.mark.parametrize("left", [0, 40, 0.5])
def test_truncated_file_is_refused(tmp_path: Path, save: Save, left: float) -> None:
    """A download that broke off, wherever it did, is called damaged."""
    path = tmp_path / "weights"
    save(elsewhere.serl_resnet10().state_dict(), path)
    data = path.read_bytes()
    path.write_bytes(data[: left if isinstance(left, int) else int(left * len(data))])
    with pytest.raises(
        EncoderWeightsError, match=r"weights is damaged, or neither a safetensors nor a torch file"
    ):
        ResNet("resnet10", path)


def test_other_network_is_refused(tmp_path: Path) -> None:
    """A deeper network, though it has all the names of a shallower one; the message counts what is too much."""
    save_file(elsewhere.hf_resnet(2).state_dict(), tmp_path / "weights")
    told = r"is of another network: has besides encoder\.stages\.0\.layers\.1\.layer\.0\.\S+, .* and 37 more"
    with pytest.raises(EncoderWeightsError, match=told):
        ResNet("resnet10", tmp_path / "weights")


def test_missing_and_misshapen_tensors_are_named(resnet10_file: Path, tmp_path: Path) -> None:
    """What is not as it should be is told by name."""
    tensors = dict(elsewhere.serl_resnet10().state_dict())
    del tensors["encoder.stages.3.norm2.group_norm.bias"]
    tensors["embedder.0.weight"] = torch.zeros(64, 1, 7, 7)
    save_file(tensors, tmp_path / "weights")
    told = (
        r"lacks encoder\.stages\.3\.norm2\.group_norm\.bias; in it embedder\.0\.weight is \(64, 1, 7, 7\) "
        r"instead of \(64, 3, 7, 7\)\. resnet10 wants"
    )
    with pytest.raises(EncoderWeightsError, match=told):
        ResNet("resnet10", tmp_path / "weights")


def test_names_of_no_network_are_refused(tmp_path: Path) -> None:
    """A file of something else tells the names that were expected."""
    save_file({"actor.0.weight": torch.zeros(3)}, tmp_path / "weights")
    with pytest.raises(
        EncoderWeightsError, match=r"lacks bn1\.bias, .* and 97 more; has besides actor\.0\.weight"
    ):
        ResNet("resnet18", tmp_path / "weights")
