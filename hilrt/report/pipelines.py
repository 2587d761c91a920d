"""The pipelines of a task file as tables: each step with what it reads and writes, shapes and units."""

import math

from rich.table import Table
from rich.text import Text

from hilrt.config import Config
from hilrt.config.state import state_groups
from hilrt.control.assembly import Pipelines
from hilrt.control.opening import make_judge
from hilrt.control.pipeline import Pipeline
from hilrt.devices.calibration import Calibration
from hilrt.policy.encoders.shapes import STRIDES, feature_shape
from hilrt.run.job import Job
from hilrt.step.features import Features, Image, from_config

TITLES = {
    "observation": "observation: from measurements to the state vector",
    "outcome": "outcome: what an observation decides about the action before it",
    "action": "action: from what is wanted to goal positions",
}


def tables(config: Config) -> list[Table]:
    """One table for each pipeline, of the very objects that a run would use; no device is needed."""
    features = from_config(config)
    paths = [config.robot.calibration_path(side) for side in features.sides]
    calibrations = [Calibration.load_or_nominal(path) for path in paths]
    show = (lambda *_: None) if config.displays else None
    judge = make_judge(config, features, Job.TRAIN)
    pipelines = Pipelines(config, features, calibrations, show, judge).all
    sizes = {
        "arms": len(features.sides),
        "axes": len(config.processor.action_names),
        "action": len(features.action),
        "state": len(features.state),
        "cameras": len(features.images),
    }
    parts = _state_parts(state_groups(config))
    return [*(_table(pipeline, sizes, parts) for pipeline in pipelines), _policy(config, features)]


def _policy(config: Config, features: Features) -> Table:
    """What goes into the policy, and what comes out of it."""
    table = _headed("policy: what it sees, and what it says", "", "")
    table.add_row("state", f"{len(features.state)} numbers, normalised by the demonstrations'")
    crops = config.processor.image_preprocessing.crop_params_dict
    for image, view in zip(features.images, features.views, strict=True):
        crop = f", cropped to {crops[image.name]}" if image.name in crops else ""
        size = f"{image.width} x {image.height}{crop}, resized to {view.width} x {view.height}"
        table.add_row(view.name, f"{size}; {_encoded(config.policy.encoder, view)}")
    for name, scale in zip(features.action, features.scale, strict=True):
        turns = name.endswith((".delta", "dpitch", "droll"))
        full = f"{math.degrees(scale):.3g} deg" if turns else f"{scale:g} m"
        table.add_row(name, f"-1 .. 1, a full step is {full}")
    if features.gripper:
        table.add_row("gripper", ", ".join(features.gripper))
    return table


def _encoded(encoder: str, view: Image) -> str:
    """What becomes of a view."""
    if encoder == "none":
        return "not seen by the policy"
    if encoder not in STRIDES:
        return f"{encoder}, yours"
    channels, height, width = feature_shape(encoder, view.height, view.width)
    return f"{encoder}: {channels} features at {width} x {height} places"


def _headed(title: str, *columns: str) -> Table:
    headed = any(columns)
    table = Table(
        title=title, title_justify="left", title_style="bold", show_lines=headed, show_header=headed
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _state_parts(groups: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """What each step puts into the state vector, and where."""
    parts, start = {}, 0
    for step, names in groups.items():
        end = start + len(names)
        span = names[0] if len(names) == 1 else f"{names[0]} .. {names[-1]}"
        parts[step] = f"state[{start}:{end}] {span}"
        start = end
    return parts


def _table(pipeline: Pipeline, sizes: dict[str, int], parts: dict[str, str]) -> Table:
    table = _headed(TITLES[pipeline.name], "step", "reads", "writes")
    for step in pipeline.steps:
        reads = [signal.text(sizes) for signal in step.reads]
        writes = [
            signal._replace(name=parts[step.name]).text(sizes)
            if signal.name == "parts"
            else signal.text(sizes)
            for signal in step.writes
            if signal.name != "parts" or step.name in parts
        ]
        table.add_row(step.name, Text("\n".join(reads)), Text("\n".join(writes)))
    return table
