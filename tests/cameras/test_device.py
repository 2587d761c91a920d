"""A V4L2 camera and all that it may do."""

import cv2
import numpy as np
import pytest
from driver import YUYV, Driver, after, pictures, wait_for

from hilrt.config import CameraControls
from hilrt.errors import CameraError


def refusal(camera):
    """The error that it ends with."""
    camera._thread.join()
    with pytest.raises(CameraError) as caught:
        camera.check()
    return str(caught.value)


def test_another_format_and_rate_are_taken(plug_in):
    """A camera without MJPG that gives 25 where 30 are asked for is used, and says what it gives."""
    camera = plug_in(Driver(pictures(), formats=(YUYV,), rates=(5, 25)))
    wait_for(lambda: camera.shown > 3)
    assert camera.mode == "64x48 at 25 fps, YUYV"


def test_a_camera_takes_what_it_is_asked_for(plug_in):
    """Format first, then rate, where it has them."""
    camera = plug_in(Driver(pictures(), rates=(5, 30, 60)))
    wait_for(lambda: camera.shown)
    assert camera.mode == "64x48 at 30 fps, MJPG"


WEBCAM = {
    cv2.CAP_PROP_AUTO_EXPOSURE: (0, 3),
    cv2.CAP_PROP_EXPOSURE: (3, 2047),
    cv2.CAP_PROP_GAIN: (0, 255),
    cv2.CAP_PROP_AUTO_WB: (0, 1),
    cv2.CAP_PROP_WB_TEMPERATURE: (2800, 6500),
}
"""Controls of a webcam that cannot focus, all automatic, each at its highest value."""


def test_controls_are_set_and_others_left(plug_in):
    """Their automatics are switched off before; what the task file says nothing of stays as the camera has it."""
    driver = Driver(pictures(), ranges=WEBCAM)
    camera = plug_in(driver, controls=CameraControls(exposure=157, white_balance=4600))
    wait_for(lambda: camera.shown)
    assert driver.controls == {
        cv2.CAP_PROP_AUTO_EXPOSURE: 1,
        cv2.CAP_PROP_EXPOSURE: 157,
        cv2.CAP_PROP_GAIN: 255,
        cv2.CAP_PROP_AUTO_WB: 0,
        cv2.CAP_PROP_WB_TEMPERATURE: 4600,
    }


def test_what_is_automatic_is_known(plug_in):
    """What the task file sets is not any more, and of what a camera does not have nothing is said."""
    camera = plug_in(Driver(pictures(), ranges=WEBCAM))
    wait_for(lambda: camera.shown)
    assert camera.automatic == ("exposure", "white_balance")
    camera = plug_in(Driver(pictures(), ranges=WEBCAM), controls=CameraControls(exposure=157))
    wait_for(lambda: camera.shown)
    assert camera.automatic == ("white_balance",)


def test_controls_are_set_anew(plug_in):
    """A device that gave nothing may have been unplugged, and have forgotten them."""
    driver = Driver(after(*[False] * 12), ranges=WEBCAM)
    camera = plug_in(driver, controls=CameraControls(exposure=157))
    wait_for(lambda: camera.shown)
    assert driver.opened > 1
    assert driver.controls[cv2.CAP_PROP_EXPOSURE] == 157


@pytest.mark.parametrize(
    ("controls", "problem"),
    [
        ({"focus": 0}, "its driver refuses robot.cameras.front.controls.focus = 0"),
        ({"gain": 300}, "its driver makes 255 of robot.cameras.front.controls.gain = 300"),
    ],
)
def test_a_control_that_is_not_to_be_had_is_refused(plug_in, controls, problem):
    """One that the driver does not have, or of which it makes another value, is named."""
    assert problem in refusal(plug_in(Driver(pictures(), ranges=WEBCAM), controls=CameraControls(**controls)))


def test_less_than_a_picture_a_tick_is_refused(plug_in):
    """A camera that cannot give env.fps is named, with both rates; one that does not say how many it gives is tried."""
    message = refusal(plug_in(Driver(pictures(), rates=(25,)), slowest=30))
    assert "gives 64x48 at 25 fps, MJPG, less than env.fps = 30" in message
    camera = plug_in(Driver(pictures(), rates=(-1,)), slowest=30)
    wait_for(lambda: camera.shown)


def test_another_size_is_refused(plug_in):
    """The size is what the policy was trained on: nothing else is taken."""
    message = refusal(plug_in(Driver(pictures(), size=(640, 480))))
    assert "/dev/null gives 640x480 where the config asks for 64x48" in message


def test_what_is_no_picture_is_passed_over(plug_in):
    """Of what does not decode, is empty, or has another size, nothing is shown; what follows is."""
    broken = (
        None,
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((24, 64, 3), np.uint8),
        np.zeros((48, 64), np.uint8),
    )
    camera = plug_in(Driver(after(*broken)))
    wait_for(lambda: camera.shown > 2)
    assert camera.broken == len(broken)
    assert {image.shape for image in plug_in.shown} == {(48, 64, 3)}


def test_an_exception_in_a_read_ends_nothing(plug_in):
    """OpenCV may raise at any read: it is tried again."""
    camera = plug_in(Driver(after(cv2.error("v4l"), OSError(19, "No such device"), False)))
    wait_for(lambda: camera.shown > 2)
    camera.check()


def test_a_camera_that_gives_nothing_is_opened_anew(plug_in):
    """After a second without a picture, or with nothing but broken ones; it is said why meanwhile."""
    dead = [True]

    def frames():
        while dead:
            yield None
        yield from pictures()

    driver = Driver(frames())
    camera = plug_in(driver)
    wait_for(lambda: driver.opened > 1)
    assert camera.trouble == "gives pictures that are cut short or damaged"
    dead.clear()
    wait_for(lambda: camera.shown and not camera.trouble)


def test_a_picture_that_repeats_itself_is_none(plug_in):
    """Equal to the last to the bit: the camera hangs. One bit makes it new."""
    first = next(pictures())
    almost = first.copy()
    almost[0, 0, 0] ^= 1
    camera = plug_in(Driver(after(first, first.copy(), first.copy(), almost)))
    wait_for(lambda: camera.shown > 2)
    np.testing.assert_array_equal(plug_in.shown[0], first[..., ::-1])
    np.testing.assert_array_equal(plug_in.shown[1], almost[..., ::-1])


def test_a_camera_that_hangs_while_it_is_opened_holds_up_nobody(plug_in):
    """Neither who made it, nor who looks at it, nor who closes it."""
    driver = Driver(pictures())
    driver.gate.clear()
    camera = plug_in(driver)
    camera.check()
    assert camera.shown == 0
    driver.gate.set()
    wait_for(lambda: camera.shown)


def test_a_fault_of_our_own_is_not_swallowed(plug_in):
    """What nobody has thought of reaches the process, which then ends and is replaced."""
    camera = plug_in(Driver(after(ZeroDivisionError("unheard of"))))
    camera._thread.join()
    with pytest.raises(ZeroDivisionError, match="unheard of"):
        camera.check()
