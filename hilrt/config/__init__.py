"""What a task file may say: frozen structs, one per table, each option read somewhere.

Names follow the reference workflow that users of this arm know. `hilrt.config.taskfile` reads and checks the file.
"""

import math
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hilrt.config.env import Env, Spaces
from hilrt.config.learning import Evaluation, Learner, Policy
from hilrt.config.nature import Nature, nature_of
from hilrt.config.processor import (
    CustomStep,
    Gripper,
    ImagePreprocessing,
    InverseKinematics,
    ObservationSteps,
    Processor,
    Reset,
    StepSizes,
)
from hilrt.config.reward import Reward, RewardClassifier
from hilrt.config.robot import MAX_COMMAND_HZ, Arm, Camera, CameraControls, Leader, Robot, Scripted, Teleop
from hilrt.config.sim import PATCH_CENTRE, SIM_CAMERAS, SIM_TASKS, TWO_APART, Sim, SimArm, SimPictures, SimUsb
from hilrt.config.values import MOTORS, Area, Bounds, Count, JointPose, NonNegative, Positive, Vec2, Vec3

__all__ = [
    "MOTORS",
    "PATCH_CENTRE",
    "SIM_CAMERAS",
    "SIM_TASKS",
    "TWO_APART",
    "Area",
    "Arm",
    "Bounds",
    "Camera",
    "CameraControls",
    "Config",
    "CustomStep",
    "Env",
    "Evaluation",
    "Gripper",
    "ImagePreprocessing",
    "InverseKinematics",
    "JointPose",
    "Leader",
    "Learner",
    "Nature",
    "ObservationSteps",
    "Policy",
    "Processor",
    "Reset",
    "Reward",
    "RewardClassifier",
    "Robot",
    "Safety",
    "Scripted",
    "Sim",
    "SimArm",
    "SimPictures",
    "SimUsb",
    "Spaces",
    "StepSizes",
    "Teleop",
    "Vec2",
    "Vec3",
    "nature_of",
]


class Dataset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Demonstrations."""

    root: Annotated[str, Meta(min_length=1)]
    """Folder of the recorded demonstrations."""
    num_episodes_to_record: Count = 5
    """Successful demonstrations that one `hilrt record` adds; failures are kept beside them."""
    image_format: Literal["png", "jpeg"] = "png"
    """How frames are kept on disk: `png` exactly, `jpeg` in a tenth of the room."""
    video: bool = False
    """A new dataset keeps them as H.264 video, in a fraction of that again; not exact. An old one stays what it is."""


class Safety(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What keeps the arm and its surroundings whole."""

    on_crash: Literal["hold", "release"] = "hold"
    """When control dies: keep torque and pose, or take the torque away. Then it is started again, and asks before
    anything moves."""
    resume_after_s: NonNegative = 10.0
    """So long it waits for Enter before an arm that holds, or a simulated one, goes on by itself [s]; a real one that
    was let go waits for ever."""
    park_pose: JointPose | None = None
    """Where the arm rests: five joints [deg], gripper's calibrated position [0 .. 100]. It goes there, up first, at the
    end of a run, at a stop, after an error that is not its own, and after `idle_min`. Absent: it holds where it is."""
    park_torque: Literal["hold", "release"] = "hold"
    """There: keep torque, or let go gently."""
    idle_min: Positive = 10.0
    """When nobody has done anything for so long while the arm waits for a person, it goes to its `park_pose` [min]."""
    joint_margin_deg: Annotated[float, Meta(ge=0.0, le=20.0)] = 2.0
    """Kept free at both ends of each joint's calibrated range."""
    max_joint_velocity_deg_s: Positive = 180.0
    """Of every command, resets included (those run at a third of it)."""
    max_temperature_c: Positive = 65.0
    """A hotter servo trips to hold."""
    max_current_a: Positive | None = None
    """A servo that draws more for a whole second is eased, and the episode cut [A]; absent: 2.0, with a supply below
    6.7 V 0.3 for each volt. A stalled STS3215 draws 2.7 at 12 V, 1.6 at 5 V."""
    min_voltage_v: NonNegative | None = None
    """A lower supply trips to hold [V]; absent: four fifths of what is measured at the start, so that arms of 5 and
    of 12 V run."""
    max_voltage_v: Positive = 13.5
    """A higher supply trips to hold [V]."""
    self_collision: bool = False
    """Refuse commands that would bring two links of an arm into each other."""
    table_height_m: float | None = None
    """Refuse commands that would push an arm into a table at this height, base frame [m]; absent: no check."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole task file."""

    env: Env
    robot: Robot = Robot()
    teleop: Teleop = Teleop()
    processor: Processor = Processor()
    reward: Reward = Reward()
    dataset: Dataset
    policy: Policy = Policy()
    learner: Learner = Learner()
    eval: Evaluation = Evaluation()
    safety: Safety = Safety()
    sim: Sim | None = None
    seed: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    runs_dir: str = "runs"

    @property
    def sides(self) -> dict[str, Arm]:
        """Arms by side; none in an environment."""
        return {} if self.in_environment else self.robot.sides

    @property
    def in_environment(self) -> bool:
        """Whether there is a Gymnasium environment in place of arms."""
        return self.env.type == "gymnasium"

    @property
    def robot_name(self) -> str:
        """What datasets call it."""
        return self.env.id if self.in_environment else self.robot.type

    def reset_pose(self, side: str) -> JointPose:
        """Where that arm starts."""
        pose = (
            self.robot.sides[side].fixed_reset_joint_positions
            or self.processor.reset.fixed_reset_joint_positions
        )
        assert pose is not None  # the cross-check has seen to it
        return pose

    def bounds(self, side: str) -> Bounds | None:
        """That arm's workspace box; None with joint control."""
        ik = self.processor.inverse_kinematics
        return (self.robot.sides[side].end_effector_bounds or ik.end_effector_bounds) if ik else None

    def ports(self, simulated: str) -> list[str]:
        """Serial devices of the arms; `simulated`: those of the simulator, a line for each."""
        return simulated.split("\n") if self.sim else [arm.port for arm in self.sides.values()]

    def leader_ports(self, simulated: str) -> list[str]:
        """The same of the leader arms."""
        return simulated.splitlines() if self.sim else [arm.port for arm in self.teleop.leaders.values()]

    def leader_path(self, side: str) -> Path:
        """Where that leader arm's calibration lies."""
        teleop, folder = self.teleop, Path(self.robot.calibration_dir)
        return folder / "teleoperators" / teleop.type / f"{teleop.leaders[side].id}.json"

    @property
    def lockstep(self) -> bool:
        """Whether time is simulated."""
        return self.in_environment or (self.sim is not None and self.sim.clock == "lockstep")

    @property
    def has_other_object(self) -> bool:
        """Whether an object lies in the simulated scene that is not meant."""
        return self.sim is not None and self.env.task == "pick_of_two"

    @property
    def goals_per_tick(self) -> int:
        """Goals that go out to each motor in a tick: as `robot.command_hz` has it, within what a tick has room for."""
        hz, fps = self.robot.command_hz, self.env.fps
        return max(1, min(round(hz / fps), MAX_COMMAND_HZ // fps))

    @property
    def needs_keys(self) -> bool:
        """Whether the terminal's keys are the operator's, or those beside her leader arm."""
        teleop = self.teleop
        return not self.scripted and (teleop.leads or (teleop.type == "keyboard" and not teleop.device))

    @property
    def scripted(self) -> bool:
        """Whether the operator is a script; it has hands for simulated leader arms."""
        return (
            self.in_environment
            or self.teleop.type == "scripted"
            or (self.teleop.leads and self.sim is not None)
        )

    @property
    def coached(self) -> bool:
        """Whether there is somebody who may take over in training, and wants to be told how."""
        teleop = self.teleop
        return teleop.coach and teleop.intervene and not (self.in_environment and self.env.operator is None)

    @property
    def action_scale(self) -> tuple[float, ...]:
        """Motion of a full action along each axis of one arm [m or rad]."""
        ik = self.processor.inverse_kinematics
        if ik:
            return tuple(ik.end_effector_step_sizes.axes.values())
        step_deg = self.processor.joint_step_deg
        default = min(5.0, self.safety.max_joint_velocity_deg_s / self.env.fps)
        return (math.radians(default if step_deg is None else step_deg),) * len(self.processor.action_names)

    @property
    def displays(self) -> bool:
        """Whether there is a window with pictures."""
        return self.processor.observation.display_cameras and bool(self.robot.cameras)

    @property
    def max_episode_steps(self) -> int:
        """Time limit in ticks."""
        return max(1, round(self.processor.reset.control_time_s * self.env.fps))

    @property
    def gamma(self) -> float:
        """Discount per tick."""
        return float(self.learner.discount ** (10.0 / self.env.fps))
