"""The pipelines: from measurements to the policy, and from actions to the arm."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hilrt.config.own import IMPORT_PATH
from hilrt.config.reward import RewardClassifier
from hilrt.config.values import MOTORS, Area, Bounds, JointPose, NonNegative, Pixels, Positive

AXES = ("x", "y", "z", "pitch", "roll")


class ObservationSteps(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which measurements join the state vector, beside joint positions."""

    add_joint_velocity_to_observation: bool = False
    """Over the measured time between two readings [rad/s]."""
    add_current_to_observation: bool = False
    """Signed [A]."""
    add_ee_pose_to_observation: bool = False
    """End-effector position relative to the start pose [m]."""
    display_cameras: bool = False
    """Show what the policy sees in a window."""


class ImagePreprocessing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From a camera's frame to the picture that the policy sees; frames are recorded whole."""

    crop_params_dict: dict[str, tuple[int, int, int, int]] = {}
    """By camera: top, left, height, width [pixels], after rotation; a camera not named is not cropped."""
    resize_size: tuple[Pixels, Pixels] = (128, 128)
    """Height, width [pixels]."""


class Gripper(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The gripper as part of the action, and its place in the reward."""

    use_gripper: bool = True
    """If not, it keeps its opening of the start pose, and the policy has no say in it."""
    open_position: Literal[0, 100] = 100
    """Calibrated position at which it is open; 0 for one that was calibrated the other way round."""
    gripper_penalty: Annotated[float, Meta(le=0.0)] = 0.0
    """Added to the gripper critic's reward for each change of command; -0.02 is usual."""


class Reset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Between and within episodes."""

    fixed_reset_joint_positions: JointPose | None = None
    """Start pose: five joints [deg], gripper's calibrated position [0 .. 100]."""
    reset_time_s: NonNegative = 5.0
    """Time to put the scene back, counted from the start of the reset; Enter, or a gamepad's start button, ends it
    early. A simulated scene needs none."""
    scene: Literal["operator", "self"] = "operator"
    """Who puts the object back. `self`: the arm, which carries it to another place of the area after each episode, at
    least 2 cm inside the box; it calls the operator where it neither holds the object nor finds it where it last let go
    of it."""
    via: Literal["lift", "straight"] = "lift"
    """The way there: `lift` takes the tool up to the top of its box, then over, then down, and knows nothing of what
    stands higher; `straight` moves all joints at once, and sweeps through whatever is in between."""
    start_range_m: tuple[NonNegative, NonNegative, NonNegative] = (0.0, 0.0, 0.0)
    """Each episode begins up to so far from the start pose, to either side along x, y and z, at a place that is drawn
    from the seed: inside the box, in reach, free of collisions [m]."""
    area: Area | None = None
    next_place: Literal["anywhere", "weak"] = "anywhere"
    """Training: a simulated object goes anywhere in its area, or by cells of it where few episodes began or were won
    (docs/guide/places.md). On a real arm the screen names a cell in any case; with `weak` you put it there."""
    control_time_s: Positive = 20.0
    """Time limit of an episode; reaching it truncates."""
    terminate_on_success: bool = True
    """If not, an episode goes on to its time limit, with reward 1 on every step from success on."""


class StepSizes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """End-effector motion of one full action; the axes named here are the action's axes."""

    x: Positive | None = None
    """[m], base frame, forward."""
    y: Positive | None = None
    """[m], to the left."""
    z: Positive | None = None
    """[m], up."""
    pitch: Positive | None = None
    """[rad], the tool tilts in the arm's vertical plane; positive raises it."""
    roll: Positive | None = None
    """[rad], the tool turns about its own axis."""

    @property
    def axes(self) -> dict[str, float]:
        """Step by axis."""
        return {axis: step for axis in AXES if (step := getattr(self, axis)) is not None}


class InverseKinematics(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From end-effector motion to joints."""

    urdf_path: str = ""
    """Empty: the SO-100 that ships with hilrt."""
    target_frame_name: str = "gripper_frame_link"
    end_effector_bounds: Bounds
    end_effector_step_sizes: StepSizes = StepSizes(x=0.02, y=0.02, z=0.02)


class CustomStep(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A step of the user's own."""

    step: Annotated[str, Meta(pattern=IMPORT_PATH)]
    """Import path of its class, `package.module:Class`; modules in the working directory are found."""
    pipeline: Literal["observation", "outcome", "action"]
    before: str = ""
    """Name of the step that it precedes; absent: `state`, `success` or `delta`."""
    state: tuple[str, ...] = ()
    """Names of the values that it adds to the state vector, each a float."""
    options: dict[str, Any] = {}
    """Keyword arguments of the class."""


class Processor(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The way from measurements to the policy and from actions to the arm; `hilrt pipeline` prints it."""

    control_mode: Literal["keyboard", "gamepad", "leader"] | None = None
    """As in the reference workflow; `teleop.type` decides, and this must agree with it."""
    observation: ObservationSteps = ObservationSteps()
    image_preprocessing: ImagePreprocessing = ImagePreprocessing()
    gripper: Gripper = Gripper()
    max_gripper_pos: Annotated[float, Meta(gt=0.0, le=100.0)] = 100.0
    """Widest opening that is ever commanded, of 100."""
    reset: Reset = Reset()
    inverse_kinematics: InverseKinematics | None = None
    """Absent: the action moves each joint by itself."""
    joint_step_deg: Positive | None = None
    """Joint control: motion of a joint by one full action [deg]; absent: 5, or less at a high rate."""
    reward_classifier: RewardClassifier = RewardClassifier()
    steps: tuple[CustomStep, ...] = ()
    """Steps of your own."""

    @property
    def action_names(self) -> tuple[str, ...]:
        """Axes of one arm's action: `dx`, `dy` ..., or `shoulder_pan.delta` ..."""
        if self.inverse_kinematics is None:
            return tuple(f"{motor}.delta" for motor in MOTORS[:-1])
        return tuple(f"d{axis}" for axis in self.inverse_kinematics.end_effector_step_sizes.axes)
