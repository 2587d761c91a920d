"""From the journal into the dataset."""

import json
import math
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from steps import STEPS, step_of

from hilrt.data.format import Scan
from hilrt.data.journal import JOURNAL, episode_path, read_episode, read_episodes
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot import columns, writer
from hilrt.data.lerobot.change import locked
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rewrite import delete_episodes, export
from hilrt.data.lerobot.rules import verify
from hilrt.data.pictures import joined
from hilrt.errors import (
    DatasetAbsentError,
    DatasetBusyError,
    DatasetDamagedError,
    DatasetFormatError,
    DatasetWriteError,
    ForeignDatasetError,
    JournalFeaturesError,
    OldDemonstrationsError,
)
from hilrt.step.record import encode_into


def snapshot(folder):
    """Every file below a folder, with what is in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_sessions_add_up_and_come_back_exactly(record_session, root, features):
    """What two sessions recorded is read from the dataset to the bit, pictures too, and the journal is empty."""
    known = 0
    for numbers in (range(3), range(3, 5)):
        record_session(numbers)
        recorded = list(read_episodes(root / "journal", frames=True))
        assert fold(root, features).kept == len(recorded)
        dataset = open_dataset(root, features)
        assert len(dataset) == known + len(recorded)
        for episode in recorded:
            found = dataset.episode(episode.number, frames=True)
            assert (found.records, found.frames) == (episode.records, episode.frames)
            assert found.header == episode.header
            assert dataset.episode(episode.number).records == episode.records
        known = len(dataset)
        assert not list((root / "journal").iterdir())


def test_a_session_never_touches_the_files_of_those_before(record_session, root, features):
    """Of what is there, only the small files that count are written anew."""
    record_session(range(2))
    fold(root, features)
    before = snapshot(root)
    record_session(range(2, 4))
    fold(root, features)
    after = snapshot(root)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"meta/info.json", "meta/stats.json"}


def test_discarded_episodes_go_and_numbers_close_up(record_session, root, features):
    """An episode to be recorded again is dropped; those behind it get the next numbers."""
    record_session(range(2, 3))
    record_session(range(3, 4), discarded=True)
    record_session(range(7, 8))
    folded = fold(root, features)
    assert (folded.kept, folded.dropped, folded.left) == (2, 1, [])
    assert [e.records[0].monotonic_ns for e in open_dataset(root)] == [3 * 10**9, 8 * 10**9]


def test_a_cut_episode_stays_until_it_is_recovered(record_session, root, features):
    """Without its end it stays in the journal; recovered, its last observation is the final one."""
    record_session(range(1))
    record_session(range(1, 2), complete=False)
    folded = fold(root, features)
    assert folded.kept == 1
    assert folded.left == ["episode_000001.hilrt: is cut off after 5 steps"]
    (cut,) = read_episodes(root / "journal", frames=True)
    folded = fold(root, features, cut=True)
    assert (folded.kept, folded.left) == (1, [])
    found = open_dataset(root, features).episode(1, frames=True)
    assert [r.step for r in found.records] == [0, 1, 2, 3, 4]
    assert found.frames == cut.frames
    assert found.records[:3] == cut.records[:3]
    before, last = found.records[-2:]
    assert (before.truncated, before.terminated, before.reward) == (True, False, cut.records[3].reward)
    assert (last.final, last.truncated, last.state, last.action) == (True, True, cut.records[4].state, b"")
    assert not list(verify(root, lambda _: None))


def test_episodes_of_another_folder_stay_there(record_session, root, tmp_path):
    """What is recovered from a journal elsewhere is copied, once, and that journal is as it was."""
    record_session(range(2), folder=tmp_path / "run")
    record_session(range(2, 3), folder=tmp_path / "run", complete=False)
    before = snapshot(tmp_path / "run")
    assert [fold(root, journal=tmp_path / "run", cut=True).kept for _ in range(2)] == [3, 0]
    assert snapshot(tmp_path / "run") == before
    assert len(open_dataset(root)) == 3


def test_an_episode_that_lacks_only_its_end_keeps_its_success(root, features):
    """Killed between the last step and the final record: what that step says of the end is not lost."""
    steps = [step_of(features, 0, step) for step in range(3)]
    steps[-1] = msgspec.structs.replace(steps[-1], reward=1.0, terminated=True, success=True)
    plain = msgspec.structs.replace(features, images=())
    with JournalWriter(root / "journal", plain, "pick_lift") as journal:
        for step in steps:
            journal.write(bytes(encode_into(msgspec.structs.replace(step, frame_ages_ms=()), bytearray())))
    fold(root, cut=True)
    (episode,) = open_dataset(root)
    assert episode.records[-1].success
    assert [(r.reward, r.terminated, r.truncated) for r in episode.records[1:2]] == [(1.0, True, False)]


def test_a_damaged_episode_stays_and_the_others_go(record_session, root, features):
    """A flipped bit, a picture that is none, a missing one: named, and left; `recover` takes what is whole."""
    record_session(range(4))
    path = episode_path(root / "journal", 1)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    for number, piece in ((2, joined([b"\x89PNG", b"no"])), (4, b"")):
        with JournalWriter(root / "journal", features, "pick_lift") as journal:
            for step in range(STEPS + 1):
                record = step_of(features, 10 + number, step, final=step == STEPS)
                journal.write(
                    bytes(encode_into(msgspec.structs.replace(record, episode=10 + number), bytearray())),
                    piece,
                )
    folded = fold(root, features)
    assert folded.kept == 3
    left = "\n".join(folded.left)
    assert "episode_000001.hilrt: is cut off after 5 steps" in left or "read up to step 4 only" in left
    assert "episode_000012.hilrt: damaged picture: 4 bytes that are no picture" in left
    assert "episode_000014.hilrt: step 0 has 0 of 2 pictures" in left
    assert len(list((root / "journal").iterdir())) == 3
    assert fold(root, features, cut=True).kept == 1
    assert len(open_dataset(root, features).episode(3, frames=True).frames) == 5
    assert not list(verify(root, lambda _: None))


@pytest.mark.parametrize("part", ["record", "pictures"])
def test_what_is_lost_of_a_damaged_episode_is_told(record_session, root, features, part):
    """Damage in the middle keeps an episode in the journal; recovered, all else of it is in, and the loss is told."""
    record_session(range(1))
    path = episode_path(root / "journal", 0)
    before = read_episode(path, frames=True)
    with Scan(path, None) as scan:
        starts = [scan.end, *(scan.end for _ in scan.records(frames=False))]
    data = bytearray(path.read_bytes())
    data[starts[2] + 30 if part == "record" else starts[3] - 5] ^= 1
    path.write_bytes(data)
    told = "step 2 is lost" if part == "record" else "pictures of step 2 are damaged"
    folded = fold(root, features)
    assert (folded.kept, len(folded.left)) == (0, 1)
    assert folded.left[0].startswith(f"episode_000000.hilrt: {told}") or told in folded.left[0]
    folded = fold(root, features, cut=True)
    assert (folded.kept, folded.left) == (1, [])
    (lost,) = folded.lost
    assert lost.startswith("episode_000000.hilrt: step 2 is lost (record at byte")
    found = open_dataset(root, features).episode(0, frames=True)
    assert [r.step for r in found.records] == [0, 1, 3, 4, 5]
    assert found.frames == [frames for step, frames in enumerate(before.frames) if step != 2]
    assert not list(verify(root, lambda _: None))


def test_verify_tells_of_damage_in_the_journal(record_session, root, features):
    """What is not in the dataset yet is looked at too; an episode that is only cut off breaks no rule."""
    record_session(range(1))
    fold(root, features)
    record_session(range(1, 2))
    record_session(range(2, 3), complete=False)
    assert not list(verify(root, lambda _: None))
    path = episode_path(root / "journal", 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (violation,) = verify(root, lambda _: None)
    assert violation.file == "journal/episode_000001.hilrt"
    assert "is lost (record at byte" in violation.problem


def test_long_episodes_go_through_in_parts(monkeypatch, record_session, root, features):
    """Row groups hold a few pictures each, and an episode in many of them is read as one."""
    monkeypatch.setattr(writer, "GROUP_BYTES", 2500)
    record_session(range(2), steps=20)
    recorded = list(read_episodes(root / "journal", frames=True))
    fold(root, features)
    file = pq.read_metadata(root / "data/chunk-000/file-000.parquet")
    assert 10 <= file.num_row_groups < 40
    dataset = open_dataset(root, features)
    for episode in recorded:
        found = dataset.episode(episode.number, frames=True)
        assert (found.records, found.frames) == (episode.records, episode.frames)


def test_files_end_at_the_size_that_info_json_says(record_session, root, features):
    """A data file is closed before an episode that would make it too long; file numbers go over into chunks."""
    record_session(range(1))
    fold(root, features)
    path = root / "meta/info.json"
    info = json.loads(path.read_text()) | {"data_files_size_in_mb": 0.02, "chunks_size": 2}
    path.write_text(json.dumps(info))
    record_session(range(1, 5))
    recorded = list(read_episodes(root / "journal"))
    fold(root, features)
    files = sorted(str(p.relative_to(root / "data")) for p in root.glob("data/*/*"))
    assert files[:3] == [
        "chunk-000/file-000.parquet",
        "chunk-000/file-001.parquet",
        "chunk-001/file-000.parquet",
    ]
    assert all(p.stat().st_size < 40_000 for p in root.glob("data/*/*"))
    assert [e.records for e in open_dataset(root)][1:] == [e.records for e in recorded]
    assert not list(verify(root, lambda _: None))


def test_other_features_are_refused_and_nothing_changes(record_session, root, features):
    """A dataset, or a journal, of other steps is told in words; dataset and journal stay as they are."""
    record_session(range(1))
    fold(root, features)
    other = msgspec.structs.replace(features, state=("a.pos", "c.pos"))
    record_session(range(1, 2), features=other)
    before = snapshot(root)
    with pytest.raises(
        JournalFeaturesError, match=r"dataset was recorded with other .* its state lacks c\.pos"
    ):
        fold(root, other)
    with pytest.raises(JournalFeaturesError, match=r"episode_000001\.hilrt was recorded with other features"):
        fold(root, features)
    assert snapshot(root) == before


def add_columns(root):
    """As a tool does that computes something of each step: in the data, and in info.json."""
    path = root / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("returns", pa.array([0.5] * len(table), pa.float32())), path)
    info = json.loads((root / "meta/info.json").read_text())
    info["features"]["returns"] = {"dtype": "float32", "shape": [1], "names": None}
    info["features"]["observation.images.depth"] = {"dtype": "image", "shape": [24, 32, 3], "names": None}
    (root / "meta/info.json").write_text(json.dumps(info))


def test_columns_of_another_tool_are_read_past_and_never_dropped(record_session, root, features, tmp_path):
    """Steps are what they were; what would leave the columns out says so, but for a copy, and changes nothing."""
    record_session(range(2))
    fold(root, features)
    before = [episode.records for episode in open_dataset(root, features)]
    add_columns(root)
    assert [episode.records for episode in open_dataset(root, features)] == before
    record_session(range(2, 3))
    there = snapshot(root)
    told = r"info\.json: has columns that hilrt does not write: observation\.images\.depth, returns; nothing"
    for change in (lambda: fold(root, features), lambda: delete_episodes(root, [0], lambda _: None)):
        with pytest.raises(DatasetFormatError, match=told):
            change()
        assert snapshot(root) == there
    assert export(root, copy := tmp_path / "copy", None, lambda _: None, video=False) == 2
    assert fold(copy, features, journal=root / JOURNAL).kept == 1
    assert [episode.records for episode in open_dataset(copy, features)][:2] == before


def test_folders_that_hold_something_else_are_named(record_session, root, features):
    """No dataset, one of others, of another version, damaged, and demonstrations where they used to lie."""
    with pytest.raises(DatasetAbsentError, match=r"no dataset in .*dataset: it has no meta/info.json"):
        open_dataset(root)
    record_session(range(1))
    fold(root, features)
    record_session(range(1, 2))
    info = (root / "meta/info.json").read_text()

    def refused(error, words):
        before = snapshot(root)
        with pytest.raises(error, match=words):
            fold(root, features)
        assert snapshot(root) == before

    (root / "meta/info.json").write_text(info.replace("v3.0", "v2.1"))
    refused(DatasetFormatError, r"info.json: is of v2.1; hilrt reads v3.0. Convert it")
    (root / "meta/info.json").write_text(info[:-20])
    refused(
        DatasetDamagedError, r"info.json is damaged: it is not what it should be: Input data was truncated"
    )
    (root / "meta/info.json").write_text(info)
    shutil.move(root / "hilrt/features.json", root / "features.json")
    refused(ForeignDatasetError, r"made by others: .* `hilrt dataset import SRC ROOT --config CONFIG`")
    shutil.move(root / "features.json", root / "hilrt/features.json")
    shutil.copy(episode_path(root / "journal", 1), root)
    refused(OldDemonstrationsError, r"mv .*/dataset/episode_\*.hilrt .*/dataset/journal/")
    (root / "episode_000001.hilrt").unlink()
    episodes = root / "meta/episodes/chunk-000/file-000.parquet"
    episodes.write_bytes(episodes.read_bytes()[:-7])
    refused(DatasetDamagedError, r"file-000.parquet is damaged: .* Nothing was changed")


def test_corrupt_data_is_named_where_it_is_read(record_session, root, features):
    """A flipped byte in a data file is found by its checksum; other episodes can be read, and new ones added."""
    for numbers in (range(1), range(1, 2)):
        record_session(numbers)
        fold(root, features)
    path = root / "data/chunk-000/file-000.parquet"
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 40] ^= 4
    path.write_bytes(data)
    dataset = open_dataset(root, features)
    with pytest.raises(DatasetDamagedError, match=r"file-000.parquet is damaged: .*CRC"):
        dataset.episode(0, frames=True)
    assert len(dataset.episode(1, frames=True).frames) == STEPS + 1
    record_session(range(2, 3))
    assert fold(root, features).kept == 1
    assert "file-000.parquet is damaged" in "\n".join(map(str, verify(root, lambda _: None)))


def test_one_writer_at_a_time(monkeypatch, record_session, root, features):
    """While a recorder has the journal, or another fold the dataset, a fold says so and changes nothing."""
    monkeypatch.setattr("hilrt.data.lerobot.change.WAIT_S", 0.1)
    record_session(range(1))
    for folder in (root / "journal", root):
        with locked(folder), pytest.raises(DatasetBusyError, match="is being written by another hilrt"):
            fold(root, features)
    assert fold(root, features).kept == 1


def test_a_fold_that_waited_takes_what_is_there_then(monkeypatch, record_session, root, features):
    """Episodes are listed once the journal is ours: what was written meanwhile is taken, what is gone is not."""
    waits = threading.Event()
    monkeypatch.setattr("hilrt.data.lerobot.change.time.sleep", lambda _: waits.set())
    record_session(range(2))
    with ThreadPoolExecutor(1) as pool, locked(root / "journal"):
        later = pool.submit(fold, root, features)
        assert waits.wait(30)
        record_session(range(2, 3))
        episode_path(root / "journal", 0).unlink()
    assert (later.result().kept, later.result().left) == (2, [])


def edit(path, **changes):
    """Change columns of a file in place, each by a function of its values."""
    table = pq.read_table(path)
    for key, change in changes.items():
        at = table.column_names.index(name := key.replace("__", "."))
        new = pa.array(change(table.column(at).to_pylist()), table.schema.field(at).type)
        table = table.set_column(at, name, new)
    pq.write_table(table, path)


@pytest.mark.parametrize("success", [True, False])
def test_a_reward_that_another_tool_has_changed_holds(success, record_session, root, features, tmp_path):
    """`next.reward` relabelled in place is what is read and exported, and says whether it was a success."""
    record_session(range(2))
    fold(root, features)
    before = open_dataset(root, features).episode(0).records
    label = [0.25, 0.5, 0.75, 0.5, 1.0 if success else 0.0]
    edit(root / "data/chunk-000/file-000.parquet", next__reward=lambda old: label + old[STEPS:])
    export(root, tmp_path / "out", None, lambda _: None, video=False)
    for place in (root, tmp_path / "out"):
        first, second = open_dataset(place, features)
        assert [r.reward for r in first.records[:-1]] == label
        assert (first.records[-2].success, first.records[-1].success) == (success, success)
        assert [r.state for r in first.records] == [r.state for r in before]
        assert [r.reward for r in second.records[:-1]] == [0.1 * step for step in range(STEPS)]


def test_a_reward_that_is_no_number_is_learned_by_nobody(record_session, root, features):
    """NaN in `next.reward` is named where the episode is read, and by `verify`; the others can be read."""
    record_session(range(2))
    fold(root, features)
    edit(root / "data/chunk-000/file-000.parquet", next__reward=lambda old: [*old[:2], math.nan, *old[3:]])
    dataset = open_dataset(root, features)
    with pytest.raises(
        DatasetDamagedError, match=r"file-000.parquet is .*episode 0: next.reward is nan at its row 2"
    ):
        dataset.episode(0)
    assert len(dataset.episode(1).records) == STEPS + 1
    assert "row 2: next.reward is nan" in "\n".join(map(str, verify(root, lambda _: None)))


@pytest.mark.parametrize("file", ["data/chunk-000/file-000.parquet", "hilrt/final-000000.parquet"])
@pytest.mark.parametrize(
    ("column", "cell", "called"),
    [
        ("hilrt__mode", 9, "hilrt.mode is 9"),
        ("complementary_info__is_intervention", 2.0, "complementary_info.is_intervention is 2.0"),
        ("complementary_info__is_intervention", math.nan, "complementary_info.is_intervention is nan"),
        ("complementary_info__is_intervention", 0.5, "complementary_info.is_intervention is 0.5"),
        ("action", [0.0, 0.0, 0.0, 7.0], "the gripper of action is 7.0"),
        ("hilrt__policy_action", [0.0, 0.0, 0.0, math.nan], "the gripper of hilrt.policy_action is nan"),
    ],
)
def test_a_cell_that_means_nothing_is_named(file, column, cell, called, record_session, root, features):
    """A code that there is not is told by file, column and row where its episode is read; the others can be read."""
    record_session(range(2))
    fold(root, features)
    edit(root / file, **{column: lambda old: [cell, *old[1:]]})
    dataset = open_dataset(root, features)
    with pytest.raises(DatasetDamagedError, match=rf"{file} is damaged: episode 0: {called} at its row 0\."):
        dataset.episode(0)
    assert len(dataset.episode(1).records) == STEPS + 1
    told = [str(violation) for violation in verify(root, lambda _: None)]
    assert told == [f"{file} row 0: {called}"]


def test_no_cell_is_nan(record_session, root, features):
    """What a step does not have is 0 on disk: other tools make nulls of NaN, and then refuse their own files."""
    record_session(range(2))
    fold(root, features)
    for row in pq.read_table(root / "data/chunk-000/file-000.parquet").to_pylist():
        for key, value in row.items():
            numbers = value if isinstance(value, list) else [value]
            assert not [n for n in numbers if isinstance(n, float) and math.isnan(n)], key


def test_a_dataset_of_an_earlier_version_goes_on(monkeypatch, record_session, root, features):
    """Without `hilrt.told` gaps are NaN; such a dataset is read, added to, and in order, to the bit."""
    table_of = columns.table_of
    monkeypatch.setattr(
        writer, "table_of", lambda *a, **k: {n: f for n, f in table_of(*a, **k).items() if n != columns.TOLD}
    )
    record_session(range(2))
    recorded = list(read_episodes(root / "journal"))
    fold(root, features)
    monkeypatch.setattr(writer, "table_of", table_of)
    record_session(range(2, 4))
    recorded += read_episodes(root / "journal")
    fold(root, features)
    dataset = open_dataset(root, features)
    assert columns.TOLD not in dataset.info.features
    assert [e.records for e in dataset] == [e.records for e in recorded]
    assert not list(verify(root, lambda _: None))


def test_a_full_disk_changes_nothing(small_disk, record_session, features):
    """Where the new files do not fit: a clear error, dataset and journal as before; with room, all goes on."""
    record_session(range(2), small_disk)
    fold(small_disk, features)
    record_session(range(2, 14), small_disk, steps=12)
    ballast = small_disk / "ballast"
    free = shutil.disk_usage(small_disk).free
    ballast.write_bytes(bytes(free - 60_000))
    before = snapshot(small_disk)
    with pytest.raises(
        DatasetWriteError, match=r"No space left on device: .* Free some space, then try again"
    ):
        fold(small_disk, features)
    assert snapshot(small_disk) == before
    ballast.unlink()
    assert fold(small_disk, features).kept == 12
    assert not list(verify(small_disk, lambda _: None))


def test_a_full_disk_while_filming_changes_nothing(small_disk, record_session, features):
    """The same where pictures become video."""
    record_session(range(8), small_disk, steps=12)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 20_000))
    with pytest.raises(DatasetWriteError, match=r"No space left on device"):
        fold(small_disk, features, video=True)
    assert not exists(small_disk)
    ballast.unlink()
    assert fold(small_disk, features, video=True).kept == 8


def test_a_read_only_folder_is_named(small_disk, record_session, features):
    """A file system that takes no writes: a clear error, and reading still works."""
    record_session(range(2), small_disk)
    fold(small_disk, features)
    record_session(range(2, 3), small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DatasetWriteError, match=r"Read-only file system: .* Check the folder's owner"):
        fold(small_disk, features)
    assert len(open_dataset(small_disk, features).episode(1, frames=True).frames) == STEPS + 1
