"""Pictures in shared memory: the newest of each camera, whole, whatever its writer does."""

import numpy as np
import pytest
from child import CAMERAS, SCHEMA
from inmemory import blank_memory
from mutations import any_damage, survey

from hilrt.errors import SegmentAbsentError, SegmentDamagedError, SegmentMismatchError
from hilrt.shm.pictures import Pictures, PictureSegment, Shutter
from hilrt.shm.segment import Segment
from hilrt.step.features import Features, Image

FEATURES = Features(10, ("",), ("a.pos",), ("dx",), (), (Image("front", 480, 640, 0),), CAMERAS)


@pytest.fixture
def memory():
    """Just as much memory as the pictures need."""
    return blank_memory(CAMERAS)


def noise(camera, seed):
    """A picture that no other is equal to."""
    return np.random.default_rng(seed).integers(0, 256, (camera.height, camera.width, 3), np.uint8)


def facts(frame):
    """Number and time of a frame."""
    return frame.sequence, frame.monotonic_ns


def test_newest_is_the_last_one_published(memory):
    """Each camera has nothing at first, then its last picture with number and time, and none has another's."""
    front, wrist = CAMERAS
    writer, reader = Pictures(memory, CAMERAS), Pictures(memory, CAMERAS)
    for number in range(1, 5):  # both buffers, twice
        writer.publish("front", noise(front, number), 100 + number)
        found = reader.newest("front")
        assert facts(found) == (number, 100 + number)
        np.testing.assert_array_equal(found.image, noise(front, number))
    assert reader.newest("wrist") is None
    for number in range(1, 4):
        writer.publish("wrist", noise(wrist, 10 + number), 200 + number)
    assert facts(reader.newest("wrist")) == (3, 203)
    np.testing.assert_array_equal(reader.newest("wrist").image, noise(wrist, 13))
    np.testing.assert_array_equal(reader.newest("front").image, noise(front, 4))


def test_newest_is_the_readers_own(memory):
    """A copy: later pictures do not change it, and writing to it changes nothing published."""
    pictures = Pictures(memory, CAMERAS)
    pictures.publish("front", noise(CAMERAS[0], 1), 1)
    mine = pictures.newest("front").image
    mine[:] = 0
    np.testing.assert_array_equal(pictures.newest("front").image, noise(CAMERAS[0], 1))
    for number in (2, 3):
        pictures.publish("front", noise(CAMERAS[0], number), number)
    assert not mine.any()


def test_cropped_pictures_are_published_as_they_look(memory):
    """A picture need not lie in one piece."""
    pictures, whole = Pictures(memory, CAMERAS), noise(Image("", 200, 200, 0), 0)
    pictures.publish("front", whole[10:130, 20:180], 1)
    np.testing.assert_array_equal(pictures.newest("front").image, whole[10:130, 20:180])


def test_half_written_picture_leaves_the_old_one(memory):
    """A writer that died in the middle has changed nothing that is seen, and its successor goes on counting."""
    with Pictures(memory, CAMERAS) as dead:
        dead.publish("front", noise(CAMERAS[0], 1), 1)
        shutter, buffers = dead._cameras["front"]
        buffers[(shutter.count + 1) % 2][:20] = 77
        shutter.time_0_ns = 2
    successor = Pictures(memory, CAMERAS)
    assert facts(successor.newest("front")) == (1, 1)
    np.testing.assert_array_equal(successor.newest("front").image, noise(CAMERAS[0], 1))
    successor.publish("front", noise(CAMERAS[0], 2), 2)
    assert facts(successor.newest("front")) == (2, 2)


def test_damaged_picture_is_not_shown(memory):
    """Whatever happens to a camera's memory, its newest picture is one that was shown, with its time, or an error."""
    shown, images = {}, CAMERAS[:1]
    with Pictures(memory, images) as pictures:
        for number in range(1, 4):
            shown[number] = noise(images[0], number)
            pictures.publish("front", shown[number], 100 + number)
    whole = bytes(memory[: Pictures.nbytes(images)])

    def read(data):
        memory[: len(data)] = data
        with Pictures(memory, images) as pictures:
            frame = pictures.newest("front")
        assert frame.monotonic_ns == 100 + frame.sequence
        np.testing.assert_array_equal(frame.image, shown[frame.sequence])
        return True

    def of_numbers(chance, data):
        """The pixels are most of it, and damage to one buffer's leaves the other picture."""
        part = data[: Shutter.size] if chance.random() < 0.5 else data
        name, changed = any_damage(chance, part)
        return name, (changed + data[len(changed) :])[: len(data)]

    assert survey(whole, read, SegmentDamagedError, of_numbers).refused


def test_picture_before_a_damaged_one_is_shown(memory):
    """Control sees an older picture, with its older time, as it does when a camera hangs."""
    pictures = Pictures(memory, CAMERAS)
    for number in (1, 2):
        pictures.publish("front", noise(CAMERAS[0], number), number)
    pictures._cameras["front"][1][0][7, 7, 1] ^= 1
    assert facts(pictures.newest("front")) == (1, 1)
    pictures.publish("front", noise(CAMERAS[0], 3), 3)
    assert facts(pictures.newest("front")) == (3, 3)


def test_pictures_are_never_torn(run, spawn):
    """Against a writer without pause, each picture is one it published, with its own time, and none goes back."""
    with (
        Segment.create(run, "pictures", Pictures.nbytes(CAMERAS), SCHEMA, Pictures.blank(CAMERAS)) as segment,
        Pictures(segment.buf, CAMERAS) as pictures,
    ):
        child = spawn("shoot", run)
        assert child.stdout.readline() == "ready\n"
        numbers: list[int] = []
        while len(numbers) < 5_000 or len(set(numbers[::100])) <= 10:
            frame = pictures.newest("front")
            assert frame.monotonic_ns == frame.sequence
            assert (frame.image == frame.sequence % 251).all()
            numbers.append(frame.sequence)
        assert child.poll() is None
    assert numbers == sorted(numbers)


def test_picture_of_another_size_is_refused(memory):
    """A picture that does not fit its camera is an error, and nothing is shown."""
    pictures = Pictures(memory, CAMERAS)
    with pytest.raises(ValueError, match="broadcast"):
        pictures.publish("front", noise(CAMERAS[1], 0), 1)
    assert pictures.newest("front") is None


def test_views_pass_between_two_openings(run):
    """What control shows in a run's views, whoever looks on sees, at the size of the views."""
    with PictureSegment.create(run, "views", FEATURES) as made:
        with (
            PictureSegment.attach(run, "views", FEATURES) as control,
            PictureSegment.attach(run, "views", FEATURES) as viewer,
        ):
            control.publish("wrist", noise(CAMERAS[1], 1), 5)
            assert facts(viewer.newest("wrist")) == (1, 5)
            np.testing.assert_array_equal(viewer.newest("wrist").image, noise(CAMERAS[1], 1))
        made.unlink()
    with pytest.raises(SegmentAbsentError, match=f"{run}-views"):
        PictureSegment.attach(run, "views", FEATURES)


def test_views_of_other_features_are_a_mismatch(run):
    """Views of another size cannot be opened."""
    other = Features(10, ("",), ("a.pos",), ("dx",), (), FEATURES.images, CAMERAS[:1])
    with PictureSegment.create(run, "views", FEATURES), pytest.raises(SegmentMismatchError, match="wrist"):
        PictureSegment.attach(run, "views", other)


def test_closed_views_refuse_use(run):
    """After close, twice, neither publishing nor reading works, and the memory is given back."""
    views = PictureSegment.create(run, "views", FEATURES)
    views.publish("front", noise(CAMERAS[0], 1), 1)
    kept = views.newest("front").image
    views.close()
    views.close()
    with pytest.raises(ValueError, match="released"):
        views.newest("front")
    with pytest.raises(ValueError, match="released"):
        views.publish("front", kept, 2)
    np.testing.assert_array_equal(kept, noise(CAMERAS[0], 1))
