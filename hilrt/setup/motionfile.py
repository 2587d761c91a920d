"""What an arm's joints were like when they were first measured, and what has become worse since."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

from hilrt.config import MOTORS
from hilrt.devices.beside import Beside
from hilrt.errors import FindingFileError
from hilrt.setup.motionfit import Figures

GROWN = 1.6
"""Times what it was: less is within what the measurement varies by."""
GROWN_DEG, GROWN_S, GROWN_LOAD = 0.5, 0.1, 0.1
SAME_POSE_DEG = 5.0
"""A load is another one in another pose."""

PLAY_CURE = "check its horn screw and the screws around it; if they are tight, its gears are worn"
DEAD_ZONE_CURE = "see that it turns freely; a servo that is hot or worn needs more to start"
LAG_CURE = "see that it turns freely, that the supply gives its voltage, and that nobody has lowered its P"
LOAD_CURE = "look for a cable that pulls, a screw that is too tight, or something new on the arm"


class FirstTime(Beside, frozen=True, kw_only=True):
    """The file."""

    NAME: ClassVar[str] = "motion"
    WHAT: ClassVar[str] = "how well its joints moved"
    COMMAND: ClassVar[str] = "hilrt doctor --motion CONFIG"
    WITHOUT: ClassVar[str] = "counting begins anew"

    pose_deg: tuple[float, ...]
    joints: dict[str, Figures]

    @classmethod
    def usable(cls, calibration_path: Path, digest: str) -> Self | None:
        """That of an arm with this calibration; None where there is none: with another one a motor may be another."""
        try:
            return cls.of(calibration_path, digest)
        except FindingFileError:
            return None

    def check(self, path: Path) -> None:
        """Raises `FindingFileError` where it is not of six joints."""
        if self.joints.keys() != set(MOTORS) or len(self.pose_deg) != len(MOTORS):
            raise FindingFileError(str(path), "it is not of six joints", self.COMMAND, self.WITHOUT)

    def worse(self, now: Self, motor: str) -> Iterator[str]:
        """What has grown by more than measurements vary, and what to do."""
        then, here, since = self.joints[motor], now.joints[motor], f"since {self.found}"
        for name, before, after, cure in (
            ("play", then.play_deg, here.play_deg, PLAY_CURE),
            ("dead zone", then.dead_zone_deg, here.dead_zone_deg, DEAD_ZONE_CURE),
        ):
            if before is not None and after is not None and _grown(before, after, GROWN_DEG):
                yield f"{name} {before:.1f} -> {after:.1f} degrees {since}: {cure}"
        if _grown(then.lag_s, here.lag_s, GROWN_S):
            yield f"lag {then.lag_s:.2f} -> {here.lag_s:.2f} s {since}: {LAG_CURE}"
        same = max(abs(a - b) for a, b in zip(self.pose_deg, now.pose_deg, strict=True)) < SAME_POSE_DEG
        if same and _grown(abs(then.load), abs(here.load), GROWN_LOAD):
            yield f"load at rest {100 * then.load:.0f} -> {100 * here.load:.0f} % {since}: {LOAD_CURE}"


def _grown(before: float, after: float, least: float) -> bool:
    return after - before > least and after > GROWN * before
