"""A step as a row, and back."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hilrt.data.lerobot.columns import (
    PLACE,
    arrow_schema,
    from_table,
    table_of,
    to_arrays,
    to_records,
    to_table,
)
from hilrt.step.features import Features, Image
from hilrt.step.record import Mode, Record, Source, gripper_index

NS = st.integers(0, 2**63 - 1)
COUNT = st.integers(0, 2**31)


@st.composite
def steps(draw):
    """Features of one or two arms, with and without gripper and cameras; and records of them."""
    sides = draw(st.sampled_from([("",), ("left", "right")]))
    gripper = draw(
        st.sampled_from([(), ("close", "stay", "open") if len(sides) == 1 else tuple("abcdefghi")])
    )
    cameras = draw(st.integers(0, 3))
    images = tuple(Image(f"camera{i}", 2, 2, 64 * i) for i in range(cameras))
    axes = draw(st.integers(1, 8))
    state = tuple(f"s{i}" for i in range(draw(st.integers(1, 20))))
    features = Features(10, sides, state, tuple(f"a{i}" for i in range(axes)), gripper, images, ())
    final = draw(st.booleans())
    return features, final, draw(st.lists(records(features, final), min_size=1, max_size=4))


@st.composite
def records(draw, features, final):
    """A record as control makes them."""
    stay = 1 if final else gripper_index([1] * len(features.sides))
    command = st.integers(0, len(features.gripper) - 1) if features.gripper else st.just(stay)

    def vector(size):
        numbers = st.floats(width=32, allow_nan=False)
        return draw(st.lists(numbers, min_size=size, max_size=size).map(lambda v: np.float32(v).tobytes()))

    def maybe(size):
        return vector(size) if draw(st.booleans()) else b""

    age = st.floats(allow_nan=False)
    ages = st.lists(age, min_size=len(features.images), max_size=len(features.images)).map(tuple)
    return Record(
        episode=4,
        step=draw(COUNT),
        mode=draw(st.sampled_from(Mode)),
        final=final,
        monotonic_ns=draw(NS),
        wall_ns=draw(NS),
        state=vector(len(features.state)),
        action=b"" if final else vector(len(features.action)),
        gripper=draw(command),
        policy_action=maybe(len(features.action)),
        policy_gripper=draw(command),
        source=draw(st.sampled_from(Source)),
        joint_goal=maybe(6 * len(features.sides)),
        reward=draw(st.floats(-1e30, 1e30)),
        terminated=draw(st.booleans()),
        truncated=draw(st.booleans()),
        success=draw(st.booleans()),
        policy_version=draw(COUNT),
        frame_ages_ms=draw(ages | st.just(())),
        missed=draw(COUNT),
        bus_faults=draw(COUNT),
        operator_action=maybe(len(features.action)),
        limits=draw(st.integers(0, 127)),
    )


@settings(deadline=None)
@given(steps())
def test_a_record_becomes_a_row_and_the_same_record_again(case):
    """Every field comes back exactly, to the bit and of its type, of any arm with any cameras."""
    features, final, before = case
    table = table_of(features, video=True)
    arrays = to_arrays(before, features)
    place = {name: np.zeros(len(before), dtype) for name, dtype in PLACE.items()}
    after = to_records(
        from_table(to_table(arrays | place, {}, arrow_schema(table))), features, 4, final=final
    )
    assert after == before
    assert [msgspec.msgpack.encode(r) for r in after] == [msgspec.msgpack.encode(r) for r in before]
    assert {type(r.mode) for r in after} == {Mode}
