"""kill -9 while a dataset changes: it is the old one or the new one, and nothing is lost or doubled."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from format_rules import violations

import hilrt
from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rewrite import delete_episodes

CHILD = Path(__file__).with_name("killed.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1])}


def command(*words):
    return [sys.executable, str(CHILD), *map(str, words)]


def contents(root):
    """Every step of every episode, and its pictures, but for the episodes' numbers."""
    if not exists(root):
        return []
    dataset = open_dataset(root)
    episodes = [dataset.episode(number, frames=True) for number in range(len(dataset))]
    return [[(r.monotonic_ns, r.state) for r in e.records] + e.frames for e in episodes]


def waiting(root):
    """The same of the journal's complete episodes."""
    episodes = read_episodes(root / "journal", frames=True)
    return [[(r.monotonic_ns, r.state) for r in e.records] + e.frames for e in episodes if not e.discarded]


@pytest.mark.parametrize("before", [0, 2])
def test_a_fold_killed_at_any_touch_of_the_disk(before, tmp_path, record_session, root):
    """With and without a dataset to begin with: the old one or the whole new one, and the next fold completes it."""
    record_session(range(before))
    fold(root)
    record_session(range(before, before + 2))
    record_session(range(before + 2, before + 3), discarded=True)
    old, new = contents(root), contents(root) + waiting(root)
    (tmp_path / "copies").mkdir()
    subprocess.run(command("fold", root, tmp_path / "copies"), env=ENVIRONMENT, check=True)
    *killed, finished = sorted((tmp_path / "copies").iterdir())
    assert len(killed) > 25
    assert contents(finished) == new
    seen = []
    for copy in killed:
        found = contents(copy)
        assert found in (old, new), copy
        assert found == new or found + waiting(copy) == new, copy
        assert not found or violations(copy) == [], copy
        fold(copy)
        assert contents(copy) == new, copy
        assert violations(copy) == []
        assert {p.name for p in copy.iterdir()} == {"journal", "meta", "data", "hilrt"}
        assert not list((copy / "journal").iterdir())
        seen.append(found == new)
    assert seen == sorted(seen)
    assert {True, False} == set(seen)


def test_a_deletion_killed_at_any_touch_of_the_disk(tmp_path, record_session, root):
    """Episodes are all there, or the named one is gone; asked again, the next one goes."""
    record_session(range(3))
    fold(root)
    old = contents(root)
    (tmp_path / "copies").mkdir()
    subprocess.run(command("delete", root, tmp_path / "copies"), env=ENVIRONMENT, check=True)
    *killed, finished = sorted((tmp_path / "copies").iterdir())
    assert len(killed) > 15
    assert contents(finished) == old[1:]
    for copy in killed:
        found = contents(copy)
        assert found in (old, old[1:]), copy
        assert violations(copy) == [], copy
        delete_episodes(copy, [0], lambda _: None)
        assert contents(copy) == found[1:], copy
        assert violations(copy) == [], copy


def test_folds_killed_at_random(record_session, root):
    """Session after session, each fold killed somewhere: every episode is there, once, in order."""
    generator = random.Random(5)
    made = 0
    expected = []
    for _ in range(12):
        record_session(range(made, made + 2))
        made += 2
        expected += waiting(root)[-2:]
        with subprocess.Popen(
            command("until-killed", root, "-"), stdout=subprocess.PIPE, env=ENVIRONMENT
        ) as child:
            child.stdout.readline()
            time.sleep(generator.uniform(0, 0.4))
            child.kill()
        found = contents(root)
        assert found == expected[: len(found)]
    fold(root)
    assert contents(root) == expected
    assert violations(root) == []
