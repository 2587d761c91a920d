"""A person at a gamepad that is looked at control by control, on virtual devices; see `devices.virtual`."""

import asyncio

import pytest
from devices.virtual import Bed
from evdev import ecodes

from hilrt.devices.inputdevice import entries
from hilrt.devices.padlayout import keep_layout, layout_of, layouts, own_file
from hilrt.errors import GamepadLayoutsError
from hilrt.setup.pads import PLACES, PUSHES, check_pad

ODD = [0x120 + number for number in range(12)]
ODD_AXES = dict.fromkeys((ecodes.ABS_X, ecodes.ABS_Y, ecodes.ABS_Z, ecodes.ABS_RZ), (0, 254)) | dict.fromkeys(
    (ecodes.ABS_HAT0X, ecodes.ABS_HAT0Y), (-1, 1)
)
BUTTONS = dict(zip(("bottom", "right", "left", "top"), (0x121, 0x122, 0x123, 0x120), strict=True))
BUTTONS |= {
    "left_bumper": 0x124,
    "right_bumper": 0x125,
    "left_trigger": 0x126,
    "right_trigger": 0x127,
    "back": 0x128,
}
CROSS = {
    "dpad_up": (ecodes.ABS_HAT0Y, -1), "dpad_down": (ecodes.ABS_HAT0Y, 1),
    "dpad_left": (ecodes.ABS_HAT0X, -1), "dpad_right": (ecodes.ABS_HAT0X, 1),
}  # fmt: skip
STICKS = {"left_x": (ecodes.ABS_X, 254), "left_y": (ecodes.ABS_Y, 0), "right_y": (ecodes.ABS_RZ, 254)}
"""The right stick grows upwards: the wrong way round."""


class Hands:
    """Moves what she is asked for; has nothing at the places in `lacks`, and answers yes to everything else."""

    def __init__(self, pad, buttons, *, lacks=()):
        self.pad, self.buttons, self.lacks = pad, buttons, lacks
        self.said = []

    def say(self, text):
        self.said.append(text)

    async def ask(self, question, choices=(), default=""):
        self.said.append(question)
        place = next((p for p, words in (PUSHES | PLACES).items() if words in question), "")
        if not place or place in self.lacks:
            return default
        if place in STICKS:
            code, value = STICKS[place]
            self.pad.send((ecodes.EV_ABS, code, value))
            self.pad.send((ecodes.EV_ABS, code, 127))
        elif place in CROSS:
            code, value = CROSS[place]
            self.pad.send((ecodes.EV_ABS, code, value))
            self.pad.send((ecodes.EV_ABS, code, 0))
        else:
            self.pad.tap(self.buttons[place])
        return await asyncio.Future()  # she does not press Enter


@pytest.fixture
def bed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    layouts.cache_clear()
    bed = Bed(tmp_path)
    yield bed
    bed.close()
    layouts.cache_clear()


def test_unknown_pad_is_mapped_by_pressing_each_control(bed):
    """A pad that no layout knows has one afterwards, kept for every later run; a stick that grows upwards is turned."""
    pad = bed.plug("Cheap Pad", (0x0079, 0x0006), ODD_AXES, ODD)
    (entry,) = entries()
    assert layout_of(entry) is None
    asyncio.run(check_pad(Hands(pad, BUTTONS, lacks=("dpad_left",)), ""))
    layouts.cache_clear()
    layout = layout_of(entry)
    assert (layout.name, layout.left_y, layout.right_y) == ("Cheap Pad", "ABS_Y", "ABS_RZ-")
    assert (layout.top, layout.right_bumper, layout.back) == (
        ("BTN_TRIGGER",),
        ("BTN_PINKIE",),
        ("BTN_BASE3",),
    )
    assert (layout.dpad_up, layout.dpad_left) == (("ABS_HAT0Y-",), ())


def test_known_pad_is_confirmed_button_by_button(bed):
    """Each button is asked for by its place; one that comes as another is named, and the pad mapped anew."""
    keys = [
        ecodes.ecodes[f"BTN_{n}"]
        for n in ("SOUTH", "EAST", "NORTH", "WEST", "TL", "TR", "TL2", "TR2", "SELECT")
    ]
    pad = bed.plug("A Pad", (1, 2), {**ODD_AXES, ecodes.ABS_RY: (0, 255)}, keys)
    right = {
        "bottom": ecodes.BTN_SOUTH, "top": ecodes.BTN_NORTH, "left": ecodes.BTN_WEST, "left_bumper": ecodes.BTN_TL,
        "right_bumper": ecodes.BTN_TR, "left_trigger": ecodes.BTN_TL2, "right_trigger": ecodes.BTN_TR2,
        "back": ecodes.BTN_SELECT,
    }  # fmt: skip
    hands = Hands(pad, right)
    asyncio.run(check_pad(hands, ""))
    assert hands.said[-1] == "all that was pressed is where generic gamepad has it"
    assert not own_file().exists()
    hands = Hands(pad, right | {"top": ecodes.BTN_WEST, "left": ecodes.BTN_NORTH})
    asyncio.run(check_pad(hands, ""))
    assert "that came as BTN_WEST, which is rerecord here" in hands.said
    (entry,) = entries()
    assert layout_of(entry).top == ("BTN_WEST",)


@pytest.mark.parametrize(
    "text", ["[[gamepad]]\nname = 3", "[[", "[[gamepad]]\nname = 'x'\ntop = ['BTN_NONE']"]
)
def test_damaged_layouts_are_named(bed, text):
    """A file of one's own that cannot be read is one message with its path, and is not written over."""
    path = own_file()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(
        GamepadLayoutsError, match=r"config/hilrt/gamepads\.toml (cannot be read|names a control)"
    ):
        keep_layout(layouts())
    assert path.read_text() == text
