"""A gamepad from the kernel's events to the operator's input, on virtual devices; see `virtual`."""

import asyncio
import struct
import time
from typing import NamedTuple

import numpy as np
import pytest
from devices.virtual import HELD_KEYS, Bed
from evdev import ecodes

from hilrt.devices import hotplug
from hilrt.devices.gamepad import Gamepad
from hilrt.devices.operator import Scene
from hilrt.devices.show import show
from hilrt.errors import InputDeviceAbsentError, InputDeviceRefusedError
from hilrt.step.record import GripperCommand, Mode

XYZ = ("dx", "dy", "dz")
SCENE = Scene(
    ee=np.zeros((1, 3)), opening=np.array([0.5]), object=None, done=False, step=0, autonomous_rate=0.0
)
FULL = 32767


@pytest.fixture
def bed(tmp_path):
    bed = Bed(tmp_path, alone=True)
    yield bed
    bed.close()


@pytest.fixture
def soon(monkeypatch):
    """Looks for a lost device at every tick."""
    monkeypatch.setattr(hotplug, "SCAN_NS", 0)


class Session:
    """A gamepad in its event loop, and one tick at a time."""

    def __init__(self, loop, device="", axes=XYZ, arms=1, mode=Mode.TRAIN, *, intervene=True, dead_zone=0.1):
        self.stops = 0
        self.loop = loop
        self.pad = self.loop.run_until_complete(self._open(device, axes, arms, intervene, dead_zone))
        self.pad.begin(mode, 0)

    async def _open(self, device, axes, arms, intervene, dead_zone):
        return Gamepad(device, axes, arms, intervene=intervene, dead_zone=dead_zone, on_stop=self._stop)

    def _stop(self):
        self.stops += 1

    def run(self):
        """Until the kernel has nothing more for the loop."""
        self.loop.run_until_complete(asyncio.sleep(0.05))

    def tick(self):
        self.run()
        return self.pad.sense(SCENE)

    def until(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            self.tick()
            assert time.monotonic() < deadline, "nothing happened"

    def close(self):
        self.pad.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())


@pytest.fixture
def start():
    loop, sessions = asyncio.new_event_loop(), []

    def begin(*arguments, **options):
        sessions.append(Session(loop, *arguments, **options))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.close()
    loop.close()


def test_sticks_drive(bed, start):
    """Left stick forward and left, right stick up: +x, +y, +z in full steps."""
    pad = bed.xbox()
    session = start(mode=Mode.DEMO)
    assert session.tick().action == (0, 0, 0)
    pad.move(ABS_X=-32768, ABS_Y=-32768, ABS_RY=-32768)
    assert session.tick().action == (1, 1, 1)
    pad.move(ABS_X=FULL, ABS_Y=FULL, ABS_RY=FULL)
    assert session.tick().action == (-1, -1, -1)


def test_dead_zone_has_no_edge(bed, start):
    """Inside a tenth of its way a stick means nothing; just outside it means almost nothing; at its end, all."""
    pad = bed.xbox()
    session = start(mode=Mode.DEMO)
    pad.move(ABS_Y=round(-0.099 * FULL))
    assert session.tick().action[0] == 0
    pad.move(ABS_Y=round(-0.11 * FULL))
    assert 0 < session.tick().action[0] < 0.02
    pad.move(ABS_Y=round(-0.55 * FULL))
    assert session.tick().action[0] == pytest.approx(0.5, abs=1e-3)


def test_bumper_takes_over_while_held(bed, start):
    """The operator has the arm as long as the right bumper is held, and not longer."""
    pad = bed.xbox()
    session = start()
    assert not session.tick().intervening
    pad.press(ecodes.BTN_TR)
    assert session.tick().intervening
    assert session.tick().intervening
    pad.release(ecodes.BTN_TR)
    assert not session.tick().intervening


@pytest.mark.parametrize(
    ("mode", "intervene", "has_the_arm"),
    [
        (Mode.DEMO, True, True),
        (Mode.DEMO, False, True),
        (Mode.TRAIN, False, False),
        (Mode.EVAL, True, False),
    ],
)
def test_who_has_the_arm(bed, start, mode, intervene, has_the_arm):
    """Demonstrations are the operator's without a button, evaluations the policy's whatever is held."""
    pad = bed.xbox()
    session = start(mode=mode, intervene=intervene)
    pad.press(ecodes.BTN_TR)
    assert session.tick().intervening is has_the_arm


def test_triggers_move_the_gripper(bed, start):
    """Left closes, right opens, both together and none leave it; a trigger at its threshold does not chatter."""
    pad = bed.xbox()
    session = start()
    assert session.tick().gripper == (GripperCommand.STAY,)
    pad.move(ABS_Z=255)
    assert session.tick().gripper == (GripperCommand.CLOSE,)
    pad.move(ABS_RZ=255)
    assert session.tick().gripper == (GripperCommand.STAY,)
    pad.move(ABS_Z=0, ABS_RZ=120)
    assert session.tick().gripper == (GripperCommand.OPEN,)
    pad.move(ABS_RZ=90)
    assert session.tick().gripper == (GripperCommand.STAY,)
    pad.move(ABS_RZ=120)
    assert session.tick().gripper == (GripperCommand.STAY,)


def test_short_presses_count(bed, start):
    """Buttons pressed and let go between two ticks are in the next one's input, once."""
    pad = bed.xbox()
    session = start()
    pad.tap(ecodes.BTN_WEST)
    pad.tap(ecodes.BTN_SOUTH)
    pad.tap(ecodes.BTN_NORTH)
    pad.tap(ecodes.BTN_TR)
    wish = session.tick()
    assert (wish.success, wish.failure, wish.rerecord, wish.intervening) == (True,) * 4
    after = session.tick()
    assert (after.success, after.failure, after.rerecord, after.intervening) == (False,) * 4


def test_presses_before_an_episode_do_not_count(bed, start):
    """What was pressed while the arm was reset does not end the new episode, but a stop is never lost."""
    pad = bed.xbox()
    session = start()
    pad.tap(ecodes.BTN_SOUTH)
    pad.tap(ecodes.BTN_SELECT)
    session.run()
    assert session.stops == 1
    session.pad.begin(Mode.TRAIN, 0)
    wish = session.tick()
    assert wish.stop
    assert not wish.failure


def test_ready_between_episodes(bed, start):
    """The start button says that the scene is back; it is asked for while nobody drives."""
    pad = bed.xbox()
    session = start()
    session.run()
    assert not session.pad.ready()
    pad.tap(ecodes.BTN_START)
    session.run()
    assert session.pad.ready()
    assert not session.pad.ready()


def test_failure_between_episodes(bed, start):
    """Its button takes back what a classifier called success, once for each press."""
    pad = bed.xbox()
    session = start()
    session.run()
    assert not session.pad.refuses()
    pad.tap(ecodes.BTN_SOUTH)
    session.run()
    assert session.pad.refuses()
    assert not session.pad.refuses()


@pytest.mark.parametrize("does", [lambda pad: pad.tap(ecodes.BTN_TL), lambda pad: pad.move(ABS_X=32767)])
def test_whether_anybody_is_there(bed, start, does):
    """A button and a stick tell; once for each time that something was done."""
    pad = bed.xbox()
    session = start()
    session.run()
    session.pad.active()
    assert not session.pad.active()
    does(pad)
    session.run()
    assert session.pad.active()
    assert not session.pad.active()


def test_other_arm(bed, start):
    """The left bumper hands the pad to the other arm, and the first one stays where it is."""
    pad = bed.xbox()
    session = start(arms=2, mode=Mode.DEMO)
    pad.move(ABS_Y=-32768, ABS_RZ=255)
    wish = session.tick()
    assert (wish.arm, wish.action) == (0, (1, 0, 0, 0, 0, 0))
    assert wish.gripper == (GripperCommand.OPEN, GripperCommand.STAY)
    pad.tap(ecodes.BTN_TL)
    wish = session.tick()
    assert (wish.arm, wish.action) == (1, (0, 0, 0, 1, 0, 0))


def test_cross_tilts_and_rolls(bed, start):
    """The cross moves pitch and roll, a tap between two ticks for one tick."""
    pad = bed.xbox()
    session = start(axes=("dx", "dpitch", "droll"), mode=Mode.DEMO)
    pad.move(ABS_HAT0Y=-1, ABS_HAT0X=1)
    assert session.tick().action == (0, 1, 1)
    pad.move(ABS_HAT0Y=1, ABS_HAT0X=-1)
    pad.move(ABS_HAT0Y=0, ABS_HAT0X=0)
    assert session.tick().action == (0, -1, -1)
    assert session.tick().action == (0, 0, 0)


def test_joint_control(bed, start):
    """With joint control the sticks move pan, lift and elbow about where they point, the cross the wrist."""
    pad = bed.xbox()
    joints = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")
    session = start(axes=[f"{joint}.delta" for joint in joints], mode=Mode.DEMO)
    pad.move(ABS_X=FULL, ABS_Y=-32768, ABS_RY=FULL, ABS_HAT0Y=1, ABS_HAT0X=-1)
    assert session.tick().action == (1, 1, 1, 1, 1)


SONY = dict.fromkeys(
    (ecodes.ABS_X, ecodes.ABS_Y, ecodes.ABS_Z, ecodes.ABS_RX, ecodes.ABS_RY, ecodes.ABS_RZ), (0, 255)
)
BLUETOOTH = {
    **dict.fromkeys((ecodes.ABS_X, ecodes.ABS_Y, ecodes.ABS_Z, ecodes.ABS_RZ), (0, 65535)),
    **dict.fromkeys((ecodes.ABS_GAS, ecodes.ABS_BRAKE), (0, 1023)),
}
DIRECT = dict.fromkeys((ecodes.ABS_X, ecodes.ABS_Y, ecodes.ABS_Z, ecodes.ABS_RZ), (0, 1023))
POSITIONS = [
    ecodes.ecodes[f"BTN_{name}"] for name in ("SOUTH", "EAST", "NORTH", "WEST", "TL", "TR", "SELECT")
]
NUMBERED = [0x120 + number for number in range(10)]
TRIGGERS = [ecodes.BTN_TL2, ecodes.BTN_TR2]
ANDROID = {
    **dict.fromkeys((ecodes.ABS_X, ecodes.ABS_Y, ecodes.ABS_Z, ecodes.ABS_RZ), (0, 254)),
    **dict.fromkeys((ecodes.ABS_GAS, ecodes.ABS_BRAKE), (0, 255)),
    **dict.fromkeys((ecodes.ABS_HAT0X, ecodes.ABS_HAT0Y), (-1, 1)),
}
LETTERS = [0x130 + number for number in range(15)]
"""In the order A B C X Y Z, shoulders, select, start and so on, whatever the kernel calls them."""


class Controller(NamedTuple):
    """A controller and what it sends from the places that mean something."""

    name: str
    ids: tuple
    axes: dict
    keys: list
    up: int
    close: tuple
    success: str = "BTN_NORTH"
    failure: str = "BTN_SOUTH"
    rerecord: str = "BTN_WEST"
    take_over: str = "BTN_TR"
    driver: str = ""


CONTROLLERS = [
    Controller(
        "DualSense Wireless Controller", (0x054C, 0x0CE6), SONY, POSITIONS + TRIGGERS,
        ecodes.ABS_RY, (ecodes.EV_ABS, ecodes.ABS_Z, 255),
    ),
    Controller(
        "Xbox Wireless Controller", (0x045E, 0x0B13), BLUETOOTH, POSITIONS,
        ecodes.ABS_RZ, (ecodes.EV_ABS, ecodes.ABS_BRAKE, 1023), success="BTN_WEST", rerecord="BTN_NORTH",
    ),
    Controller(
        "Logitech Logitech Dual Action", (0x046D, 0xC216), DIRECT, NUMBERED,
        ecodes.ABS_RZ, (ecodes.EV_KEY, ecodes.BTN_BASE, 1), "BTN_TOP", "BTN_THUMB", "BTN_TRIGGER", "BTN_PINKIE",
    ),
    Controller("Some Pad", (1, 2), SONY, POSITIONS, ecodes.ABS_RY, (ecodes.EV_ABS, ecodes.ABS_Z, 255)),
    Controller("A Pad", (1, 3), DIRECT, POSITIONS + TRIGGERS, ecodes.ABS_RZ, (ecodes.EV_KEY, ecodes.BTN_TL2, 1)),
    Controller(
        "8BitDo 8BitDo Ultimate wireless Controller for PC", (0x2DC8, 0x3013), ANDROID, LETTERS,
        ecodes.ABS_RZ, (ecodes.EV_ABS, ecodes.ABS_BRAKE, 255), success="BTN_WEST", rerecord="BTN_NORTH",
    ),
    Controller(
        "ShanWan Android Gamepad", (0x20BC, 0x5500), ANDROID, LETTERS,
        ecodes.ABS_RZ, (ecodes.EV_KEY, ecodes.BTN_TL2, 1), success="BTN_WEST", rerecord="BTN_NORTH",
    ),
    Controller(
        "8BitDo Pro 2", (0x2DC8, 0x3010), SONY, LETTERS[:12], ecodes.ABS_RY, (ecodes.EV_ABS, ecodes.ABS_Z, 255),
        success="BTN_NORTH", rerecord="BTN_C", take_over="BTN_Z", driver="hid-generic",
    ),
]  # fmt: skip


@pytest.mark.parametrize("one", CONTROLLERS, ids=lambda one: one.name)
def test_other_controllers(bed, start, one):
    """On each controller the same places mean the same, whatever their codes."""
    pad = bed.plug(one.name, one.ids, one.axes, one.keys, driver=one.driver)
    session = start()
    assert session.tick().gripper == (GripperCommand.STAY,)
    pad.send((ecodes.EV_ABS, one.up, one.axes[one.up][0]), one.close)
    pad.press(ecodes.ecodes[one.take_over])
    for button in (one.success, one.failure, one.rerecord):
        pad.tap(ecodes.ecodes[button])
    wish = session.tick()
    assert wish.action == pytest.approx((0, 0, 1), abs=0.01)
    assert wish.gripper == (GripperCommand.CLOSE,)
    assert (wish.success, wish.failure, wish.rerecord, wish.intervening) == (True,) * 4


UNTOUCHED = [
    ("Logitech Logitech Dual Action", (0x046D, 0xC216), DIRECT, NUMBERED),
    ("Xbox Wireless Controller", (0x045E, 0x0B13), BLUETOOTH, POSITIONS),
]


@pytest.mark.parametrize("one", UNTOUCHED, ids=lambda one: one[0])
def test_untouched_pad_stands_still(bed, start, one):
    """A pad of which the kernel reports 0 on every axis until it is moved drives nothing before it was seen at rest."""
    name, ids, axes, keys = one
    zero = {f"EVIOCGABS({code}) 0": struct.pack("6i", 0, *span, 0, 0, 0) for code, span in axes.items()}
    pad = bed.plug(name, ids, axes, keys, answers=zero)
    session = start(mode=Mode.DEMO)
    wish = session.tick()
    assert wish.action == (0, 0, 0)
    assert wish.gripper == (GripperCommand.STAY,)
    pad.move(ABS_Y=axes[ecodes.ABS_Y][1])
    assert session.tick().action == (0, 0, 0), "not seen at rest yet"
    pad.move(ABS_Y=axes[ecodes.ABS_Y][1] // 2)
    pad.move(ABS_Y=0)
    assert session.tick().action == (1, 0, 0)


def test_trigger_that_is_held_when_the_pad_is_found_must_be_let_go_first(bed, start):
    """Its way goes on meaning nothing until it was seen at rest."""
    name, ids, axes, keys = UNTOUCHED[1]
    trigger = axes[ecodes.ABS_BRAKE]
    held = {f"EVIOCGABS({ecodes.ABS_BRAKE}) 0": struct.pack("6i", trigger[1], *trigger, 0, 0, 0)}
    pad = bed.plug(name, ids, axes, keys, answers=held)
    session = start(mode=Mode.DEMO)
    for value, command in ((trigger[1] - 1, "STAY"), (0, "STAY"), (trigger[1], "CLOSE")):
        pad.move(ABS_BRAKE=value)
        assert session.tick().gripper == (GripperCommand[command],)


def test_stick_that_rests_beside_its_middle_drives_with_a_wider_dead_zone(bed, start):
    """What `teleop.dead_zone` takes for rest is rest also where it is more than a quarter of the way."""
    pad = bed.xbox()
    pad.move(ABS_Y=round(0.3 * FULL))
    session = start(mode=Mode.DEMO, dead_zone=0.4)
    pad.move(ABS_Y=round(0.35 * FULL))
    session.pad.begin(Mode.DEMO, 1)
    assert session.tick().action == (0, 0, 0)
    pad.move(ABS_Y=-32768)
    assert session.tick().action == (1, 0, 0)


def test_what_is_held_through_a_reset_must_be_let_go_first(bed, start):
    """A stick, a trigger and the cross that are held as an episode begins move nothing until they were at rest."""
    pad = bed.xbox()
    session = start(axes=("dx", "dpitch"), mode=Mode.DEMO)
    pad.move(ABS_Y=-32768, ABS_Z=255, ABS_HAT0Y=-1)
    assert session.tick().action == (1, 1)
    session.pad.begin(Mode.DEMO, 1)
    wish = session.tick()
    assert wish.action == (0, 0)
    assert wish.gripper == (GripperCommand.STAY,)
    pad.move(ABS_Y=0, ABS_Z=0, ABS_HAT0Y=0)
    pad.move(ABS_Y=-32768, ABS_Z=255, ABS_HAT0Y=-1)
    wish = session.tick()
    assert wish.action == (1, 1)
    assert wish.gripper == (GripperCommand.CLOSE,)


def test_unplugged_while_held(bed, start):
    """Unplugging releases what the pad held before the next tick, and says so."""
    pad = bed.xbox()
    session = start()
    pad.move(ABS_Y=-32768, ABS_Z=255)
    pad.press(ecodes.BTN_TR)
    assert session.tick().intervening
    assert session.pad.message == ""
    pad.press(ecodes.BTN_WEST)
    session.run()
    pad.unplug()
    wish = session.tick()
    assert not wish.intervening
    assert wish.action == (0, 0, 0)
    assert wish.gripper == (GripperCommand.STAY,)
    assert wish.success, "a press that came before counts"
    assert "Microsoft X-Box 360 pad is gone" in session.pad.message


def test_unplugged_right_after_the_press(bed, start):
    """A take-over that was pressed and lost between two ticks is none."""
    pad = bed.xbox()
    session = start()
    pad.press(ecodes.BTN_TR)
    session.run()
    pad.unplug()
    assert not session.tick().intervening


def test_a_demonstration_without_its_pad_stands_still(bed, start):
    """In a demonstration there is no policy to go back to: the arm waits."""
    pad = bed.xbox()
    session = start(mode=Mode.DEMO)
    pad.move(ABS_Y=-32768)
    assert session.tick().action == (1, 0, 0)
    pad.unplug()
    wish = session.tick()
    assert wish.intervening
    assert wish.action == (0, 0, 0)


def test_plugged_in_again(bed, start, soon):
    """The pad is found when it comes back, under another number, and not mistaken for another one."""
    pad = bed.xbox()
    session = start()
    pad.unplug()
    session.until(lambda: session.pad.message)
    bed.plug("Some Pad", (1, 2), SONY, POSITIONS, number=8)
    again = bed.xbox(number=9, held=[ecodes.BTN_TR])
    session.until(lambda: not session.pad.message)
    assert not session.tick().intervening, "held while it was plugged in is not pressed"
    again.move(ABS_Y=-32768)
    again.press(ecodes.BTN_TR)
    wish = session.tick()
    assert wish.intervening
    assert wish.action == (1, 0, 0)


def test_overrun_queue(bed, start):
    """After the kernel dropped events the pad's real state counts: what was let go is not held for ever."""
    pad = bed.xbox(held=[ecodes.BTN_WEST])
    session = start()
    pad.move(ABS_Y=-32768)
    pad.press(ecodes.BTN_TR)
    wish = session.tick()
    assert wish.intervening
    assert not wish.success
    pad.drop()
    wish = session.tick()
    assert not wish.intervening
    assert wish.action == (0, 0, 0)
    assert wish.success, "a press that was dropped, and is still held, counts"


def test_unplugged_while_asked_for_its_state(bed, start):
    """A pad that drops events and is gone before it could say what is held is a pad that is gone."""
    pad = bed.xbox(answers={HELD_KEYS: None})
    session = start()
    pad.press(ecodes.BTN_TR)
    assert session.tick().intervening
    pad.drop()
    assert not session.tick().intervening
    assert "Microsoft X-Box 360 pad is gone" in session.pad.message


def test_chosen_by_name_or_path(bed, start):
    """`teleop.device` is a part of the name, in any case, or a path; else it is the first pad."""
    bed.xbox(number=7)
    sony = bed.plug("DualSense Wireless Controller", (0x054C, 0x0CE6), SONY, POSITIONS, number=8)
    for wanted in ("dualsense", "/dev/input/event8"):
        session = start(wanted, mode=Mode.DEMO)
        sony.move(ABS_Y=0)
        assert session.tick().action[0] == 1
        session.pad.close()  # two readers of a pseudo-terminal would share what it sends
        sony.move(ABS_Y=128)
    session = start(mode=Mode.DEMO)
    sony.move(ABS_Y=0)
    assert session.tick().action[0] == 0


def test_absent(bed, start):
    """With no such pad the error names it, and lists what there is."""
    bed.plug("AT Keyboard", (1, 1), {}, [ecodes.KEY_SPACE])
    with pytest.raises(InputDeviceAbsentError, match=r"no gamepad; there are: /dev/input/event7 .AT Key"):
        start()
    with pytest.raises(InputDeviceAbsentError, match=r'no gamepad that teleop\.device = "xbox" names'):
        start("xbox")


def test_refused(bed, start, monkeypatch):
    """A pad that this user may not open is named, with the way to get permission."""
    bed.xbox()

    def refuse(path, flags, *_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hilrt.devices.inputdevice.os.open", refuse)
    with pytest.raises(InputDeviceRefusedError, match=r"360 pad\): Permission denied\. Join the group input"):
        start()


@pytest.mark.parametrize(
    ("ioctl", "answer", "reason"),
    [
        ("EVIOCGVERSION 0", None, "No such device"),
        ("EVIOCGNAME(0) 256", b"P\xe4d".ljust(256, b"\0"), "its name is not UTF-8"),
    ],
)
def test_unusable(bed, start, ioctl, answer, reason):
    """A pad that goes while it is opened, or whose name cannot be read, is refused with the reason."""
    bed.xbox(answers={ioctl: answer})
    with pytest.raises(InputDeviceRefusedError, match=rf"360 pad\): {reason}\. Plug it in again"):
        start()


def test_show(bed):
    """`show` says what the device is taken for, and then what is moved and pressed, in words."""
    pad = bed.xbox()
    lines = show("x-box", 0.1)
    about = "Microsoft X-Box 360 pad at /dev/input/event7, 045e:028e, driver xpad: Xbox"
    assert next(lines).startswith(about)
    pad.move(ABS_Y=-32768)
    assert next(lines) == "left_x +0.00  left_y -1.00  right_y +0.00"
    pad.press(ecodes.BTN_TR)
    assert next(lines).endswith("right_bumper (intervene)")
    pad.unplug()
    assert next(lines) == "Microsoft X-Box 360 pad is gone"
