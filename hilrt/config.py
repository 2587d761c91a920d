"""What a task file may say: frozen structs, one per table, each option read somewhere.

Names follow the reference workflow that users of this arm know. `hilrt.taskfile` reads and checks the file.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0.0)]
NonNegative = Annotated[float, Meta(ge=0.0)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1)]
Vec3 = tuple[float, float, float]

MOTORS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
"""Motors of the arm in the order of their bus ids 1..6."""
SIM_TASKS = ("pick_lift", "push")
SIM_CAMERAS = ("front", "wrist")


class Env(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done, and how often."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{1,40}$")] = "so100"
    """Prefix of the run folder."""
    task: str
    """Name of the task; with `[sim]` it selects the simulated one."""
    fps: Annotated[int, Meta(ge=1, le=200)] = 10
    """Control rate [Hz]."""


class Camera(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One camera; frames are stored as it gives them."""

    type: Literal["opencv", "sim"] = "opencv"
    index_or_path: int | str = 0
    """V4L2 index, device path or video file; a `sim` camera goes by its table's name."""
    width: Count = 640
    height: Count = 480
    fps: Count = 30
    rotation: Literal[0, 90, 180, 270] = 0
    """Clockwise [deg], applied to every frame."""
    fourcc: str = "MJPG"


class Robot(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The follower arm."""

    type: Literal["so100_follower", "so101_follower"] = "so100_follower"
    port: str = ""
    """Serial device; the simulated arm brings its own."""
    id: str
    """Names the calibration file `<calibration_dir>/robots/<type>/<id>.json`."""
    calibration_dir: str = "calibration"
    cameras: dict[str, Camera] = {}

    @property
    def calibration_path(self) -> Path:
        """Where this arm's calibration lies."""
        return Path(self.calibration_dir) / "robots" / self.type / f"{self.id}.json"


class Scripted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The scripted operator's habits; see `hilrt.sim.operator`."""

    noise: NonNegative = 0.1
    """Standard deviation added to its actions, in action units."""
    wrong_bursts: Fraction = 0.05
    """Share of its steps spent in short bursts of random motion."""
    reaction_s: NonNegative = 0.3
    stall_steps: Count = 15
    """Takes over when the task has not advanced for this many steps, or has gone back."""
    hold_steps: tuple[Count, Count] = (5, 15)
    """Shortest and longest intervention [steps]."""
    release_early: Fraction = 0.7
    """Share of interventions released before the task is finished."""
    budget_steps: Annotated[int, Meta(ge=0)] = 2000
    """Interventions end for good after this many human steps."""


class Teleop(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The operator's device."""

    type: Literal["scripted", "keyboard"] = "keyboard"
    """`keyboard` is the terminal hilrt runs in."""
    intervene: bool = True
    """Whether the operator may take over during training."""
    scripted: Scripted = Scripted()


class ObservationSteps(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which measurements join the state vector, beside joint positions."""

    add_joint_velocity_to_observation: bool = False
    add_current_to_observation: bool = False
    add_ee_pose_to_observation: bool = False


class Gripper(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The gripper's place in the reward."""

    gripper_penalty: Annotated[float, Meta(le=0.0)] = 0.0
    """Added to the gripper critic's reward for each change of command; -0.02 is usual."""


class Reset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Between and within episodes."""

    fixed_reset_joint_positions: tuple[float, float, float, float, float, float]
    """Start pose: five joints [deg], gripper [0 closed .. 100 open]."""
    reset_time_s: NonNegative = 5.0
    """Time to put the scene back, counted from the start of the reset; a simulated scene needs none."""
    control_time_s: Positive = 20.0
    """Time limit of an episode; reaching it truncates."""
    terminate_on_success: bool = True


class Bounds(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The workspace box of the end effector, base frame [m]."""

    min: Vec3
    max: Vec3


class StepSizes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """End-effector motion of one full action [m]."""

    x: Positive = 0.02
    y: Positive = 0.02
    z: Positive = 0.02


class InverseKinematics(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From end-effector motion to joints."""

    urdf_path: str = ""
    """Empty: the SO-100 that ships with hilrt."""
    target_frame_name: str = "gripper_frame_link"
    end_effector_bounds: Bounds
    end_effector_step_sizes: StepSizes = StepSizes()


class Processor(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The way from measurements to the policy and from actions to the arm."""

    observation: ObservationSteps = ObservationSteps()
    gripper: Gripper = Gripper()
    reset: Reset
    inverse_kinematics: InverseKinematics


class Dataset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Demonstrations."""

    root: str
    num_episodes_to_record: Count = 5


class Learner(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Soft actor-critic with prior data and human corrections."""

    device: str = "auto"
    """`auto` (CUDA where there is one), `cpu`, `cuda:0` ..."""
    online_steps: Count = 10_000
    batch_size: Annotated[int, Meta(ge=2)] = 256
    utd_ratio: NonNegative | None = None
    """Critic updates per online step; absent: 4 on CPU, 8 on GPU; 0: as many as the machine can."""
    critic_updates: Count = 2
    """Critic updates between two actor updates."""
    num_critics: Annotated[int, Meta(ge=2)] | None = None
    """Ensemble size; absent: 2 on CPU, 10 on GPU, of which a random 2 make each target."""
    discount: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.97
    """Per 0.1 s; rescaled to the control rate."""
    tau: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.005
    learning_rate: Positive = 3e-4
    temperature_init: Positive = 1e-2
    clip_targets: bool = True
    bc: Literal["plain", "qfilter", "off"] = "plain"
    """Imitation, in the actor's loss, of human steps and of episodes that the policy won alone."""
    bc_weight: NonNegative = 1.0
    bc_weight_final: NonNegative = 0.5
    """Reached when autonomous success reaches 80 %."""
    warm_start_steps: Annotated[int, Meta(ge=0)] = 1000
    critic_warmup_steps: Annotated[int, Meta(ge=0)] = 500
    online_step_before_learning: Annotated[int, Meta(ge=0)] = 100
    online_buffer_capacity: Annotated[int, Meta(ge=1000)] = 100_000
    policy_parameters_push_frequency: NonNegative = 0.25
    """Shortest time between two weight publications [s]; at least 50 updates lie between them."""
    checkpoint_every_s: Positive = 120.0


class Evaluation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Deterministic episodes with the operator off."""

    every_steps: Annotated[int, Meta(ge=0)] = 1000
    """Online steps between evaluations during training; 0: none."""
    episodes: Count = 20
    final_episodes: Count = 100


class Safety(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What keeps the arm and its surroundings whole."""

    on_crash: Literal["hold", "release"] = "hold"
    """When control dies: keep torque and pose, or take the torque away."""
    joint_margin_deg: Annotated[float, Meta(ge=0.0, le=20.0)] = 2.0
    """Kept free at both ends of each joint's calibrated range."""
    max_joint_velocity_deg_s: Positive = 180.0
    """Of every command, resets included (those run at a third of it)."""
    max_temperature_c: Positive = 65.0
    """A hotter servo trips to hold."""


class Sim(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The simulated arm and scene, on a pseudo-terminal in place of the serial port."""

    clock: Literal["realtime", "lockstep"] = "realtime"
    """`lockstep`: simulated time advances tick by tick, as fast as control and learner allow."""
    observe_object: bool = False
    """The object's true pose joins the state vector."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole task file."""

    env: Env
    robot: Robot
    teleop: Teleop = Teleop()
    processor: Processor
    dataset: Dataset
    learner: Learner = Learner()
    eval: Evaluation = Evaluation()
    safety: Safety = Safety()
    sim: Sim | None = None
    seed: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    runs_dir: str = "runs"

    @property
    def max_episode_steps(self) -> int:
        """Time limit in ticks."""
        return max(1, round(self.processor.reset.control_time_s * self.env.fps))

    @property
    def gamma(self) -> float:
        """Discount per tick."""
        return float(self.learner.discount ** (10.0 / self.env.fps))
