"""Differences of features in words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilrt.step.difference import difference
from hilrt.step.features import GRIPPER, Features, Image

ONE = Features(
    10,
    ("",),
    ("a.pos", "b.pos"),
    ("dx", "dy"),
    GRIPPER,
    (Image("front", 48, 64, 0),),
    (Image("front", 8, 8, 0),),
    (0.02, 0.02),
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"fps": 30}, "its rate is 30 Hz, not 10 Hz"),
        ({"state": ("a.pos",)}, "its state lacks b.pos"),
        ({"state": ("a.pos", "c", "b.pos", "d")}, "its state has c, d"),
        (
            {"state": ("a.pos", "c"), "action": ("dx",)},
            "its state lacks b.pos and has c; its action lacks dy",
        ),
        ({"state": ("b.pos", "a.pos")}, "its state has the same in another order"),
        ({"scale": (0.02, 0.01)}, "its full step is 10 mm in dy, not 20 mm"),
        ({"gripper": ()}, "its gripper lacks close, stay, open"),
        ({"images": ()}, "its recording lacks front 64x48"),
        ({"views": (Image("front", 9, 8, 0),)}, "its view lacks front 8x8 and has front 8x9"),
        ({"sides": ("left", "right"), "state": ("left.a",)}, "it is of arms left, right, not of one arm"),
        ({"state": ("a.pos", "b.pos", *"cdefghijk")}, "its state has c, d, e, f, g, h (and 3 more)"),
    ],
)
def test_what_differs_is_named(fields: dict, expected: str) -> None:
    """Each part is told by what it lacks and has against the other, and long lists are cut."""
    assert difference(msgspec.structs.replace(ONE, **fields), ONE) == expected


names = st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple)
images = st.lists(
    st.builds(Image, st.sampled_from("abcd"), st.integers(1, 2), st.integers(1, 2), st.just(0)), max_size=2
).map(tuple)
features = st.builds(
    Features,
    fps=st.sampled_from([10, 30]),
    sides=st.sampled_from([("",), ("left", "right")]),
    state=names,
    action=names,
    gripper=st.sampled_from([(), GRIPPER]),
    images=images,
    views=images,
)


@given(features, features)
def test_nothing_is_said_of_equals_only(a: Features, b: Features) -> None:
    """Words come out exactly where two sets of features differ."""
    assert (difference(a, b) == "") == (a == b)
    assert difference(a, a) == ""
