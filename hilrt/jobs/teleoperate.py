"""Drive an arm by hand, nothing recorded; with its workspace box, or without, to find it."""

from collections.abc import Sequence
from pathlib import Path

from hilrt.config import taskfile
from hilrt.errors import UnknownNameError
from hilrt.jobs.run import run
from hilrt.jobs.task import in_real_time, load
from hilrt.report.summary import Agreement
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Purpose
from hilrt.step.extent import Extent

ENDLESS = "processor.reset.control_time_s=86400"
"""A day."""
EVERYWHERE = "{min = [-1.0, -1.0, -1.0], max = [1.0, 1.0, 1.0]}"
"""A box that holds all the places an arm can reach."""


def teleoperate(task_file: Path, overrides: Sequence[str]) -> RunFolder:
    """Drive the arm with the operator's device; nothing is recorded.

    Raises:
        StartOutsideBoxError: a start pose is outside its box.
    """
    overrides = in_real_time(task_file, overrides, Job.TELEOPERATE)
    load(task_file, overrides)
    folder = RunFolder.create(task_file, [*overrides, ENDLESS], Job.TELEOPERATE)
    run(folder, Job.TELEOPERATE)
    return folder


def compare(task_file: Path, overrides: Sequence[str]) -> tuple[RunFolder, Agreement]:
    """Drive the arm and say how each attempt ended, while a reward classifier says it, too, and ends none.

    Raises:
        StartOutsideBoxError: a start pose is outside its box.
        ClassifierError, ClassifierViewError: it is not there, or was trained on other pictures.
    """
    asked = in_real_time(task_file, [*overrides, "reward={type='classifier'}"], Job.TELEOPERATE)
    load(task_file, asked)
    folder = RunFolder.create(task_file, [*asked, ENDLESS], Purpose.TEST_CLASSIFIER)
    return folder, run(folder, Job.TELEOPERATE).shadow


def find_limits(task_file: Path, overrides: Sequence[str], side: str = "") -> dict[str, Extent]:
    """Drive the arms without their workspace boxes; where each has been, by side, or one alone.

    All else that limits them holds: joints, speed, collisions.

    Raises:
        UnknownNameError: there is no such side.
    """
    overrides = in_real_time(task_file, overrides, Job.TELEOPERATE)
    config = taskfile.load(task_file, overrides)
    if side and side not in config.robot.sides:
        raise UnknownNameError("arm", side, config.robot.sides)
    boxes = [f"robot.arms.{side}" for side, arm in config.robot.arms.items() if arm.end_effector_bounds]
    if config.processor.inverse_kinematics:
        boxes.append("processor.inverse_kinematics")
    open_boxes = [f"{owner}.end_effector_bounds={EVERYWHERE}" for owner in boxes]
    folder = RunFolder.create(task_file, [*overrides, ENDLESS, *open_boxes], Purpose.FIND_LIMITS)
    summary = run(folder, Job.TELEOPERATE)
    # none of them if it was stopped before the first episode
    extents = dict(zip(config.robot.sides, map(Extent, summary.extents), strict=False))
    return {name: extent for name, extent in extents.items() if side in {"", name}}
