"""A dataset from elsewhere cannot make hilrt read, write or remove anything outside its folder."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mutations import on_disk, survey
from test_fold import snapshot

from hilrt.data.lerobot.change import COMMIT, _removed
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.rewrite import delete_episodes
from hilrt.data.lerobot.rules import verify
from hilrt.errors import DatasetDamagedError, DatasetFormatError, DatasetPathError
from hilrt.step.sealed import sealed


@pytest.fixture
def outside(tmp_path):
    """A folder of the user's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "file-000.parquet").write_bytes(b"mine")
    return folder


@pytest.fixture
def dataset(record_session, root):
    """One of two sessions, and a third in its journal."""
    for session in range(2):
        record_session(range(session, session + 1))
        fold(root)
    record_session(range(2, 3))
    return root


def edit_info(root, **changes):
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("name", ["{outside}/file-000.parquet", "../home/file-000.parquet", "x/../../home"])
def test_a_commit_from_elsewhere_removes_nothing_outside(name, dataset, outside):
    """A `.hilrt-commit` that names absolute places, or `..`, is refused whole; a true one is still finished."""
    commit = dataset / COMMIT
    commit.mkdir()
    names = [name.format(outside=outside), "meta/stats.json"]
    (commit / "remove.json").write_bytes(sealed(names, 1))
    before = snapshot(dataset.parent)
    for opened in (
        exists,
        open_dataset,
        fold,
        lambda r: list(verify(r, print)),
        lambda r: delete_episodes(r, [0], print),
    ):
        with pytest.raises(
            DatasetPathError, match=r"home.* out of the dataset\. Nothing was read, written or"
        ):
            opened(dataset)
    assert snapshot(dataset.parent) == before
    (commit / "remove.json").write_bytes(sealed(["meta/stats.json"], 1))
    assert exists(dataset)
    assert not (dataset / "meta/stats.json").exists()
    commit.mkdir()
    (commit / "remove.json").write_text("{")
    with pytest.raises(DatasetDamagedError, match="is no list of files"):
        exists(dataset)


def test_damaged_list_of_a_commit_removes_nothing(tmp_path):
    """Whatever happens to the names that a commit takes away, they are those that were written, or it is refused."""
    file = tmp_path / "remove.json"
    whole = sealed(["data/chunk-000/file-001.parquet", "meta/episodes/chunk-000/file-000.parquet"], 1)
    assert survey(whole, on_disk(file, lambda: _removed(file)), DatasetDamagedError).refused


def test_a_commit_that_is_a_link_moves_nothing(dataset, outside):
    """Neither the commit itself, nor a folder that its files would go into, nor a file of it may be a link outwards."""
    (outside / "remove.json").write_bytes(sealed([], 1))
    (dataset / COMMIT).symlink_to(outside)
    before = snapshot(outside)
    with pytest.raises(DatasetPathError):
        exists(dataset)
    (dataset / COMMIT).unlink()
    (dataset / COMMIT / "videos").mkdir(parents=True)
    (dataset / COMMIT / "remove.json").write_bytes(sealed([], 1))
    (dataset / COMMIT / "videos/file").write_bytes(b"theirs")
    (dataset / "videos").symlink_to(outside)
    with pytest.raises(DatasetPathError):
        exists(dataset)
    (dataset / "videos").unlink()
    (dataset / COMMIT / "videos/link").symlink_to(outside / "file-000.parquet")
    with pytest.raises(DatasetPathError):
        exists(dataset)
    assert snapshot(outside) == before


@pytest.mark.parametrize(
    "template",
    [
        "../home/file-{file_index:03d}.parquet",
        "{outside}/file-{{file_index:03d}}.parquet",
        "link/file-{file_index:03d}.parquet",
    ],
)
def test_the_paths_of_info_json_stay_inside(template, dataset, outside, tmp_path):
    """Absolute, with `..`, or through a link: neither reading nor the next session goes there."""
    (dataset / "link").symlink_to(outside)
    template = template.format(outside=outside) if "{outside}" in template else template
    edit_info(dataset, data_path=template)
    before = snapshot(tmp_path)
    for touch in (
        fold,
        lambda root: list(open_dataset(root)),
        lambda root: list(verify(root, lambda _: None)),
    ):
        with pytest.raises(DatasetPathError):
            touch(dataset)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "template", ["{chunk_index.__class__}", "{file_index:>999999999}", "{", "{video_key}", "{}"]
)
def test_a_template_that_is_none_of_the_format_is_refused(template, dataset):
    """Attributes, paddings of a gigabyte, and braces alone are told, not formatted."""
    edit_info(dataset, data_path=template)
    with pytest.raises(DatasetFormatError, match="has a path that is none of the format"):
        open_dataset(dataset)


@pytest.mark.parametrize("index", ["../../../home", -1, None])
def test_an_index_that_is_no_number_is_refused(index, dataset):
    """Chunk and file of an episode are counts."""
    path = dataset / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    at = table.column_names.index("data/chunk_index")
    pq.write_table(table.set_column(at, "data/chunk_index", pa.array([index])), path)
    with pytest.raises(DatasetDamagedError, match=r"data/chunk_index is .* in a row"):
        open_dataset(dataset)


@pytest.mark.parametrize("name", ["meta", "hilrt", "data", "journal"])
def test_a_folder_that_is_a_link_outwards_is_refused(name, dataset, outside, tmp_path):
    """Not even what lies there rightly is read or changed: a journal's episodes are not taken away."""
    shutil.move(dataset / name, outside / name)
    (dataset / name).symlink_to(outside / name)
    before = snapshot(tmp_path)
    with pytest.raises(DatasetPathError):
        fold(dataset)
    assert snapshot(tmp_path) == before


def test_the_hubs_cache_is_read(dataset, tmp_path):
    """Files that are links from a snapshot into the blobs beside it are the dataset's own; others there are not."""
    snapshot_, blobs = tmp_path / "cache/snapshots/0a1b", tmp_path / "cache/blobs"
    blobs.mkdir(parents=True)
    for number, path in enumerate(p for p in dataset.rglob("*") if p.is_file()):
        link = snapshot_ / path.relative_to(dataset)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(shutil.copy(path, blobs / str(number)))
    assert not list(verify(snapshot_, lambda _: None))
    with pytest.raises(DatasetPathError):
        inside(snapshot_, "../../refs/main")


def test_a_link_to_itself_is_no_place(root):
    """A loop of links is an error of the dataset."""
    root.mkdir()
    (root / "loop").symlink_to("loop")
    with pytest.raises(DatasetPathError):
        inside(root, "loop/file")


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    """One of more than 255 bytes, letters of two bytes counted so; one of 255 is a place like others."""
    assert inside(tmp_path, "a" * 255) == tmp_path / ("a" * 255)
    for name in ("a" * 256, "ü" * 128, f"data/{'a' * 256}/file.parquet"):
        with pytest.raises(DatasetPathError):
            inside(tmp_path, name)
