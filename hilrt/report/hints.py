"""Which keys do what, in this job and on this device: the lines at the foot of the screen."""

from collections.abc import Iterator, Mapping

import msgspec

from hilrt.config import Config
from hilrt.devices.keyboard import AXES, Key
from hilrt.devices.pad import BUTTONS
from hilrt.run.job import Job

EVENTS = {Key.SUCCESS: "success", Key.FAILURE: "failure", Key.RERECORD: "again", Key.STOP: "stop"}
MEANINGS = {
    Job.TELEOPERATE: {Key.SUCCESS: "start pose", Key.STOP: "stop"},
    Job.RECORD: EVENTS,
    Job.TRAIN: {Key.INTERVENE: "take over", **EVENTS},
    Job.EVAL: EVENTS,
    Job.RUN: {Key.INTERVENE: "take over", **EVENTS},
    Job.REPLAY: {Key.STOP: "stop"},
}
"""What the keys mean that do not move the arm."""
GAP = "   "


class Device(msgspec.Struct, frozen=True):
    """How a device's keys are called: alone, and in pairs that move an axis up and down."""

    keys: Mapping[Key, str]
    pairs: Mapping[tuple[Key, Key], str]

    def pair(self, key: Key) -> str:
        """The pair that a key belongs to."""
        return next(text for keys, text in self.pairs.items() if key in keys)


DEVICES = {
    "keyboard": Device(
        {
            Key.INTERVENE: "space",
            Key.SUCCESS: "s",
            Key.FAILURE: "esc",
            Key.RERECORD: "r",
            Key.OTHER_ARM: "tab",
            Key.STOP: "q",
            Key.GO: "enter",
        },
        {
            (Key.FORWARD, Key.BACK): "↑↓",
            (Key.LEFT, Key.RIGHT): "←→",
            (Key.UP, Key.DOWN): "shift+↑↓",
            (Key.TILT_UP, Key.TILT_DOWN): "i k",
            (Key.ROLL_LEFT, Key.ROLL_RIGHT): "j l",
            (Key.OPEN, Key.CLOSE): "ctrl+→←",
        },
    ),
    "gamepad": Device(
        {key: place.replace("_", " ") for key, place in BUTTONS.items() if not key.held},
        {
            (Key.FORWARD, Key.BACK): "left stick ↕",
            (Key.LEFT, Key.RIGHT): "left stick ↔",
            (Key.UP, Key.DOWN): "right stick ↕",
            (Key.TILT_UP, Key.TILT_DOWN): "cross ↕",
            (Key.ROLL_LEFT, Key.ROLL_RIGHT): "cross ↔",
            (Key.OPEN, Key.CLOSE): "triggers",
        },
    ),
}


def hints(config: Config, job: Job) -> tuple[str, ...]:
    """A line of what moves the arm, where the operator may, and one of the other keys."""
    leads = config.teleop.leads  # beside a leader arm the terminal's keys judge
    if config.scripted:
        return ("q stop",)
    device = DEVICES["keyboard" if leads else config.teleop.type]
    compares = job is Job.TELEOPERATE and "classifier" in config.reward.by
    meanings = dict(EVENTS if compares else MEANINGS[job])
    if job is not Job.REPLAY and config.sim is None:  # a simulated scene needs no time
        meanings = {Key.GO: "ready", **meanings}
    drives = job.driven(intervene=config.teleop.intervene)
    if not drives:
        meanings.pop(Key.INTERVENE, None)
    if drives and not leads and len(config.robot.sides) > 1:
        meanings[Key.OTHER_ARM] = "other arm"
    events = GAP.join(f"{device.keys[key]} {meaning}" for key, meaning in meanings.items())
    if not drives:
        return (events,)
    return ("the leader arm moves it" if leads else GAP.join(_motions(config, device)), events)


def _motions(config: Config, device: Device) -> Iterator[str]:
    for axis in config.processor.action_names:
        yield f"{device.pair(AXES[axis][0])} {_plain(axis)}"
    if config.processor.gripper.use_gripper and config.teleop.use_gripper:
        yield f"{device.pair(Key.OPEN)} gripper"


def _plain(axis: str) -> str:
    """`dx` is x, `elbow_flex.delta` is elbow flex."""
    return axis.removesuffix(".delta").replace("_", " ") if "." in axis else axis[1:]
