"""Home folders in task files."""

from pathlib import Path

import pytest

from hilrt.config.paths import PATHS, expand
from hilrt.config.taskfile import load
from hilrt.errors import ConfigError

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"


def test_home_is_meant_by_a_tilde(monkeypatch):
    """A path that starts with `~` starts with the home folder; other text may have one anywhere."""
    monkeypatch.setenv("HOME", "/home/her")
    config = load(SIM, ["dataset.root=~/demonstrations", "runs_dir=a~b", "teleop.device=~x"])
    assert config.dataset.root == "/home/her/demonstrations"
    assert (config.runs_dir, config.teleop.device) == ("a~b", "~x")


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_every_path_may_have_one(monkeypatch, path):
    """Wherever a file, a folder or a device is named, under any name of a camera or an arm."""
    monkeypatch.setenv("HOME", "/home/her")
    tree = value = {}
    for name in path[:-1]:
        value = value.setdefault(name.replace("*", "left"), {})
    value[path[-1]] = "~/x"
    expand(tree, "task.toml", ".")
    assert value[path[-1]] == "/home/her/x"


def test_a_files_own_folder(tmp_path):
    """`{here}` at the start of a path is the folder that the file lies in, wherever that is."""
    (tmp_path / "task.toml").write_text(SIM.read_text())
    config = load(tmp_path / "task.toml", ["dataset.root={here}/mine", "runs_dir=a{here}/b"])
    assert (config.dataset.root, config.runs_dir) == (f"{tmp_path}/mine", "a{here}/b")


def test_home_of_nobody():
    """A user that is not there is named with the option."""
    with pytest.raises(ConfigError, match=r"\$\.dataset\.root: ~nobody-here/x: there is no such user"):
        load(SIM, ["dataset.root=~nobody-here/x"])
