"""The folder of a run."""

import re
import shutil
from importlib import metadata
from pathlib import Path

import msgspec
from conditions import CONDITIONS as KEPT
from mutations import on_disk, survey

from hilrt.control.replayed import REPLAY, Replayed
from hilrt.errors import RunFolderError
from hilrt.policy.vision import frozen_weights
from hilrt.run.conditions import CONDITIONS, Handed, handed
from hilrt.run.folder import VERSION, RunFolder, kept
from hilrt.run.version import ROOT, Version
from hilrt.step.features import from_config

PIXELS = Path(__file__).parents[2] / "configs" / "sim_so100_pixels.toml"


def test_a_run_that_was_moved_has_its_own_encoder(tmp_path):
    """Its config names its copy from where it lies: moved, or taken over by an evaluation, it is found again."""
    made = tmp_path / "made.safetensors"
    made.write_bytes(b"learned")
    overrides = [f"runs_dir={tmp_path}/runs", f"policy.weights={made}"]
    run = RunFolder.create(PIXELS, overrides, "train").path
    made.write_bytes(b"learned again")
    moved = Path(shutil.move(run, tmp_path / "elsewhere"))
    judged = RunFolder.fill(moved / "evals" / "now", moved / "config.toml", ["seed=1"])
    for folder in (moved, judged.path):
        weights = frozen_weights(RunFolder(folder).config())
        assert weights == folder / "encoder.safetensors"
        assert weights.read_bytes() == b"learned"


def test_the_part_of_the_frame_that_is_seen_is_part_of_the_features(tmp_path):
    """A crop stands beside a view's size; one of the whole frame is none."""
    crops = "processor.image_preprocessing.crop_params_dict"
    (camera, *_), regions = (
        from_config(RunFolder.create(PIXELS, [f"runs_dir={tmp_path}"], "a").config()).images,
        {},
    )
    for crop in ((0, 0, camera.height, camera.width), (8, 16, 64, 64)):
        run = RunFolder.create(
            PIXELS, [f"runs_dir={tmp_path}", f"{crops}={{{camera.name} = {list(crop)}}}"], "a"
        )
        regions[crop] = from_config(run.config()).views[0].region
    whole, part = regions
    assert regions == {whole: (), part: (*part, camera.height, camera.width)}


def test_what_a_run_keeps_is_read_right_or_refused(tmp_path):
    """Whatever happens to what a start has written down, its processes get just that, or an error of the run."""
    start = Handed(conditions=KEPT, differs=["the box is 20 mm higher"])
    file = RunFolder(tmp_path).keep(CONDITIONS, start)
    assert handed(tmp_path) == start
    assert survey(file.read_bytes(), on_disk(file, lambda: handed(tmp_path)), RunFolderError).refused


def test_what_a_replay_came_to_is_read_right_or_refused(tmp_path):
    """Whatever happens to replay.json, what is told of it is what came of the replay, or an error of the run."""
    result = Replayed(episode=4, steps=10, played=9, joint_deg=3.25, joint="elbow_flex", at_step=7)
    file = RunFolder(tmp_path).keep(REPLAY, result)
    assert kept(file, Replayed) == result
    read = on_disk(file, lambda: kept(file, Replayed))
    assert survey(file.read_bytes(), read, RunFolderError).refused


def test_a_second_run_of_the_same_second_is_numbered(tmp_path):
    """Also where its folder had another name until it was whole."""
    made = []
    for number in range(3):
        folder = tmp_path / f"draft{number}"
        folder.mkdir()
        (folder / "config.toml").touch()
        made.append(RunFolder(folder).named("a-train-1").path.name)
    assert made == ["a-train-1", "a-train-1-2", "a-train-1-3"]


def test_it_says_which_hilrt_made_it(tmp_path):
    """The version, and of a checkout the commit, by which the code is found again."""
    run = RunFolder.create(PIXELS, [f"runs_dir={tmp_path}"], "train")
    made = msgspec.json.decode((run.path / VERSION).read_bytes(), type=Version)
    assert made.version == metadata.version("hilrt")
    assert made.commit == "" or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", made.commit)
    assert bool(made.commit) == (ROOT / ".git").exists()
