"""Values proposed for a task file, shown beside today's and written into it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from rich.table import Table as RichTable

from hilrt.config import Config, taskfile
from hilrt.control.assembly import Pipelines
from hilrt.devices.calibration import Calibration
from hilrt.step.features import from_config


class Proposal(Struct, frozen=True):
    """A value for an option of the task file, and what it comes from."""

    table: str
    key: str
    today: Any
    value: Any
    why: str

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Option, today's value, the one proposed, and why."""
        option = f"{self.table}.{self.key}".removeprefix("processor.").removeprefix("inverse_kinematics.")
        proposed = "as today" if self.value == self.today else _text(self.value)
        return option, _text(self.today), proposed, self.why


class Fit(Struct, frozen=True):
    """What was found."""

    proposals: Sequence[Proposal]
    notes: Sequence[str] = ()
    """What should be known of it."""

    @property
    def table(self) -> RichTable:
        """To be shown."""
        table = RichTable()
        for column in ("option", "today", "proposed", "from"):
            table.add_column(column, no_wrap=column == "option")
        for proposal in self.proposals:
            table.add_row(*proposal.row)
        return table

    def write(self, path: Path) -> bool:
        """Put what is new into the task file, whose rest stays as it is, comments too; whether anything was new.

        Raises:
            ConfigError: it does not suit the rest of the file, or cannot be written.
            StartPoseError, StartOutsideBoxError, CollisionError: a run would refuse the start pose.
                The file is then as it was.
        """
        tables: dict[str, dict[str, Any]] = {}
        for new in (p for p in self.proposals if p.value != p.today):
            tables.setdefault(new.table, {})[new.key] = new.value
        edited = taskfile.edited(path, tables, "the values proposed")
        config = taskfile.from_tree(edited.unwrap(), str(path), path.parent)
        Pipelines(config, from_config(config), [calibration_of(config, side) for side in config.robot.sides])
        if tables:
            taskfile.write(path, edited)
        return bool(tables)


def calibration_of(config: Config, side: str) -> Calibration:
    """The arm's; on a computer that does not have it, one without zero offsets and limits."""
    return Calibration.load_or_nominal(config.robot.calibration_path(side))


def _text(value: Any) -> str:  # noqa: ANN401 - a number, or a list of them
    return "  ".join(f"{number:g}" for number in (value if isinstance(value, list) else [value]))
