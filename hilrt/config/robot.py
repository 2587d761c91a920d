"""Arms, cameras and the operator's device."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hilrt.config.values import Bounds, Count, Fraction, JointPose, NonNegative, Pixels, Positive

MAX_COMMAND_HZ = 75
"""More would meet the tick's own reading on the wire."""


class CameraControls(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a camera would choose by itself: set as it is opened; what is absent stays as the camera has it.

    Units are those of its driver: `v4l2-ctl -d /dev/video0 --list-ctrls`.
    """

    exposure: int | None = None
    """Automatic exposure is switched off."""
    gain: int | None = None
    white_balance: int | None = None
    """Colour temperature; automatic white balance is switched off."""
    focus: int | None = None
    """Autofocus is switched off."""


class Camera(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One camera; frames are stored as it gives them."""

    type: Literal["opencv", "sim", "env"] = "opencv"
    index_or_path: int | str = 0
    """V4L2 index, device path (by-id names survive replugging), video file or folder of images; a `sim` camera goes by
    its table's name, and so does an `env` camera, which hilrt itself writes into a run's config."""
    width: Pixels = 640
    height: Pixels = 480
    fps: Count = 30
    rotation: Literal[0, 90, 180, 270] = 0
    """Clockwise [deg], applied to every frame."""
    fourcc: str = "MJPG"
    controls: CameraControls = CameraControls()
    max_age_s: Positive = 0.5
    """While the newest frame is older, or a device repeats itself to the bit, the arm holds;
    after 10 s the run stops [s]."""

    @property
    def path(self) -> Path:
        """Device, file or folder."""
        source = self.index_or_path
        return Path(f"/dev/video{source}" if isinstance(source, int) else source)

    @property
    def frame_size(self) -> tuple[int, int]:
        """Height and width of a frame, after rotation."""
        turned = self.rotation in {90, 270}
        return (self.width, self.height) if turned else (self.height, self.width)


class Arm(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of two arms, by the name of its side."""

    port: str = ""
    """Serial device; a simulated arm brings its own."""
    id: str
    """Names the calibration file."""
    fixed_reset_joint_positions: JointPose | None = None
    """This arm's own start pose, in place of `processor.reset`'s."""
    end_effector_bounds: Bounds | None = None
    """This arm's own workspace box, in its own base frame [m]."""


class Robot(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The follower arm, or two of them."""

    type: Literal["so100_follower", "so101_follower"] = "so100_follower"
    port: str = ""
    """Serial device; the simulated arm brings its own."""
    id: str = ""
    """Names the calibration file `<calibration_dir>/robots/<type>/<id>.json`."""
    calibration_dir: str = "calibration"
    command_hz: Annotated[int, Meta(ge=1, le=MAX_COMMAND_HZ)] = 50
    """How often goals go out to the motors, between two decisions on the way from one to the next; a whole number of
    times in a tick, once at least. It makes motion smooth and keeps joint velocities below their limit."""
    grip_lead_deg: Positive = 2.0
    """How far a gripper's goal stays beyond the opening of a jaw that something has stopped [deg]: that is the force
    it holds with, on measured servos 10 to 20 % of their torque, and never more than 20 %: one that gives 25 % for two
    seconds lets go. A larger lead is for a gripper with much play."""
    gravity_compensation: bool = False
    """Send goals as much higher as the arm hangs under its own weight: seen once, as it first comes to rest at its
    start pose, and foretold elsewhere from the masses in the URDF; 5 degrees at most. State, action and recorded goals
    stay what they are."""
    arms: dict[str, Arm] = {}
    """Two arms by side, e.g. `left` and `right`, in place of `port` and `id`."""
    cameras: dict[str, Camera] = {}

    @property
    def sides(self) -> dict[str, Arm]:
        """Arms by side; a single one has no name."""
        return self.arms or {"": Arm(port=self.port, id=self.id)}

    @property
    def real_cameras(self) -> dict[str, Camera]:
        """Those that neither simulator nor environment draws."""
        return {name: camera for name, camera in self.cameras.items() if camera.type == "opencv"}

    def calibration_path(self, side: str) -> Path:
        """Where that arm's calibration lies."""
        return Path(self.calibration_dir) / "robots" / self.type / f"{self.sides[side].id}.json"


class Scripted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The scripted operator's habits; see `hilrt.sim.operator`."""

    variety: Fraction = 1.0
    """How much it varies from episode to episode where it grips and aims, the side and height it comes from, how high
    it lifts and how fast it is: 0 each time the same but for its slips, 1 as much as it can and still succeed."""
    noise: NonNegative = 0.1
    """Standard deviation added to its actions, in action units."""
    wrong_bursts: Fraction = 0.05
    """Share of its steps spent in short bursts of random motion."""
    attention: Fraction = 1.0
    """Share of episodes that it watches once the policy succeeds every time; as long as it fails, it watches more."""
    reaction_s: NonNegative = 0.3
    stall_steps: Count = 15
    """Takes over when the task has not advanced for this many steps, or has gone back."""
    hold_steps: tuple[Count, Count] = (5, 15)
    """Shortest and longest intervention [steps]."""
    release_early: Fraction = 0.7
    """Share of interventions released before the task is finished."""
    forgets: Fraction = 0.0
    """Share of these after which it keeps the arm all the same, to the end of the episode, and does nothing."""
    attendance: Fraction = 1.0
    """Share of episodes for which it is there at all, however badly the policy does."""
    budget_steps: Annotated[int, Meta(ge=0)] = 2000
    """Interventions end for good after this many human steps."""


class Leader(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of two leader arms, by the name of the side that it leads."""

    port: str = ""
    """Serial device; a simulated leader brings its own."""
    id: str
    """Names the calibration file."""


class Teleop(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The operator's device."""

    type: Literal["scripted", "keyboard", "gamepad", "so100_leader", "so101_leader"] = "keyboard"
    """`keyboard` is the terminal hilrt runs in, unless `device` names one."""
    port: str = ""
    """Leader arm: its serial device; a simulated one brings its own, and a scripted hand."""
    id: str = ""
    """Leader arm: names the calibration file `<robot.calibration_dir>/teleoperators/<type>/<id>.json`."""
    arms: dict[str, Leader] = {}
    """Two leader arms, by the sides of `robot.arms`, in place of `port` and `id`."""
    auto_takeover: bool = False
    """Leader arm: a tug at it takes over too, and holding it still hands back."""
    device: str = ""
    """Part of a gamepad's or keyboard's name, or its path; empty: the first gamepad, or the terminal."""
    dead_zone: Annotated[float, Meta(ge=0.0, le=0.9)] = 0.1
    """Gamepad: share of a stick's way around its middle that means nothing."""
    intervene: bool = True
    """Whether the operator may take over during training."""
    coach: bool = True
    """Whether the screen says so in training where taking over otherwise would teach more (docs/guide/intervene.md)."""
    use_gripper: bool = True
    """Whether the device moves the gripper; if not, it stays with the policy while the operator drives."""
    scripted: Scripted = Scripted()

    @property
    def leads(self) -> bool:
        """Whether the device is a leader arm, or two."""
        return self.type.endswith("_leader")

    @property
    def leaders(self) -> dict[str, Leader]:
        """Leader arms by side; a single one has no name."""
        return (self.arms or {"": Leader(port=self.port, id=self.id)}) if self.leads else {}
