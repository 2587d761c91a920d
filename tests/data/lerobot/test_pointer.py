"""Clones whose large files were not fetched."""

import pytest

from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rules import verify
from hilrt.errors import PointerFileError

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 123456\n".format("5e" * 32)


@pytest.mark.parametrize(
    "name",
    [
        "meta/info.json",
        "meta/tasks.parquet",
        "meta/episodes/chunk-000/file-000.parquet",
        "data/chunk-000/file-000.parquet",
        "videos/observation.images.front/chunk-000/file-000.mp4",
    ],
)
def test_a_pointer_is_told_with_its_cure(name, record_session, root):
    """Of whichever file: that it was not fetched, and the command that does; `verify` says the same."""
    record_session(range(1))
    fold(root, video=True)
    (root / name).write_text(POINTER)
    with pytest.raises(PointerFileError, match=rf"{name} is not there yet: .* `git lfs pull`"):
        open_dataset(root).episode(0, frames=True).images(0)
    if name.startswith(("data", "videos")):
        assert "git lfs pull" in "\n".join(map(str, verify(root, lambda _: None)))
