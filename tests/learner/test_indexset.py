"""Sets of row numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hilrt.learner.indexset import IndexSet


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20))))
def test_index_set_is_a_set(operations: list[tuple[bool, int]]) -> None:
    """Adding and discarding give the members of a Python set, and draws come from exactly these."""
    members, model = IndexSet(), set()
    for add, index in operations:
        (members.add if add else members.discard)(index)
        (model.add if add else model.discard)(index)
    assert set(members) == model
    assert len(members) == len(model)
    if model:
        assert set(members.draw(np.random.default_rng(0), (40 * len(model),)).tolist()) <= model
