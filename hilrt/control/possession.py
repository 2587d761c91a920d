"""What the arm knows of an object without a camera: that it holds it, or where it last let go of it."""

from hilrt.config import Config
from hilrt.control.grasp import Hold, least_held
from hilrt.control.grip import Grip
from hilrt.control.pipeline import Signal, Stateless
from hilrt.control.safety import JointLimits
from hilrt.control.tick import Tick
from hilrt.devices.calibration import Calibration


class Possession(Stateless):
    """Of one arm, over all episodes; between them, whoever moves the arm shows it the ticks."""

    name = "possession"
    reads = (Signal("joints", ("arms", 6), "rad"), Signal("pose", ("arms", 4, 4), "m"))
    writes = ()

    def __init__(self, config: Config, calibration: Calibration, limits: JointLimits, grip: Grip) -> None:
        """Raises `ShutUnknownError` where nobody knows how far an empty gripper shuts; what `ShutGripper.of` raises."""
        self._limits, self._grip = limits, grip
        self._hold = Hold(least_held(config, calibration), config.env.fps)
        self.held = False
        self.height: float | None = None
        """Of the end effector where it took hold of what it has, or had last [m]."""
        self.opening = 0.0
        """Of its gripper, around that, of its range."""
        self.place: tuple[float, float] | None = None
        """Where the object was let go, in the arm's base frame [m]; None: it is held, or nobody knows."""

    def __call__(self, tick: Tick) -> None:
        """Take in a tick."""
        before, (stopped,) = self.held, self._grip.stopped(-self._limits.opening_step)
        x, y, height = tick.pose[0, :3, 3].tolist()
        opening = float(self._limits.opening(tick.joints)[0])
        self.held = self._hold.see(opening, height, stopped=stopped)
        if self.held:
            self.height, self.opening, self.place = self._hold.taken_at, opening, None
        elif before:
            self.place = x, y

    def forget(self) -> None:
        """Somebody has put the object elsewhere."""
        self.held, self.place = False, None
