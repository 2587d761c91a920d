"""The conditions that a run works under, from its task file and its arms' calibration; handed to its processes."""

from pathlib import Path

import msgspec
import numpy as np
import xxhash

from hilrt.config import Area, Camera, Config, Sim, Vec3
from hilrt.config.nature import nature_of
from hilrt.devices.calibration import Calibration
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.run.folder import kept
from hilrt.run.start import calibrations_of, start_places
from hilrt.step.conditions import ArmConditions, CameraConditions, Conditions

CONDITIONS = "conditions.json"


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """conditions.json of a run's folder: of its last start."""

    conditions: Conditions
    differs: list[str]
    """What is otherwise than it was recorded or trained with, in words."""


def handed(run_dir: Path) -> Handed | None:
    """What a run was started with; None of one that nobody wrote it down for.

    Raises:
        RunFolderError: the file cannot be read.
    """
    path = run_dir / CONDITIONS
    return kept(path, Handed) if path.exists() else None


def conditions_of(config: Config) -> Conditions:
    """Those of now.

    Raises:
        CalibrationFileError, FindingFileError, FindingStaleError: of an arm's calibration.
        RobotModelError, UnknownNameError: of its description.
    """
    processor, robot, ik = config.processor, config.robot, config.processor.inverse_kinematics
    urdf = Path((ik and ik.urdf_path) or SO100_URDF)
    calibrations = calibrations_of(config)
    arms = zip(config.sides, calibrations, start_places(config, calibrations), strict=True)
    return Conditions(
        arms={side: _arm(config, side, calibration, place) for side, calibration, place in arms},
        cameras={name: _camera(config, name, camera) for name, camera in robot.cameras.items()},
        resize=processor.image_preprocessing.resize_size,
        robot_type=config.robot_name,
        urdf=xxhash.xxh3_64_hexdigest(urdf.read_bytes()),
        frame=ik.target_frame_name if ik else SO100_FRAME,
        open_position=processor.gripper.open_position,
        max_gripper_pos=processor.max_gripper_pos,
        goals_hz=config.goals_per_tick * config.env.fps,
        joint_velocity_deg_s=config.safety.max_joint_velocity_deg_s,
        own_steps=tuple(f"{step.pipeline}: {step.step} {step.options}" for step in processor.steps),
        environment=f"{config.env.id} {config.env.kwargs}" if config.in_environment else None,
        start_range_mm=tuple(round(1e3 * metres, 1) for metres in processor.reset.start_range_m),
        grip_lead_deg=robot.grip_lead_deg,
        gravity_compensation=robot.gravity_compensation,
        sim=msgspec.json.decode(msgspec.json.encode(nature_of(config.sim.arm))) if config.sim else None,
        scene=_scene(config.sim) if config.sim else None,
        area=_area(processor.reset.area) if processor.reset.area else "",
    )


def _area(area: Area) -> str:
    ways = zip("xy", area.min, area.max, strict=True)
    return ", ".join(f"{axis} {1e3 * low:.0f} .. {1e3 * high:.0f} mm" for axis, low, high in ways)


def _scene(sim: Sim) -> dict[str, float | bool]:
    """By option of [sim]."""
    names = ("patch_m", "yaw_deg", "object_scale", "object_mass", "nudge_mm")
    pictures = {f"pictures.{name}": value for name, value in msgspec.structs.asdict(sim.pictures).items()}
    return {name: getattr(sim, name) for name in names} | pictures


def _arm(config: Config, side: str, calibration: Calibration, place: Vec3) -> ArmConditions:
    *zeros, closed, opened = calibration.landmarks_deg
    return ArmConditions(
        id=config.robot.sides[side].id,
        start=config.reset_pose(side),
        start_m=place,
        box=config.bounds(side),
        zeros_deg=tuple(zeros),
        gripper_deg=(closed, opened),
        offsets_deg=tuple(np.rad2deg(calibration.zeros).round(2).tolist()),
    )


def _camera(config: Config, name: str, camera: Camera) -> CameraConditions:
    return CameraConditions(
        device=str(camera.path) if camera.type == "opencv" else "",
        width=camera.width,
        height=camera.height,
        fps=camera.fps,
        rotation=camera.rotation,
        fourcc=camera.fourcc,
        crop=config.processor.image_preprocessing.crop_params_dict.get(name, ()),
        controls={k: v for k, v in msgspec.structs.asdict(camera.controls).items() if v is not None},
    )
