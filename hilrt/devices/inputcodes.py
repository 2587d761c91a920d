"""The kernel's numbers for what gamepads and keyboards send, by its own names (linux/input-event-codes.h)."""

from enum import IntEnum


class Type(IntEnum):
    """Kinds of event."""

    EV_SYN = 0
    EV_KEY = 1
    EV_ABS = 3


SYN_REPORT, SYN_DROPPED = 0, 3
KEY_CNT, ABS_CNT = 0x300, 0x40


class Button(IntEnum):
    """Keys of a keyboard and buttons of a gamepad share one range."""

    KEY_ESC = 1
    KEY_TAB = 15
    KEY_Q = 16
    KEY_R = 19
    KEY_I = 23
    KEY_LEFTCTRL = 29
    KEY_S = 31
    KEY_J = 36
    KEY_K = 37
    KEY_L = 38
    KEY_LEFTSHIFT = 42
    KEY_RIGHTSHIFT = 54
    KEY_LEFTALT = 56
    KEY_SPACE = 57
    KEY_RIGHTCTRL = 97
    KEY_RIGHTALT = 100
    KEY_UP = 103
    KEY_LEFT = 105
    KEY_RIGHT = 106
    KEY_DOWN = 108
    KEY_LEFTMETA = 125
    KEY_RIGHTMETA = 126
    KEY_BACK = 158
    BTN_TRIGGER = 0x120
    BTN_THUMB = 0x121
    BTN_THUMB2 = 0x122
    BTN_TOP = 0x123
    BTN_TOP2 = 0x124
    BTN_PINKIE = 0x125
    BTN_BASE = 0x126
    BTN_BASE2 = 0x127
    BTN_BASE3 = 0x128
    BTN_BASE4 = 0x129
    BTN_SOUTH = 0x130
    BTN_EAST = 0x131
    BTN_NORTH = 0x133
    BTN_WEST = 0x134
    BTN_TL = 0x136
    BTN_TR = 0x137
    BTN_TL2 = 0x138
    BTN_TR2 = 0x139
    BTN_SELECT = 0x13A
    BTN_START = 0x13B
    BTN_DPAD_UP = 0x220
    BTN_DPAD_DOWN = 0x221
    BTN_DPAD_LEFT = 0x222
    BTN_DPAD_RIGHT = 0x223


class Axis(IntEnum):
    """Sticks, triggers and hats."""

    ABS_X = 0
    ABS_Y = 1
    ABS_Z = 2
    ABS_RX = 3
    ABS_RY = 4
    ABS_RZ = 5
    ABS_GAS = 9
    ABS_BRAKE = 10
    ABS_HAT0X = 16
    ABS_HAT0Y = 17
