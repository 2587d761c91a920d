"""Presets of the simulated arm, and what a task file changes of them."""

from typing import get_args, get_type_hints

import pytest

from hilrt.config import Nature, SimArm, nature_of
from hilrt.config.nature import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_given_stands_in_place_of_the_preset_s(preset):
    """An absent field is the preset's own; a given one changes that field alone."""
    assert nature_of(SimArm(preset=preset)) == PRESETS[preset]
    changed = nature_of(SimArm(preset=preset, stiffness=11.0))
    assert changed.stiffness == 11.0
    others = set(Nature.__struct_fields__) - {"stiffness"}
    assert all(getattr(changed, name) == getattr(PRESETS[preset], name) for name in others)


def test_every_preset_and_every_field_can_be_chosen():
    """The table offers each preset, and a key for each field that a preset has."""
    assert set(get_args(get_type_hints(SimArm)["preset"])) == set(PRESETS)
    assert set(SimArm.__struct_fields__) == {"preset", *Nature.__struct_fields__}
