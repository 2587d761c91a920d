"""The pipelines of a task file as tables: each step with what it reads and writes, shapes and units."""

from rich.table import Table
from rich.text import Text

from hilrt.config import Config
from hilrt.control.assembly import Pipelines
from hilrt.control.pipeline import Pipeline
from hilrt.devices.calibration import Calibration
from hilrt.features import from_config, state_groups

TITLES = {
    "observation": "observation: from measurements to the state vector",
    "outcome": "outcome: what an observation decides about the action before it",
    "action": "action: from what is wanted to goal positions",
}


def tables(config: Config) -> list[Table]:
    """One table for each pipeline, of the very objects that a run would use; no device is needed."""
    features = from_config(config)
    nominal = [Calibration.nominal() for _ in features.sides]
    show = (lambda *_: None) if config.displays else None
    pipelines = Pipelines(config, features, nominal, show).all
    sizes = {
        "arms": len(features.sides),
        "axes": len(config.processor.action_names),
        "action": len(features.action),
        "state": len(features.state),
        "cameras": len(features.images),
    }
    parts = _state_parts(state_groups(config))
    return [_table(pipeline, sizes, parts) for pipeline in pipelines]


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
    table = Table(title=TITLES[pipeline.name], title_justify="left", title_style="bold", show_lines=True)
    for column in ("step", "reads", "writes"):
        table.add_column(column, overflow="fold")
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
