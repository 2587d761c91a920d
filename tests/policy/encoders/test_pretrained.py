"""Files of pretrained encoders: written whole, read frozen, refused in words."""

from pathlib import Path

import msgspec
import pytest
import torch
from mutations import COUNT, on_disk, survey
from policy.pictures import VIEWS, encoder_file, views
from safetensors import safe_open
from safetensors.torch import save_file

from hilrt.errors import PretrainedEncoderError
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import read_encoders, write_encoders
from hilrt.policy.encoders.shapes import feature_shape
from hilrt.step.features import Image


def test_frozen_encoders_see_what_the_trained_ones_saw(tmp_path: Path) -> None:
    """Each camera gets its own encoder back, to the bit, and of the size that everybody counts on."""
    torch.manual_seed(0)
    trained = {view.name: Conv() for view in VIEWS}
    digest = write_encoders(tmp_path / "new" / "e.safetensors", trained, VIEWS, {})
    for view, frozen, seen in zip(
        VIEWS, read_encoders(tmp_path / "new" / "e.safetensors", VIEWS), views(), strict=True
    ):
        assert torch.equal(frozen(seen), trained[view.name](seen))
        assert frozen(seen).shape[1:] == feature_shape("pretrained", view.height, view.width)
        assert frozen.digest == digest
        assert not list(frozen.parameters())
        assert not frozen.state_dict()


def test_same_weights_have_the_same_hash(tmp_path: Path) -> None:
    """The hash is of the weights and facts, and other weights have another."""
    hashes = [read_encoders(encoder_file(tmp_path, seed), VIEWS)[0].digest for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def halved(path: Path) -> None:
    """Turn its numbers into another type."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name).bfloat16() for name in file.keys()}  # noqa: SIM118 - not a mapping
        about = file.metadata()
    save_file(tensors, path, about)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is damaged, or not a safetensors file"),
        (lambda path: save_file({"a": torch.zeros(1)}, path), "is not from `hilrt pretrain`"),
        (halved, "is damaged, or not a safetensors file: .*BFloat16"),
    ],
)
def test_unusable_file_is_named_with_its_cure(tmp_path: Path, spoil, words: str) -> None:
    """Absent, cut short, converted and foreign files are each refused with what to run."""
    path = encoder_file(tmp_path)
    spoil(path)
    with pytest.raises(
        PretrainedEncoderError, match=rf"(?s)encoder.safetensors {words}.*hilrt pretrain CONFIG"
    ):
        read_encoders(path, VIEWS)


def test_encoders_of_other_cameras_are_refused(tmp_path: Path) -> None:
    """A camera that was renamed, or is seen in another size or another part, was never trained for."""
    front, wrist = VIEWS
    cropped = msgspec.structs.replace(wrist, region=(0, 8, 64, 64, 64, 80))
    for other, told in (
        (Image("side", 32, 32, 4608), r"side 32x32"),
        (cropped, r"wrist 32x32 \(crop \[0, 8, 64, 64\] of 80x64\)"),
    ):
        words = rf"was trained on front 48x32, wrist 32x32; the task has front 48x32, {told}"
        with pytest.raises(PretrainedEncoderError, match=words):
            read_encoders(encoder_file(tmp_path), (front, other))


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    """Whatever happens to a file of `hilrt pretrain`, an encoder is the one written, or an error names it."""
    path = encoder_file(tmp_path)
    seen = views()[0]

    def read() -> bytes:
        return read_encoders(path, VIEWS)[0](seen).numpy().tobytes()

    assert survey(path.read_bytes(), on_disk(path, read), PretrainedEncoderError, count=COUNT // 3).refused
