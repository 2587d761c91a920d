"""Measuring how well joints move: what was set in the simulated servos is found, and what has grown is named."""

import asyncio
import json
import re

import msgspec
import numpy as np
import pytest
from desk import Operator, play
from mutations import on_disk, survey
from test_touch import CALIBRATION, write_task

from hilrt.config import MOTORS, SimArm
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.devices.feetech.registers import Register
from hilrt.errors import CollisionError, JointBlockedError
from hilrt.setup.motion import examine_motion
from hilrt.setup.motionfile import FirstTime
from hilrt.setup.motionfit import Figures
from hilrt.setup.place import Place
from hilrt.sim.arm import SimFollower
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.world import World

UNLOADED = ("shoulder_pan", "wrist_flex", "wrist_roll", "gripper")
LOADED = ("shoulder_lift", "elbow_flex")


class Room:
    """A simulated arm at its start pose, whose time passes as the doctor waits."""

    def __init__(self, folder, preset, **nature):
        path = folder / "robots" / "so100_follower" / "follower.json"
        if not path.exists():
            Calibration.read(CALIBRATION).save(path)
        made = SimArm(preset=preset, **nature)
        self.world = World("pick_lift", 0, nature=made)
        self.sim = SimFollower(self.world, 0, Calibration.read(path), PseudoTerminal(), made)
        self.config = write_task(folder, self.sim.port)
        self.path = Place.of(self.config).calibration_path
        self.stuck = False
        self.patience = 10**9
        """Ticks until the operator presses Ctrl-C."""

    def now(self):
        return self.world.time

    async def wait(self, seconds):
        self.patience -= 1
        if not self.patience:
            raise asyncio.CancelledError
        self.sim.drive()
        stays = self.world.positions()[0]
        self.world.step(seconds)
        if self.stuck:  # something holds the shoulder pan
            self.world._data.qpos[0] = stays
        self.sim.measure()

    def examine(self, *answers, held=False, **options):
        """Whether all is well, and the operator; `held`: the arm holds itself before."""
        operator = Operator(answers, [[]])

        async def story():
            if held:
                async with await Arm.connect(self.sim.port, Calibration.load(self.path)) as arm:
                    await arm.enable_torque()
            return await examine_motion(operator, self.config, clock=self, **options)

        return self.run(story()), operator

    def run(self, story):
        """What a coroutine gives, its servos served meanwhile; nothing is left open."""

        async def served():
            loop = asyncio.get_running_loop()
            loop.add_reader(self.sim.fd, self.sim.answer)
            try:
                return await story
            finally:
                loop.remove_reader(self.sim.fd)

        try:
            return play(served())
        finally:
            self.left = [servo.get(Register.TORQUE_ENABLE) for servo in self.sim._bank.servos]
            self.sim.close()
            self.world.close()


def joints_of(path):
    """What was kept of the first time."""
    return json.loads(path.with_name("follower.motion.json").read_text())["content"]["joints"]


@pytest.mark.parametrize(("preset", "play_deg", "lag_s"), [("so100", 1.0, 0.0), ("worn", 2.0, 0.3)])
def test_what_was_set_is_found(tmp_path, preset, play_deg, lag_s):
    """Dead zone to 0.3 degrees, lag to 0.1 s, play to a half of it; joints that bear weight say so."""
    room = Room(tmp_path, preset)
    well, operator = room.examine("", "")
    assert well
    assert room.left == [1] * 6, "the arm holds"
    found = joints_of(room.path)
    assert list(found) == list(MOTORS)
    for name in UNLOADED:
        assert found[name]["dead_zone_deg"] == pytest.approx(0.5, abs=0.3)
        assert found[name]["play_deg"] == pytest.approx(play_deg, rel=0.5)
    for name in LOADED:
        assert found[name]["play_deg"] is found[name]["dead_zone_deg"] is None
        assert found[name]["load"] < -0.05
    assert [found[name]["lag_s"] for name in MOTORS] == pytest.approx([lag_s] * 6, abs=0.1)
    assert any(
        re.fullmatch(
            r"elbow_flex: its weight hides play and dead zone; lag 0\.\d\d s; load at rest -1\d %", s
        )
        for s in operator.said
    )
    assert operator.said[-1].startswith("This is what later measurements are compared with: ")
    assert "each joint moves 4 degrees to and fro" in operator.said[1]


def test_what_has_grown_is_named(tmp_path):
    """An arm that holds itself near its start pose is measured unasked, and compared with the first time."""
    room = Room(tmp_path, "worn")
    first = Figures(lag_s=0.07, load=0.0, dead_zone_deg=0.6, play_deg=0.6)
    pose = tuple(np.degrees(radians_from_units(room.config.reset_pose(""))).tolist())
    kept = FirstTime(
        calibration=Calibration.load(room.path).digest,
        found="2026-03-01",
        pose_deg=pose,
        joints=dict.fromkeys(MOTORS, first),
    )
    kept.save(room.path)
    before = room.path.with_name("follower.motion.json").read_bytes()
    well, operator = room.examine(yes=True, held=True)
    assert not well
    assert operator.asked == []
    bad = [line for line in operator.said if line.startswith("BAD")]
    assert any(
        re.match(r"BAD  wrist_roll: play 0\.6 -> 1\.\d degrees since 2026-03-01: check its horn screw", s)
        for s in bad
    )
    assert any(re.match(r"BAD  elbow_flex: lag 0\.07 -> 0\.3\d s since 2026-03-01: see that", s) for s in bad)
    assert any(
        re.match(r"BAD  shoulder_lift: load at rest 0 -> -1\d % since 2026-03-01: look for", s) for s in bad
    )
    assert not any("dead zone" in line for line in bad)
    assert room.path.with_name("follower.motion.json").read_bytes() == before


def test_a_joint_that_is_held_is_named(tmp_path):
    """It has not gone where it was told to; the arm holds, and nothing is kept."""
    room = Room(tmp_path, "so100")
    room.stuck = True
    with pytest.raises(JointBlockedError, match=r"shoulder_pan is \d degrees behind .* The arm holds"):
        room.examine("", "")
    assert room.left == [1] * 6
    assert not room.path.with_name("follower.motion.json").exists()


def test_ctrl_c_leaves_the_arm_holding(tmp_path):
    """In the middle of a move, too."""
    room = Room(tmp_path, "so100")
    room.patience = 100
    with pytest.raises(asyncio.CancelledError):
        room.examine("", "")
    assert room.left == [1] * 6


def test_without_room_nothing_moves(tmp_path):
    """A table right under the start pose is noticed before the motors are asked for anything."""
    room = Room(tmp_path, "so100")
    safety = msgspec.structs.replace(room.config.safety, table_height_m=0.07)
    room.config = msgspec.structs.replace(room.config, safety=safety)
    with pytest.raises(CollisionError, match=r"degrees from the start pose at .*would be too near table"):
        room.examine()
    assert room.left == [0] * 6


@pytest.mark.parametrize(
    ("then", "now", "worse"),
    [
        (Figures(lag_s=0.1, load=0.1, dead_zone_deg=0.5, play_deg=0.9), {"play_deg": 2.1}, "play 0.9 -> 2.1 degrees"),
        (Figures(lag_s=0.1, load=0.1, dead_zone_deg=0.5, play_deg=0.9), {"play_deg": 1.4}, ""),
        (Figures(lag_s=0.1, load=0.1, dead_zone_deg=0.5, play_deg=0.9), {"play_deg": None}, ""),
        (Figures(lag_s=0.1, load=0.1, dead_zone_deg=0.5, play_deg=0.9), {"dead_zone_deg": 1.2}, "dead zone 0.5 -> 1.2"),
        (Figures(lag_s=0.1, load=-0.1, dead_zone_deg=None, play_deg=None), {"load": -0.3}, "load at rest -10 -> -30 %"),
        (Figures(lag_s=0.1, load=0.1, dead_zone_deg=None, play_deg=None), {"lag_s": 0.19}, ""),
    ],
)  # fmt: skip
def test_growth_is_more_than_measurements_vary(then, now, worse):
    """What is worse by less is none; a figure that weight hides is compared with nothing."""
    joints = dict.fromkeys(MOTORS, then)
    first = FirstTime(calibration="", found="2026-03-01", pose_deg=(0.0,) * 6, joints=joints)
    here = {**joints, "elbow_flex": msgspec.structs.replace(then, **now)}
    found = list(first.worse(msgspec.structs.replace(first, joints=here), "elbow_flex"))
    assert len(found) == bool(worse)
    assert not worse or found[0].startswith(worse)
    away = msgspec.structs.replace(first, joints=here, pose_deg=(0.0, 9.0, 0.0, 0.0, 0.0, 0.0))
    assert "load" not in "".join(first.worse(away, "elbow_flex"))


def test_another_calibration_begins_anew(tmp_path):
    """What was measured then is no measure: a motor may be another one. Nor is a file that is damaged."""
    path = tmp_path / "arm.json"
    figures = Figures(lag_s=0.1, load=0.1, dead_zone_deg=None, play_deg=None)
    first = FirstTime(
        calibration="abc", found="2026-03-01", pose_deg=(0.0,) * 6, joints=dict.fromkeys(MOTORS, figures)
    )
    first.save(path)
    assert FirstTime.usable(path, "abc") == first
    assert FirstTime.usable(path, "abd") is None
    file = path.with_name("arm.motion.json")

    def read():
        found = FirstTime.usable(path, "abc")
        if found is None:
            raise LookupError
        return found

    assert survey(file.read_bytes(), on_disk(file, read), LookupError).refused
