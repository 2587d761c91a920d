"""An environment as hilrt takes it."""

import re
import sys

import numpy as np
import pytest
import table

from hilrt.config import Env
from hilrt.environment.world import World
from hilrt.errors import OwnCodeError
from hilrt.step.record import GripperCommand


def world(name="table:Table-v0", **settings):
    return World(Env(type="gymnasium", task="t", id=name, **settings))


def test_what_it_consists_of():
    """State is every box by its keys, number by number; a camera is a box of uint8 with three channels."""
    with world() as made:
        names = ("inner.target.0", "inner.target.1", "inner.time", "point.0", "point.1")
        assert sorted(made.spaces.state) == sorted(names)
        assert made.spaces.action == ("action.0", "action.1")
        assert made.spaces.gripper
        assert made.cameras == {"eye": (16, 24)}


def test_a_step_is_in_its_units():
    """An action of [-1, 1] is the whole of its box, there and back; state and picture are those of the observation."""
    with world() as made:
        made.reset(7)
        before, names = made.state, made.spaces.state
        made.step(np.float32([1.0, -0.5]), GripperCommand.OPEN)
        place = [names.index("point.0"), names.index("point.1")]
        assert made.state[place] - before[place] == pytest.approx([0.5, -0.25])
        assert made.images["eye"].shape == (16, 24, 3)
        action, gripper = made.unit({"move": np.array([0.5, -0.25]), "hand": 2})
        assert (action, gripper) == (pytest.approx((1.0, -0.5)), GripperCommand.OPEN)


def test_equal_seeds_begin_alike():
    """Also seeds that are larger than an environment takes."""
    with world() as made:
        states = []
        for seed in (3 * 10**12 + 1, 3 * 10**12 + 1, 5):
            made.reset(seed)
            states.append(made.state.tolist())
    assert states[0] == states[1] != states[2]


@pytest.mark.parametrize(("key", "success"), [("is_success", "is_success"), ("other", "reward")])
def test_success_is_what_the_task_file_says(key, success):
    """An entry of info, or a reward above zero."""
    with world(kwargs={"key": key}, success=success) as made:
        made.reset(0)
        for _ in range(9):
            assert not made.success
            action, gripper = made.unit(table.toward(made.observation, {}))
            made.step(np.float32(action), gripper)
            if gripper is GripperCommand.CLOSE:
                break
        assert made.success


def test_success_that_nobody_tells_is_asked_for():
    """An episode that ends without the entry names those that there are."""
    with world(success="won") as made:
        made.reset(0)
        for _ in range(29):
            made.step(np.zeros(2, np.float32), GripperCommand.STAY)
        with pytest.raises(
            OwnCodeError, match=r'without "won" in info, where there is is_success; env\.success'
        ):
            made.step(np.zeros(2, np.float32), GripperCommand.STAY)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("Absent-v0", {}, "env.id: Absent-v0 cannot be made: NameNotFound"),
        ("no_such_module:A-v0", {}, "cannot be made: ModuleNotFoundError|No module named 'no_such_module'"),
        ("table:Table-v0", {"kwargs": {"speed": 1}}, "unexpected keyword argument 'speed'"),
        ("table:Nothing-v0", {"kwargs": {"space": "observation"}}, "only Box and Dict can be taken"),
        ("table:Nothing-v0", {"kwargs": {"space": "empty"}}, "observes nothing that a policy could go by"),
        ("table:Nothing-v0", {"kwargs": {"space": "action"}}, r"a gripper, Discrete\(3\): 0 close"),
        ("table:Nothing-v0", {"kwargs": {"space": "unbounded"}}, "no bounds to scale it by"),
    ],
)
def test_what_cannot_be_used_is_named(name, settings, words):
    """The message says what was found, and what would do."""
    with pytest.raises(OwnCodeError, match=words):
        world(name, **settings)


def test_where_gymnasium_is_not_installed_it_is_asked_for(monkeypatch):
    """The message installs it for the Python that runs hilrt, whichever that is."""
    monkeypatch.setitem(sys.modules, "gymnasium", None)  # as importing finds it then
    with pytest.raises(OwnCodeError, match=f"needs gymnasium; .*{sys.executable} -m pip install"):
        world()


def seen(shape, dtype):
    """A world whose observation is a box of these."""
    return world("table:Nothing-v0", kwargs={"space": {"shape": shape, "dtype": dtype}})


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((3, 16, 24), "uint8"), ((16, 24), "uint8"), ((16, 24, 4), "uint8"), ((16, 24, 3), "float32")],
)
def test_pictures_of_another_kind_are_refused(shape, dtype):
    """The message has what was found, and the kind that is taken."""
    words = f"observes itself as {dtype} of shape {shape}; a camera gives uint8 of shape (height, width, 3)"
    with pytest.raises(OwnCodeError, match=re.escape(words)):
        seen(shape, dtype)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((16, 16), "uint8"), ((7, 7, 4), "uint8"), ((64, 24), "float32"), ((1152,), "uint8")],
)
def test_what_is_no_picture_is_state(shape, dtype):
    """A board, a grid, points, numbers in one row."""
    with seen(shape, dtype) as made:
        assert len(made.spaces.state) == np.prod(shape)
        assert made.cameras == {}


def test_pictures_alone_have_a_state_of_one_number():
    """It says nothing, and never changes."""
    with world("table:Eyes-v0") as made:
        made.reset(0)
        assert made.spaces.state == ("constant",)
        assert made.state.tolist() == [0.0]
        assert made.cameras == {"image": (16, 24)}


def test_an_action_of_another_shape_is_none():
    """What the operator gives has the shape of the action's box."""
    with world() as made, pytest.raises(ValueError, match=r"an action has shape \(2,\)"):
        made.unit({"move": [1.0], "hand": 0})
