"""Corrected labels wherever a dataset is read, and on their way into another one."""

import msgspec
import pytest
from format_rules import violations

from hilrt.data.labelling import Labelling, outcome
from hilrt.data.labels import LABELS, read_corrections, write_corrections
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rewrite import delete_episodes, export, merge
from hilrt.data.lerobot.rules import verify
from hilrt.errors import DatasetDamagedError, EpisodesAbsentError, LabelError


def told(_):
    """Nobody watches."""


@pytest.fixture
def labelling(root, record_session):
    """Four successes of six steps, two of them corrected: success earlier, and none."""
    record_session(range(4), steps=6, sparse=True)
    fold(root)
    labelling = Labelling(root)
    labelling.success(1, 4)
    labelling.span(1, 2, 4, "grasped")
    labelling.failure(3)
    return labelling


def outcomes(root, **how):
    dataset = open_dataset(root)
    return [outcome(dataset.episode(number, **how).records) for number in range(len(dataset))]


def test_a_dataset_is_read_as_corrected(root, labelling):
    """Iterated, by number and with frames; what was recorded is there too, and an undo brings it back."""
    now = ["success from 6", "success from 4", "success from 6", "failure"]
    assert outcomes(root) == now == [outcome(episode.records) for episode in open_dataset(root)]
    assert outcomes(root, frames=True) == now
    assert outcomes(root, as_recorded=True) == ["success from 6"] * 4
    assert [r.reward for r in open_dataset(root).episode(1).records] == [0, 0, 0, 1, 1, 1, 0]
    assert labelling.undo().kind == "failure"
    assert [labelling.undo(1).kind, labelling.undo().kind] == ["span", "success"]
    assert outcomes(root) == ["success from 6"] * 4
    with pytest.raises(LabelError, match="no correction that could be undone"):
        labelling.undo()
    with pytest.raises(EpisodesAbsentError, match="episodes 0 to 3; there is no 4"):
        labelling.failure(4)


def test_a_session_leaves_them(root, labelling, record_session):
    """Recording goes on behind them."""
    record_session(range(4, 5), steps=6, sparse=True)
    fold(root)
    assert outcomes(root)[1:] == ["success from 4", "success from 6", "failure", "success from 6"]
    assert len(read_corrections(root)) == len(labelling.corrections)


def test_they_stay_with_their_episodes(root, labelling, tmp_path):
    """Episodes deleted, and datasets joined: under its new number each has its corrections, and can lose them again."""
    out = tmp_path / "out"
    merge(out, [root, root], told)
    assert outcomes(out) == 2 * outcomes(root)
    delete_episodes(root, [0, 2], told)
    assert outcomes(root) == ["success from 4", "failure"]
    thinned = Labelling(root)
    assert "".join(name[0] for name in thinned.classes(0)) == "ffggsss"
    thinned.undo(1)
    assert outcomes(root) == ["success from 4", "success from 6"]
    delete_episodes(root, [0], told)
    delete_episodes(out, [1, 3, 5, 7], told)
    assert outcomes(root) == ["success from 6"]
    assert not (out / LABELS).exists()
    assert violations(root) == [] == list(verify(root, told))


def test_an_export_has_the_corrected_values(labelling, root, tmp_path):
    """What other tools read of it, and the statistics, are the corrected ones; hilrt reads the same."""
    out = tmp_path / "out"
    export(root, out, [3, 1], told, video=False)
    assert outcomes(out, as_recorded=True) == ["failure", "success from 4"] == outcomes(out)
    rows = open_dataset(out).rows
    assert [row.stats["next.reward"]["mean"][0] for row in rows] == [0.0, 0.5]
    assert "".join(name[0] for name in Labelling(out).classes(1)) == "ffggsss"
    assert violations(out) == [] == list(verify(out, told))


def test_corrections_of_other_episodes_are_laid_over_none(root, labelling):
    """Where another tool has renumbered the episodes the file fits no more: named, and nothing is read."""
    corrections = [msgspec.structs.replace(c, episode=0) for c in labelling.corrections]
    write_corrections(root / LABELS, corrections)
    with pytest.raises(
        DatasetDamagedError, match=r"labels\.json .*of episode 0 .* was said of another episode"
    ):
        open_dataset(root)
    broken = [str(violation) for violation in verify(root, told)]
    assert len(broken) == len(corrections)
    assert all(line.startswith(f"{LABELS}: what it says of episode 0") for line in broken)
    (root / LABELS).write_bytes(b"{")
    assert [v.file for v in verify(root, told)] == [LABELS]
