"""The journal on disk."""

import itertools
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from mutations import survey

import hilrt
from hilrt.data.format import MAGIC, MAGIC_3, Scan
from hilrt.data.journal import (
    check_features,
    episode_path,
    next_episode,
    read_episode,
    read_episodes,
)
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.pictures import joined, packed
from hilrt.errors import JournalFeaturesError, JournalFormatError, JournalOrderError, JournalWriteError
from hilrt.step.features import Image
from hilrt.step.record import Mode

WRITER = Path(__file__).with_name("write_until_killed.py")


@pytest.fixture
def write_steps(tmp_path, features, make_record, make_frames, encode):
    """Journal the named steps of an episode; the last is its final record where asked for."""

    def write(episode, steps, final=False, **fields):
        with JournalWriter(tmp_path, features, "pick") as journal:
            for step in steps:
                last = final and step == steps[-1]
                record = make_record(episode, step, final=last, **fields)
                journal.write(encode(record), packed(make_frames(step), features.images, "png"))
        return episode_path(tmp_path, episode)

    return write


def test_reads_back_records_and_frames(write_steps, make_record, make_frames, features):
    """What is read is what was written: header, records, and each camera's pixels."""
    path = write_steps(3, range(4), final=True, mode=Mode.DEMO)
    episode = read_episode(path, frames=True, features=features)
    assert episode.records == [make_record(3, s, mode=Mode.DEMO, final=s == 3) for s in range(4)]
    assert (episode.number, episode.mode, episode.header.task) == (3, Mode.DEMO, "pick")
    assert (episode.complete, episode.discarded, episode.torn) == (True, False, None)
    assert episode.frames == [packed(make_frames(s), features.images, "png") for s in range(4)]
    images = episode.images(2)
    assert images["front"].shape == (5, 7, 3)
    raw = np.frombuffer(make_frames(2), np.uint8)
    np.testing.assert_array_equal(images["wrist"].ravel(), raw[128 : 128 + 192])


def test_frames_stay_on_disk_unless_asked_for(write_steps):
    """Without frames the records are the same and no frame is held."""
    path = write_steps(0, range(5), final=True)
    assert read_episode(path).records == read_episode(path, frames=True).records
    assert read_episode(path).frames == []


def test_episodes_come_in_the_order_of_their_numbers(write_steps, tmp_path):
    """Order is by number, also where names have more digits; other files do not disturb."""
    for number in (1_000_000, 2, 30):
        write_steps(number, range(2))
    (tmp_path / "notes.txt").write_text("mine")
    assert [e.number for e in read_episodes(tmp_path)] == [2, 30, 1_000_000]
    assert next_episode(tmp_path) == 1_000_001


def test_first_episode_of_an_absent_folder(tmp_path):
    """A folder that is not there holds no episodes; numbers begin at 0."""
    assert next_episode(tmp_path / "none") == 0
    assert list(read_episodes(tmp_path / "none")) == []


def test_missing_steps_can_be_seen(write_steps):
    """A step that never came leaves a gap in the numbers of the steps."""
    path = write_steps(0, [0, 1, 4])
    assert [r.step for r in read_episode(path).records] == [0, 1, 4]


def test_an_episode_cut_off_is_not_complete(write_steps, tmp_path, features, make_record, encode):
    """The next episode closes the one before, which has no final record and stays so."""
    write_steps(0, range(3))
    with JournalWriter(tmp_path, features, "pick") as journal:
        journal.write(encode(make_record(1, 0)))
        assert journal.flushed == -1
        journal.write(encode(make_record(2, 0)))
        assert journal.flushed == 1
        journal.write(encode(make_record(2, 1, final=True, discarded=True)))
        assert journal.flushed == 2
    episodes = list(read_episodes(tmp_path))
    assert [e.complete for e in episodes] == [False, False, True]
    assert [e.discarded for e in episodes] == [False, False, True]


def test_a_step_that_is_there_is_not_written_again(write_steps, tmp_path, features, make_record, encode):
    """A recorder that died between writing and forgetting a step gets it again; the file holds it once."""
    path = write_steps(0, range(3))
    before = path.read_bytes()
    with JournalWriter(tmp_path, features, "pick") as journal:
        assert journal.write(encode(make_record(0, 2))) == 0
        assert path.read_bytes() == before
        assert journal.write(encode(make_record(0, 3, final=True))) > 0
    with JournalWriter(tmp_path, features, "pick") as journal:
        assert journal.write(encode(make_record(0, 3, final=True))) == 0
    assert [r.step for r in read_episode(path).records] == [0, 1, 2, 3]


def test_a_step_after_the_end_is_refused(write_steps, tmp_path, features, make_record, encode):
    """An ended episode takes no further step, so a number used twice is found out."""
    write_steps(0, range(3), final=True)
    with (
        JournalWriter(tmp_path, features, "pick") as journal,
        pytest.raises(JournalOrderError, match="ended with step 2, and another step 3"),
    ):
        journal.write(encode(make_record(0, 3)))


def test_another_step_by_the_same_number_is_not_dropped(write_steps, tmp_path, features, make_record, encode):
    """Two episodes by one number are found out at the first step, also by a writer that finds the file there."""
    write_steps(0, range(3))
    other = make_record(0, 1)
    other.wall_ns += 1
    with (
        JournalWriter(tmp_path, features, "pick") as journal,
        pytest.raises(JournalOrderError, match="goes to step 2, and another step 1 came"),
    ):
        journal.write(encode(other))


@pytest.mark.parametrize("cut", [1, 20, 24, 60, 200])
def test_a_torn_end_is_reported_and_written_over(cut, write_steps, tmp_path, features, make_record, encode):
    """Wherever the last record is cut, those before it are read, and the next writer goes on after them."""
    path = write_steps(0, range(4))
    os.truncate(path, path.stat().st_size - cut)
    episode = read_episode(path, frames=True)
    assert [r.step for r in episode.records] == [0, 1, 2]
    assert "record at byte" in episode.torn
    with JournalWriter(tmp_path, features, "pick") as journal:
        journal.write(encode(make_record(0, 3)))
    mended = read_episode(path, frames=True)
    assert ([r.step for r in mended.records], mended.torn) == ([0, 1, 2, 3], None)


def test_a_damaged_byte_costs_one_record_and_is_told(write_steps, features):
    """Whichever byte of a record is flipped, it alone is left out, those behind it are read, and that is told."""
    path = write_steps(0, range(4), final=True)
    whole = path.read_bytes()
    with Scan(path, features) as scan:
        starts = [scan.end, *(scan.end for _ in scan.records(frames=False))]
    for offset in range(starts[1], starts[2], 7):
        damaged = bytearray(whole)
        damaged[offset] ^= 0x10
        path.write_bytes(damaged)
        episode = read_episode(path, frames=True)
        assert [r.step for r in episode.records] == [0, 2, 3], offset
        assert len(episode.frames) == 3
        (lost,) = episode.lost
        assert lost.startswith(f"step 1 is lost (record at byte {starts[1]} of {len(whole)}: ")
        assert (episode.complete, episode.torn) == (True, None)
    path.write_bytes(whole)
    assert read_episode(path, frames=True).lost == []


@pytest.mark.parametrize("magic", [MAGIC, MAGIC_3])
@pytest.mark.parametrize("frames", [True, False])
def test_damage_never_makes_other_records(monkeypatch, write_steps, features, magic, frames):
    """Flipped, cut, repeated, moved, blanked: each record read is one of those written, in order; of either version."""
    monkeypatch.setattr("hilrt.data.journalwriter.MAGIC", magic)
    path = write_steps(0, range(12), final=True)
    written = {r.step: (r, f) for r, f in zip(*both(read_episode(path, frames=True)), strict=True)}
    silent = 0

    def read(data):
        nonlocal silent
        path.write_bytes(data)
        episode = read_episode(path, frames=frames, features=features)
        steps = [record.step for record in episode.records]
        assert steps == sorted(set(steps))
        for place, record in enumerate(episode.records):
            assert record == written[record.step][0]
            assert not frames or episode.frames[place] == written[record.step][1]
        silent += len(steps) < 12 and not (episode.lost or episode.torn or not episode.complete)
        return True

    tried = survey(path.read_bytes(), read, JournalFormatError)
    assert tried.unharmed > tried.refused
    assert silent == 0


def both(episode):
    return episode.records, episode.frames


def test_one_flipped_bit_costs_one_record_of_many(write_steps):
    """Of 42 records 41 are read, where once everything behind the ninth had vanished."""
    path = write_steps(0, range(42), final=True)
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 1
    path.write_bytes(data)
    episode = read_episode(path, frames=True)
    assert len(episode.records) == 41
    assert len(episode.lost) == 1


def test_record_of_another_place_or_file_is_none(write_steps, features):
    """Two records that have changed places are both refused, and so is one of another episode in the same place."""
    path, other = (write_steps(number, range(4), final=True) for number in (0, 1))
    whole, strange = path.read_bytes(), other.read_bytes()
    with Scan(path, features) as scan:
        starts = [scan.end, *(scan.end for _ in scan.records(frames=False))]
    first, second, third = (slice(*pair) for pair in itertools.pairwise(starts[:4]))
    path.write_bytes(whole[: starts[0]] + whole[second] + whole[first] + whole[starts[2] :])
    assert [r.step for r in read_episode(path).records] == [2, 3]
    path.write_bytes(whole[: starts[2]] + strange[third] + whole[starts[3] :])
    assert [r.step for r in read_episode(path).records] == [0, 1, 3]


def test_journals_of_the_version_before_are_read_and_gone_on_with(
    monkeypatch, write_steps, tmp_path, features, make_record, encode
):
    """Nobody's demonstrations are lost to a new version; such a file stays of the version that it was begun in."""
    monkeypatch.setattr("hilrt.data.journalwriter.MAGIC", MAGIC_3)
    path = write_steps(0, range(3))
    monkeypatch.undo()
    assert path.read_bytes().startswith(MAGIC_3)
    with JournalWriter(tmp_path, features, "pick") as journal:
        journal.write(encode(make_record(0, 3, final=True)))
    assert [r.step for r in read_episode(path, frames=True).records] == [0, 1, 2, 3]
    assert read_episode(path).complete


def test_writer_goes_on_behind_damage(write_steps, tmp_path, features, make_record, encode):
    """A recorder that comes back to a damaged file keeps what is behind the damage."""
    path = write_steps(0, range(4))
    data = bytearray(path.read_bytes())
    with Scan(path, features) as scan:
        data[scan.end + 30] ^= 1
    path.write_bytes(data)
    with JournalWriter(tmp_path, features, "pick") as journal:
        journal.write(encode(make_record(0, 4, final=True)))
    assert [r.step for r in read_episode(path).records] == [1, 2, 3, 4]


def test_what_is_no_journal_is_named(tmp_path):
    """An absent file, one of another version and a damaged header are errors that name the file."""
    path = episode_path(tmp_path, 0)
    with pytest.raises(JournalFormatError, match=r"episode_000000.hilrt: cannot be read: No such file"):
        read_episode(path)
    path.write_bytes(b"hilrt journal 9\n")
    with pytest.raises(
        JournalFormatError, match=r"of another version of hilrt: it begins with b'hilrt journal 9"
    ):
        list(read_episodes(tmp_path))
    path.write_bytes(b"\x89PNG, perhaps, or something else")
    with pytest.raises(JournalFormatError, match=r"no journal: it begins with b'\\x89PNG"):
        read_episode(path)
    path.write_bytes(MAGIC + b"short")
    with pytest.raises(JournalFormatError, match="damaged header: ends within its lengths"):
        read_episode(path)


def test_a_disk_that_fails_is_named(tmp_path, write_steps):
    """What opens well and then cannot be read, at its beginning or behind it, is the one error that names the file."""
    broken = episode_path(tmp_path, 7)
    broken.symlink_to("/proc/self/mem")  # of which no process can read the first page
    with pytest.raises(JournalFormatError, match=r"episode_000007.hilrt: cannot be read: Input/output error"):
        read_episode(broken)
    path = write_steps(0, range(200))
    with Scan(path, None) as scan, broken.open("rb", buffering=0) as other:
        other.seek(os.lseek(scan._file.fileno(), 0, os.SEEK_CUR))
        os.dup2(other.fileno(), scan._file.fileno())
        with pytest.raises(JournalFormatError, match=r"000000.hilrt: cannot be read: Input/output error"):
            list(scan.records(frames=True))


def test_a_picture_that_is_none_is_an_error_of_its_file(tmp_path, features, make_record, encode):
    """Recorded bytes that are no picture are told by the file and the step."""
    with JournalWriter(tmp_path, features, "pick") as journal:
        journal.write(encode(make_record(0, 0)), joined([b"none", b"neither"]))
    episode = read_episode(episode_path(tmp_path, 0), frames=True)
    with pytest.raises(JournalFormatError, match=r"000000.hilrt: step 0: damaged picture: 4 bytes that are"):
        episode.images(0)


def test_other_features_are_refused_by_reader_and_writer(
    write_steps, tmp_path, features, make_record, encode
):
    """Steps that consist of something else are neither read as ours nor added to; what differs is told in words."""
    path = write_steps(0, range(2))
    other = msgspec.structs.replace(features, fps=30, images=features.images[:1], state=("a.pos", "c.pos"))
    expected = (
        r"episode_000000\.hilrt was recorded with other features than this config gives: its rate is 10 Hz, "
        r"not 30 Hz; its state lacks c\.pos and has b\.pos; its recording has wrist 8x8\. Use the config"
    )
    with pytest.raises(JournalFeaturesError, match=expected):
        read_episode(path, features=other)
    with pytest.raises(JournalFeaturesError, match=expected):
        check_features(tmp_path, other)
    with (
        JournalWriter(tmp_path, other, "pick") as journal,
        pytest.raises(JournalFeaturesError, match=expected),
    ):
        journal.write(encode(make_record(0, 2)))


def test_how_pictures_are_seen_is_no_part_of_a_recording(write_steps, tmp_path, features):
    """Frames are recorded whole, so steps recorded under another crop or size are read as ours."""
    path = write_steps(0, range(2))
    other = msgspec.structs.replace(features, views=(Image("front", 2, 2, 0), Image("wrist", 2, 2, 64)))
    assert len(read_episode(path, features=other).records) == 2
    check_features(tmp_path, other)


def test_killed_at_any_instant_every_written_record_is_readable(tmp_path, features):
    """After each of 20 kills all that was confirmed is there, in order, and the next writer goes on."""
    random.seed(1)
    features = msgspec.structs.replace(features, images=(Image("front", 160, 240, 0),))
    environment = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1])}
    known = 0
    for _ in range(20):
        command = [sys.executable, str(WRITER), str(tmp_path), features.schema()]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
            child.stdout.readline()
            time.sleep(random.uniform(0, 0.02))
            child.kill()
            confirmed = [
                int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")
            ]
        seen = [
            (int.from_bytes(record.state, "little"), frame[:8])
            for episode in read_episodes(tmp_path, frames=True)
            for record, frame in zip(episode.records, episode.frames, strict=True)
        ]
        assert seen == [(i, i.to_bytes(8, "little")) for i in range(len(seen))]
        assert len(seen) >= (int(confirmed[-1]) if confirmed else known + 1)
        known = len(seen)


def test_a_full_disk_refuses_whole_records(small_disk, features, make_record, encode):
    """A full disk is named, keeps what was written, and takes the refused record once there is room."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(900_000))
    path = episode_path(small_disk, 0)
    with JournalWriter(small_disk, features, "pick") as journal:
        with pytest.raises(JournalWriteError, match=rf"No space left on device: {path}\. Free some space"):
            write_many(journal, make_record, encode)
        before = read_episode(path, frames=True)
        ballast.unlink()
        refused = len(before.records)
        journal.write(encode(make_record(0, refused)), bytes(30_000))
    after = read_episode(path, frames=True)
    assert refused > 1
    assert before.torn is after.torn is None
    assert [r.step for r in after.records] == list(range(refused + 1))


def write_many(journal, make_record, encode):
    """More than any disk here holds."""
    for step in range(1000):
        journal.write(encode(make_record(0, step)), bytes(30_000))


def test_a_write_cut_in_two_leaves_no_torn_record(tmp_path, features, make_record, encode):
    """A limit on the file's size in the middle of a record acts like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = episode_path(tmp_path, 0)
    with JournalWriter(tmp_path, features, "pick") as journal:
        journal.write(encode(make_record(0, 0)), bytes(30_000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(JournalWriteError, match="Free some space"):
                write_many(journal, make_record, encode)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        before = read_episode(path, frames=True)
        assert (len(before.records), before.torn) == (6, None)
        journal.write(encode(make_record(0, 6)), bytes(30_000))
    assert len(read_episode(path, frames=True).records) == 7


def test_no_name_without_a_header(small_disk, features, make_record, encode):
    """A disk too full for the header of a new episode leaves no file that readers would trip over."""
    (small_disk / "ballast").write_bytes(bytes(1024 * 1024))
    with (
        JournalWriter(small_disk, features, "pick") as journal,
        pytest.raises(JournalWriteError, match="No space left on device"),
    ):
        journal.write(encode(make_record(0, 0)))
    assert sorted(p.name for p in small_disk.iterdir()) == ["ballast"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path, features):
    """A folder below a file, or on a file system that takes none, is an error that names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalWriteError, match=r"Not a directory: .*file/journal\. Check the folder"):
        JournalWriter(tmp_path / "file" / "journal", features, "pick")
    with pytest.raises(JournalWriteError, match="/proc/journal"):
        JournalWriter(Path("/proc/journal"), features, "pick")
