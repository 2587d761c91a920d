"""Files of reward classifiers: what is read judges as what was written, or is refused in words."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from mutations import COUNT, on_disk, survey
from policy.encoders import elsewhere
from policy.pictures import FEATURES, VIEWS
from reward.bundles import IMAGES, SEEN, bundle_of, made
from safetensors.torch import save_file
from torch import nn

from hilrt.errors import ClassifierError, ClassifierViewError
from hilrt.policy.device import CPU
from hilrt.policy.encoders.resnet import ResNet
from hilrt.policy.trunk import Trunk
from hilrt.policy.vision import Vision
from hilrt.reward import bundle as module
from hilrt.reward.bundle import Bundle
from hilrt.step.features import Image


def frames(seed=0):
    rng = np.random.default_rng(seed)
    return {i.name: rng.integers(0, 256, (i.height, i.width, 3), np.uint8) for i in IMAGES}


@pytest.mark.parametrize("encoder", ["pretrained", "conv"])
@pytest.mark.parametrize("model", ["cnn", "transformer"])
def test_what_is_read_judges_as_what_was_written(tmp_path: Path, encoder: str, model: str) -> None:
    """To the bit, three classes as well as two, and they add up to 1."""
    for classes in (("failure", "success"), ("failure", "near", "success")):
        written = bundle_of(tmp_path, encoder, classes, model=model)
        written.save(tmp_path / "new" / "c.safetensors")
        read = Bundle.load(tmp_path / "new" / "c.safetensors", CPU)
        told = read.probabilities(frames())
        assert told.dtype == np.float32
        assert told.shape == (len(classes),)
        assert told.sum() == pytest.approx(1.0, abs=1e-6)
        assert (told == written.probabilities(frames())).all()
        assert (told != read.probabilities(frames(1))).any()
        assert read.about == msgspec.structs.replace(written.about, tensors=read.about.tensors)


def test_heads_say_their_mean(tmp_path: Path) -> None:
    """A network of several heads gives the mean of their log-probabilities, from its file too."""
    several = bundle_of(tmp_path, heads=3)
    several.save(tmp_path / "c")
    read = Bundle.load(tmp_path / "c", CPU)
    one = bundle_of(tmp_path)
    alone = []
    for head in read.network.heads:
        one.network.heads[0] = head
        alone.append(one.probabilities(frames()))
    assert np.ptp(alone, axis=0).min() > 0.01
    between = np.exp(np.mean(np.log(alone), axis=0))
    assert read.probabilities(frames()) == pytest.approx(between / between.sum(), abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "net"), [("resnet18", elsewhere.torchvision_resnet18), ("resnet10", elsewhere.serl_resnet10)]
)
def test_residual_networks_are_kept_with_it(tmp_path: Path, kind: str, net) -> None:
    """The file that they came from is not needed any more."""
    weights = tmp_path / "weights"
    save_file({name: t.contiguous() for name, t in net().state_dict().items()}, weights)
    written = made(nn.ModuleList([ResNet(kind, weights)] * 2), kind)
    weights.unlink()
    written.save(tmp_path / "c")
    read = Bundle.load(tmp_path / "c", CPU)
    assert (read.probabilities(frames()) == written.probabilities(frames())).all()
    assert read.about.make.encoder_digest == written.network.encoders[0].digest


def test_frames_may_be_read_only(tmp_path: Path) -> None:
    """Frames that are seen whole, and may not be written to, are judged as others are."""
    whole = tuple(Image(i.name, i.height, i.width, i.offset) for i in IMAGES)
    bundle = bundle_of(tmp_path, views=whole)
    kept = frames()
    told = bundle.probabilities(kept)
    for frame in kept.values():
        frame.flags.writeable = False
    assert (bundle.probabilities(kept) == told).all()


def test_damage_is_refused(tmp_path: Path) -> None:
    """Whatever happens to its file, a classifier is the one written, or an error names it."""
    bundle_of(tmp_path).save(path := tmp_path / "c")

    def read() -> bytes:
        return Bundle.load(path, CPU).probabilities(frames()).tobytes()

    assert survey(path.read_bytes(), on_disk(path, read), ClassifierError, count=COUNT // 3).refused


def with_tensor(path, change) -> None:
    """Written under the right digest, but with another tensor than the network has."""
    bundle = bundle_of(path.parent)
    tensors = bundle.network.tensors()
    tensors["heads.0.tell.0.weight"] = change(tensors["heads.0.tell.0.weight"])
    bundle.network.tensors = lambda: {name: t for name, t in tensors.items() if t is not None}
    bundle.save(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(missing_ok=True), "cannot be read: No such file"),
        (lambda path: path.write_bytes(b"PK\x03\x04"), "is damaged, or not a safetensors file"),
        (lambda path: save_file({"a": torch.zeros(1)}, path), "is no reward classifier"),
        (
            lambda path: with_tensor(path, lambda _: None),
            r"is damaged: its weights.*\(heads.0.tell.0.weight\)",
        ),
        (
            lambda path: with_tensor(path, lambda t: t.T),
            r"is damaged: its weights.*\(heads.0.tell.0.weight\)",
        ),
        (
            lambda path: with_tensor(path, torch.Tensor.double),
            r"is damaged: its weights.*\(heads.0.tell.0.weight\)",
        ),
    ],
    ids=["absent", "foreign", "other", "missing", "shape", "type"],
)
def test_unusable_file_is_named_with_its_cure(tmp_path: Path, spoil, words: str) -> None:
    """Each problem is one kind of error that says what to run."""
    spoil(tmp_path / "c")
    with pytest.raises(ClassifierError, match=rf"(?s)/c {words}.*hilrt train-classifier CONFIG"):
        Bundle.load(tmp_path / "c", CPU)


def test_other_version_is_refused(tmp_path: Path, monkeypatch) -> None:
    """A file of another format is not taken for a damaged one."""
    with monkeypatch.context() as patch:
        patch.setattr(module, "FORMAT", 7)
        bundle_of(tmp_path).save(tmp_path / "c")
    with pytest.raises(ClassifierError, match="is of format 7; this version of hilrt reads 3"):
        Bundle.load(tmp_path / "c", CPU)


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    """What the disk does not take is an error with the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(ClassifierError, match="cannot be written"):
        bundle_of(tmp_path).save(tmp_path / "file" / "c")


def test_other_cameras_are_refused(tmp_path: Path) -> None:
    """Cameras that are absent, of another size, or seen otherwise; a further one, and another order, do not matter."""
    bundle = bundle_of(tmp_path)
    (front, wrist), (i_front, i_wrist) = SEEN, IMAGES
    replace = msgspec.structs.replace
    good = replace(FEATURES, images=IMAGES, views=SEEN)
    side = Image("side", 8, 8, 0)
    bundle.require(good, {})
    bundle.require(replace(good, images=(side, i_wrist, i_front), views=(side, wrist, front)), {"side": 180})
    for images, views, told in (
        ((i_front,), (front,), r"frames front 80x64 seen as front 48x32 \(crop"),
        (IMAGES, (replace(front, region=(4, 8, 40, 61, 64, 80)), wrist), r"crop \[4, 8, 40, 61\]"),
        (IMAGES, (replace(front, height=30), wrist), "48x30"),
        ((i_front, replace(i_wrist, height=60)), SEEN, "wrist 80x60"),
        ((), (), "no camera"),
    ):
        with pytest.raises(
            ClassifierViewError, match=f"was trained on frames front 80x64.*; here it is.*{told}"
        ):
            bundle.require(replace(FEATURES, images=images, views=views), {})
    with pytest.raises(
        ClassifierViewError, match=r"trained on front 80x64, wrist 80x64; here it is wrist 40x30"
    ):
        bundle.probabilities(frames() | {"wrist": np.zeros((30, 40, 3), np.uint8)})


def test_a_camera_that_was_turned_is_refused(tmp_path: Path) -> None:
    """Half a turn keeps the size of its frames, and is another picture."""
    bundle = bundle_of(tmp_path)
    features = msgspec.structs.replace(FEATURES, images=IMAGES, views=SEEN)
    with pytest.raises(
        ClassifierViewError,
        match=r"frames front 80x64, wrist.*here it is frames front 80x64 turned by 180 degrees,",
    ):
        bundle.require(features, {"front": 180})
    bundle.about = msgspec.structs.replace(bundle.about, rotations={"front": 180})
    bundle.require(features, {"front": 180})
    with pytest.raises(
        ClassifierViewError, match=r"trained on frames front 80x64 turned by 180 degrees.*rotations"
    ):
        bundle.require(features, {})


def test_a_policys_features_serve_where_they_are_the_same(tmp_path: Path) -> None:
    """With the policy's own features it says what it says of the frame; other weights or parts are not shared."""
    bundle = bundle_of(tmp_path, views=VIEWS)
    features = msgspec.structs.replace(FEATURES, images=IMAGES)
    weights = str(tmp_path / "encoder.safetensors")
    trunk = Trunk(features, Vision(encoder="pretrained", weights=weights, embeddings=2, latent=16))
    assert bundle.shares("pretrained", trunk.digest, VIEWS) == {"front", "wrist"}
    assert bundle.shares("pretrained", "other", VIEWS) == frozenset()
    assert bundle.shares("conv", "", VIEWS) == frozenset()
    cropped = msgspec.structs.replace(VIEWS[0], region=(0, 0, 32, 48, 64, 80))
    assert bundle.shares("pretrained", trunk.digest, (cropped, VIEWS[1])) == {"wrist"}
    with torch.inference_mode():
        seen = trunk.features(
            [torch.from_numpy(bundle.preprocess.apply(v.name, frames()[v.name])) for v in VIEWS]
        )
    known = dict(zip(("front", "wrist"), seen, strict=True))
    alone = bundle.probabilities(frames())
    assert (bundle.probabilities({}, known) == alone).all()
    assert (bundle.probabilities({"wrist": frames()["wrist"]}, {"front": known["front"]}) == alone).all()
