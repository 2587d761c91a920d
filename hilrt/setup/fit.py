"""What demonstrations say about the task file: workspace box, steps, time limit and start pose, beside today's."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from hilrt.config import Config
from hilrt.control.underside import Underside
from hilrt.data.journal import Episode
from hilrt.data.lerobot.dataset import Dataset, open_dataset
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration, radians_from_units, units_from_radians
from hilrt.errors import FitError, JournalFeaturesError, UnknownNameError
from hilrt.jobs.demonstrations import fold_what_is_left, require_one_task
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.setup.console import Console, Table
from hilrt.setup.limits import kinematics_of
from hilrt.setup.place import Place
from hilrt.setup.proposal import Fit, Proposal, calibration_of
from hilrt.setup.reach import Float64, Reach, Way
from hilrt.step.difference import difference
from hilrt.step.extent import QUANTITIES, table_name
from hilrt.step.features import Features, from_config
from hilrt.step.record import vector

MARGIN = 0.01
"""Left beside and above all that was reached [m]."""
SPARED = np.array([MARGIN, MARGIN, 0.0])
"""Left on the other sides: nothing below, for what is lower than all demonstrations is a table, most often."""
STEPS_WIDE = 2
"""A box is at least so many steps wide along each axis: one to go, one to come back."""
PATIENCE = 2.5
"""Time limit, in medians of the successful demonstrations."""
HANGS = 3.0
"""A start pose that episodes begin no further from stays [deg; gripper 0 .. 100]: an arm hangs below what it is told,
and would be told a lower pose each time."""
USED = 95
"""Percentile of the actions that tells how much of a step is used."""
IK = "processor.inverse_kinematics"


def fit(config: Config, side: str = "", *, new_steps: bool = False) -> Fit:
    """Look through the demonstrations in `dataset.root`.

    Args:
        config: today's.
        side: whose box and start pose; empty: those of all arms.
        new_steps: propose steps by what is used of them; demonstrations then have to be recorded anew.

    Raises:
        FitError: none of them succeeded, or no arm moves in them.
        JournalFeaturesError: they are of other arms, another rate or another kind of control.
        TasksMixedError: they are of another task.
        UnknownNameError: there is no such side.
        DatasetError, and what else `open_dataset` raises.
    """
    if side and side not in config.robot.sides:
        raise UnknownNameError("arm", side, config.robot.sides)
    fold_what_is_left(config)
    require_one_task(config, added=True)
    dataset = _dataset(config)
    shown = [episode for episode in dataset if any(record.success for record in episode.records)]
    if not shown:
        raise FitError(str(dataset.root), f"{len(dataset)} episodes and no successful one among them")
    steps = list(_steps(config, dataset.features, shown, new=new_steps))
    proposals, notes = [*steps, _time_limit(config, shown)], list(_imported(dataset))
    wide = {step.key: STEPS_WIDE * step.value for step in steps}
    moved = False
    for each in [side] if side else config.robot.sides:
        ways = [Way.of(episode, dataset.features, each) for episode in shown]
        reach = Reach.of(_kinematics(config, each), _underside(config, each), ways)
        start = _start(config, each, ways)
        moved |= reach.moved
        proposals.append(start)
        if config.bounds(each) and reach.moved:
            proposals += _box(config, each, reach, start.value, [wide.get(axis, 0.0) for axis in "xyz"])
        notes += _alone(reach, dataset.root)
    if not moved:
        raise FitError(str(dataset.root), "demonstrations in which no arm moves")
    return Fit(proposals, notes)


async def fit_here(console: Console, config: Config, side: str = "") -> Fit:
    """Have episodes begin where an arm stands, or where it is held; torque stays as it is.

    Raises:
        ConfigError: the arm is a simulated one.
        UnknownNameError, CalibrationFileError, and what `Arm.connect` raises.
    """
    place, here = Place.of(config, side), np.array(config.reset_pose(side))
    today = here.copy()
    async with await Arm.connect(place.port, Calibration.load(place.calibration_path)) as arm:

        async def look() -> Table:
            here[:] = units_from_radians(await _stands(arm))
            rows = zip(QUANTITIES[3:], today, here, strict=True)
            shown = tuple((name, f"{was:.1f}", f"{now:.1f}") for name, was, now in rows)
            return Table("Start pose", ("", "today", "here"), shown)

        await console.watch(look, "Bring the arm to where episodes shall begin; then press Enter.")
    start = _pose(config, side, here, "where the arm stands")
    return Fit([start, *_widened(config, side, start.value)])


# --- what the demonstrations say -----------------------------------------------------------------


def _dataset(config: Config) -> Dataset:
    """That of the config's arms, rate and axes; cameras, state and size of the steps may be others."""
    dataset = open_dataset(Path(config.dataset.root))
    found, mine = dataset.features, from_config(config)
    alike = replace(mine, state=found.state, scale=found.scale, images=found.images, views=found.views)
    if words := difference(found, alike):
        raise JournalFeaturesError(str(dataset.root), words)
    return dataset


def _imported(dataset: Dataset) -> Iterator[str]:
    if count := sum(row.imported for row in dataset.rows):
        yield (
            f"{count} of {len(dataset)} episodes were recorded by others: box and start pose suit your arm as far as "
            "its calibration has the same zeros; `hilrt replay CONFIG --episode 0 --speed 0.3` shows it"
        )


def _alone(reach: Reach, root: Path) -> Iterator[str]:
    for episode, words in reach.alone().items():
        yield (
            f"episode {episode} reaches further than all others, {words}: see whether it is meant (`hilrt dataset view "
            f"{root} --episodes {episode}`); if not, `hilrt dataset delete-episodes {root} {episode}`, and fit again"
        )


def _steps(config: Config, features: Features, shown: Sequence[Episode], *, new: bool) -> Iterator[Proposal]:
    """Those that were recorded with, for the actions are in units of them; or by what is used of them."""
    scale = np.array(features.scale[: len(config.action_scale)])
    actions = np.array([vector(r.action) for episode in shown for r in episode.records if r.action])
    motion = np.abs(actions.reshape(-1, len(scale))) * scale
    moving = motion[motion.any(axis=1)]
    used = np.percentile(moving, USED, axis=0) if len(moving) else scale
    axes = (
        config.processor.inverse_kinematics
        and config.processor.inverse_kinematics.end_effector_step_sizes.axes
    )
    if axes:
        table, rows = (
            f"{IK}.end_effector_step_sizes",
            list(zip(axes, axes.values(), scale, used, strict=True)),
        )
    else:
        numbers = np.degrees([config.action_scale[0], scale[0], used.max()])
        table, rows = "processor", [("joint_step_deg", *numbers)]
    for key, today, recorded, most in rows:
        value, why = recorded, f"as recorded; {USED} % of the actions keep within {most:.2g}"
        if new:
            value, why = (
                math.ceil(1e3 * most - 1e-3) / 1e3,
                f"{USED} % of the actions keep within it; record anew with it",
            )
        yield Proposal(table, key, _rounded(today), _rounded(value), why)


def _time_limit(config: Config, shown: Sequence[Episode]) -> Proposal:
    """By the time until success, for an episode may go on behind it."""
    steps = [next(i for i, record in enumerate(e.records, 1) if record.success) for e in shown]
    seconds = np.array(steps) / config.env.fps
    middle, longest = float(np.median(seconds)), float(seconds.max())
    why = f"{PATIENCE} times the median of {middle:.1f} s; the longest took {longest:.1f}"
    today = config.processor.reset.control_time_s
    return Proposal("processor.reset", "control_time_s", today, math.ceil(2 * PATIENCE * middle) / 2, why)


def _start(config: Config, side: str, ways: Sequence[Way]) -> Proposal:
    """Where most episodes began; today's, if that is where the arm was told to be and hung a little lower."""
    middle = np.median([way.first for way in ways], axis=0)
    today = config.reset_pose(side)
    if (off := np.abs(middle - today).max()) <= HANGS:
        return _pose(config, side, np.array(today), f"episodes begin there, within {off:.1f}")
    return _pose(config, side, middle, f"median of where {len(ways)} episodes begin")


def _pose(config: Config, side: str, units: Float64, why: str) -> Proposal:
    own = side and config.robot.arms[side].fixed_reset_joint_positions
    table = f"robot.arms.{side}" if own or len(config.robot.sides) > 1 else "processor.reset"
    new = [round(float(unit), 1) + 0.0 for unit in units]
    new[-1] = min(max(new[-1], 0.0), 100.0)
    return Proposal(table, "fixed_reset_joint_positions", list(config.reset_pose(side)), new, why)


def _box(
    config: Config, side: str, reach: Reach, start: Sequence[float], widths: Sequence[float]
) -> Iterator[Proposal]:
    """Around all that was reached by demonstrations that succeeded, and the start pose; no narrower than `widths`."""
    pose = radians_from_units(start)
    place = _kinematics(config, side).forward(pose)[:3, 3]
    floor = place - [0.0, 0.0, _underside(config, side).below(pose)]
    low = np.minimum(reach.low.min(axis=0), floor) - SPARED
    high = np.maximum(reach.high.max(axis=0), place) + MARGIN
    if (table := config.safety.table_height_m) is not None:
        low[2] = max(low[2], min(table, place[2]))
    lacking = np.maximum(widths - (high - low), 0.0)
    low, high = low - lacking * (0.5, 0.5, 0.0), high + lacking * (0.5, 0.5, 1.0)
    why = f"{len(reach.episodes)} successful episodes and the start pose, {1e3 * MARGIN:.0f} mm around, not below"
    return _corners(config, side, low, high, why)


def _widened(config: Config, side: str, start: Sequence[float]) -> Iterator[Proposal]:
    """Today's box, with the start pose in it."""
    if (box := config.bounds(side)) is None:
        return
    place = _kinematics(config, side).forward(radians_from_units(start))[:3, 3]
    low, high = np.array(box.min), np.array(box.max)
    low = np.where(place < low, place - SPARED, low)
    high = np.where(place > high, place + MARGIN, high)
    yield from _corners(config, side, low, high, "with the start pose inside")


def _corners(config: Config, side: str, low: Float64, high: Float64, why: str) -> Iterator[Proposal]:
    """In whole millimetres, outwards."""
    box = config.bounds(side)
    assert box is not None  # its callers have looked
    corners = ("min", box.min, np.floor(low * 1e3), why), ("max", box.max, np.ceil(high * 1e3), "likewise")
    for key, today, new, words in corners:
        yield Proposal(table_name(side), key, list(today), [_rounded(mm * 1e-3) for mm in new], words)


def _kinematics(config: Config, side: str) -> Kinematics:
    return kinematics_of(config, calibration_of(config, side))


def _underside(config: Config, side: str) -> Underside:
    ik = config.processor.inverse_kinematics
    urdf, frame = (ik.urdf_path, ik.target_frame_name) if ik else (None, SO100_FRAME)
    return Underside(urdf or SO100_URDF, frame, calibration_of(config, side).zeros)


async def _stands(arm: Arm) -> Float64:
    """Where an arm is told to be, and joints without torque are, shape (6,) [rad]."""
    measured = (await arm.read(torque=True)).position
    drives = [arm.bus.drives[motor] for motor in arm.calibration.ids]
    told = arm.calibration.radians([drive.goal for drive in drives])
    return np.where([drive.torque for drive in drives], told, measured)


def _rounded(value: float) -> float:
    return round(float(value), 4) + 0.0  # no -0.0
