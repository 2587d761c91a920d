import numpy as np

from hilrt.shm.status import EXTENTS_TEXT
from hilrt.step.extent import STILL_M, Extent, decode, encode

FAR = np.array([-0.4567891, -0.0001, 0.4567891]), np.full(6, -123.456789)
NEAR = np.array([-0.1, 0.1, 0.02]), np.full(6, 99.9)


def seen(*places):
    """An extent that has seen these."""
    extent = Extent()
    for place in places:
        extent.see(*place)
    return extent


def test_lowest_present_and_highest():
    """Each quantity has its own, and the box is the end effector's in whole millimetres, without -0.0."""
    extent = seen(FAR, NEAR)
    assert extent.box == {"min": [-0.457, 0.0, 0.02], "max": [-0.1, 0.1, 0.457]}
    assert str(extent.box["min"][1]) == "0.0"
    assert extent.texts()[0] == ("end effector x [m]", "-0.457", "-0.100", "-0.100")
    assert extent.texts()[-1] == ("gripper [0 .. 100]", "-123.5", "99.9", "99.9")


def test_what_is_written_goes_on():
    """The status block has room for two arms, and what comes out of it goes on as what went in."""
    text = encode([seen(FAR, NEAR)] * 2)
    assert len(text) <= EXTENTS_TEXT
    again = decode(text)[1]
    again.see(np.array([0.0, 0.5, 0.0]), np.zeros(6))
    assert again.box == {"min": [-0.457, 0.0, 0.0], "max": [0.0, 0.5, 0.457]}
    assert decode("") == []


def test_noise_is_no_motion():
    """An end effector that only trembles has not been moved."""
    there = np.array([0.2, 0.0, 0.1])
    assert not seen((there, np.zeros(6)), (there + 0.9 * STILL_M, np.zeros(6))).moved
    assert seen((there, np.zeros(6)), ([0.2, 0.0, 0.1 + 1.1 * STILL_M], np.zeros(6))).moved
