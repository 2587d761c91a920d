"""Touching marks: what it finds of a simulated arm's zeros, what is left of them, and when it is refused."""

import asyncio
import json
import re
from pathlib import Path

import numpy as np
import pytest
from desk import Operator, play
from marks import LEANS_DEG, place, pose

from hilrt.config import MOTORS, SimArm, taskfile
from hilrt.devices.calibration import Calibration
from hilrt.errors import CalibrationFileError, ConfigError, TouchError
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.setup.place import Place
from hilrt.setup.touch import MARKS, touch
from hilrt.sim.arm import SimFollower
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.world import World

ROOT = Path(__file__).parents[2]
CALIBRATION = ROOT / "configs/calibration/robots/so100_follower/sim.json"
OFF_DEG = (-3.0, 3.0, 12.5, 3.0, 0.0, 0.0)
"""One elbow as a public log found it, and three joints as print and assembly leave them."""


class Hand:
    """Leads a simulated limp arm to the marks; `noise_mm` beside them in each direction."""

    def __init__(self, folder, off_deg=OFF_DEG, noise_mm=0.0, seed=0):
        path = folder / "robots" / "so100_follower" / "follower.json"
        Calibration.read(CALIBRATION).save(path)
        self.world = World("pick_lift", 0)
        nature = SimArm(zero_offsets_deg=off_deg)
        self.sim = SimFollower(self.world, 0, Calibration.read(path), PseudoTerminal(), nature)
        self.config = write_task(folder, self.sim.port)
        self.path = Place.of(self.config).calibration_path
        self.noise_m, self.random = 1e-3 * noise_mm, np.random.default_rng(seed)

    def close(self):
        self.sim.close()
        self.world.close()

    def lead(self, number, posture, aside_m=(0.0, 0.0, 0.0)):
        """Put the tip onto a mark."""
        at = place(number) + self.random.normal(0, self.noise_m, 3) + aside_m
        joints = pose(at, LEANS_DEG[posture])
        self.put([*joints, 0.5])

    def put(self, joints):
        """The arm is there [rad]."""
        self.world._data.qpos[:6] = joints
        self.sim.measure()

    @property
    def round(self):
        """What the operator does when she is asked, once through all marks."""
        wanted = [(mark, posture) for mark in range(len(MARKS)) for posture in range(2)]
        return ["", *(lambda m=m, p=p: self.lead(m, p) for m, p in wanted)]

    def answer(self):
        """Serve a request."""
        self.sim.answer()

    def touch(self, answers=None):
        """The offsets found, and the operator."""
        operator = Operator(answers or self.round)

        async def served():
            asyncio.get_running_loop().add_reader(self.sim.fd, lambda: self.answer())  # noqa: PLW0108 - is replaced
            try:
                return await touch(operator, self.config)
            finally:
                asyncio.get_running_loop().remove_reader(self.sim.fd)

        return play(served()), operator


def write_task(folder, port):
    """The task of a real arm on this port, its calibration below `folder`."""
    text = (ROOT / "configs/so100.toml").read_text().replace('"/dev/ttyACM0"', f'"{port}"')
    path = folder / "task.toml"
    path.write_text(text.replace('id = "follower"', f'id = "follower"\ncalibration_dir = "{folder}"'))
    return taskfile.load(path)


@pytest.fixture
def make(tmp_path):
    """Hands, which let go at the end."""
    hands = []

    def made(*args, **kwargs):
        folder = tmp_path / str(len(hands))
        folder.mkdir()
        hands.append(Hand(folder, *args, **kwargs))
        return hands[-1]

    yield made
    for hand in hands:
        hand.close()


def left(hand, off_deg=OFF_DEG):
    """What is left after the touch: the end effector's largest error over the workspace box [mm], and joints' [deg]."""
    calibration = Calibration.load(hand.path)
    found = Kinematics(SO100_URDF, zeros=calibration.zeros)
    bounds = hand.config.bounds("")
    corners = [np.linspace(low, high, 4) for low, high in zip(bounds.min, bounds.max, strict=True)]
    errors = []
    for at in np.stack(np.meshgrid(*corners), axis=-1).reshape(-1, 3):
        if (true := pose(at)) is None:
            continue  # out of reach
        shown = true - np.radians(off_deg[:5])  # what the encoders say there
        errors.append(np.linalg.norm(found.forward(shown)[:3, 3] - at))
    joints = np.abs(np.degrees(calibration.zeros) - off_deg)
    return 1e3 * max(errors), joints[:5].max()


def test_an_elbow_far_off_and_three_joints_a_little(make):
    """What is left is below 3 mm anywhere in the workspace box, where it was centimetres, and below 1 degree."""
    hand = make()
    assert left(hand)[0] > 30.0
    hand.touch()
    millimetres, degrees = left(hand)
    assert millimetres < 3.0
    assert degrees < 1.0


def test_it_says_what_it_found(make):
    """Each touch before and after, each offset, what becomes of the start pose; the file that others read stays."""
    hand = make()
    before = hand.path.read_bytes()
    found, operator = hand.touch()
    assert hand.path.read_bytes() == before
    kept = json.loads(hand.path.with_name("follower.zeros.json").read_text())["content"]
    assert kept["zero_offsets_deg"] == found.zero_offsets_deg
    assert list(kept["zero_offsets_deg"]) == list(MOTORS[:4])
    assert "  3: 20 cm ahead, 12 cm to the left" in operator.said
    assert operator.asked[1] == "Mark 1, 20 cm ahead: gripper straight down. Hold still, press Enter."
    assert any(
        re.fullmatch(r"mark 1, straight down +\d\d\.\d mm off, +0\.\d mm with the offsets", s)
        for s in operator.said
    )
    assert any(re.fullmatch(r"elbow_flex +\+12\.\d degrees \(\+-0\.\d\)", line) for line in operator.said)
    assert re.search(r"At the start pose the tip is at .* cm, and was taken to be at ", operator.said[-2])


def test_a_hand_is_not_exact(make):
    """With 1.5 mm of noise at each touch offsets are within twice their doubt, the rest is what a hand can do."""
    hand = make(noise_mm=1.5)
    found, operator = hand.touch()
    told = re.findall(r"(\w+) +([+-]\d+\.\d) degrees \(\+-(\d\.\d)\)", "\n".join(operator.said))
    assert [name for name, *_ in told] == list(MOTORS[:4])
    for (_, offset, doubt), off in zip(told, OFF_DEG, strict=False):
        assert abs(float(offset) - off) <= 2 * float(doubt) < 2.0
    assert 0.5 < found.rms_mm < 5.0
    millimetres, degrees = left(hand)
    assert millimetres < 5.0
    assert degrees < 2.0


def test_a_touch_that_slipped_is_made_again(make):
    """The one that fits worst is named; made again, it does no harm."""
    hand = make()
    slipped = lambda: hand.lead(2, 1, (0.0, 0.03, 0.0))  # noqa: E731
    answers = hand.round
    answers[6] = slipped
    _, operator = hand.touch([*answers, "again", lambda: hand.lead(2, 1)])
    assert re.match(
        r"Mark 3, leaning well over, fits worst, by \d+ mm\. Touch it again\?", operator.asked[-2]
    )
    assert left(hand)[0] < 3.0


def test_marks_that_are_not_where_they_should_be_are_refused(make):
    """Taken as they are, they say that nothing fits, and nothing is written."""
    hand = make()
    astray = {2: (0.0, -0.06, 0.0), 4: (0.0, 0.06, 0.0)}
    answers = [
        "",
        *(
            lambda m=m, p=p: hand.lead(m, p, astray.get(m, (0.0, 0.0, 0.0)))
            for m in range(5)
            for p in range(2)
        ),
    ]
    with pytest.raises(
        TouchError, match=r"the touches are \d\d mm beside the marks .* Nothing was written\. See that"
    ):
        hand.touch([*answers, "take"])
    assert not hand.path.with_name("follower.zeros.json").exists()


def test_a_horn_a_tooth_off_is_no_zero_offset(make):
    """Beyond 20 degrees the calibration is at fault, not its exactness."""
    hand = make((0.0, 0.0, 26.0, 0.0, 0.0, 0.0))
    with pytest.raises(
        TouchError, match=r"elbow_flex would need an offset of 20 degrees or more.*hilrt calibrate"
    ):
        hand.touch([*hand.round, "take"])


def test_posture_and_stillness_are_asked_for(make):
    """A mark touched twice in one posture tells less, and a moving arm nothing: both are asked for again."""
    hand = make()
    moves = 8

    def answer():
        nonlocal moves
        hand.sim.answer()
        if moves:
            moves -= 1
            hand.put(hand.world.positions() + 0.02)

    def moving():
        hand.lead(0, 0)
        hand.answer = answer

    answers = ["", moving, lambda: hand.lead(0, 0), lambda: hand.lead(0, 0), *hand.round[2:]]
    _, operator = hand.touch(answers)
    assert "The arm moved while it was read. Once more." in operator.said
    assert "The arm stands as in the other touch of this mark. Lean the gripper further." in operator.said


def test_only_a_calibrated_follower_has_zeros(make, tmp_path):
    """Without a calibration there is nothing to correct, and a simulated arm comes set up."""
    hand = make()
    hand.path.unlink()
    with pytest.raises(CalibrationFileError, match="there is no such file"):
        hand.touch()
    with pytest.raises(ConfigError, match="a simulated arm comes set up"):
        play(touch(Operator(), taskfile.load(ROOT / "configs/sim_so100.toml")))
