"""`hilrt import-config`: a task file of LeRobot's JSON files, and an account of what became of each field."""

from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

from rich.console import Console

from hilrt.config import Config
from hilrt.errors import ForeignConfigError, HilrtError, StartOutsideBoxError, StartPoseError
from hilrt.setup.doctor import require_pipelines
from hilrt.setup.lerobot.adjust import POSE, adjust
from hilrt.setup.lerobot.calibration import set_calibration
from hilrt.setup.lerobot.draft import draft
from hilrt.setup.lerobot.reading import Reading, Row, read
from hilrt.setup.lerobot.report import next_steps, tables
from hilrt.setup.lerobot.source import Source


def import_config(
    say: Callable[[str], None],
    console: Console,
    files: Sequence[Path],
    out: Path,
    calibration: Path | None = None,
) -> bool:
    """Write a task file, and say what it has and what not; whether hilrt takes it as it is.

    Args:
        say: takes a line.
        console: takes tables.
        files: of one set-up; where two contradict each other the later one counts.
        out: the task file; it must not be there.
        calibration: the folder that has `robots` and `teleoperators`; None: LeRobot's own.

    Raises:
        ForeignConfigError: a file is none of LeRobot's, no file has an arm, or `out` cannot be written.
    """
    reading = read([Source.read(path) for path in files])
    adjust(reading)
    notes = set_calibration(reading, calibration, out)
    made = draft(reading, out)
    valid = made.config is not None and _stands(reading, made.config, out)
    _write(out, made.text([str(path) for path in files]))
    for table in tables(reading):
        console.print(table)
    if reading.nulls:
        say(
            f"{reading.nulls} fields are null or empty, LeRobot's word for its default: nothing to carry over."
        )
    for line in notes:
        say(line)
    say(f"written: {out}, {len(reading.claims)} options. Next:")
    for line in next_steps(reading, out):
        say(f"  {line}")
    return valid


def _stands(reading: Reading, config: Config, out: Path) -> bool:
    """Whether an arm may start with it, and where it says; if not, that is to be seen to."""
    try:
        require_pipelines(config, str(out))
    except (StartPoseError, StartOutsideBoxError) as error:
        cure = f"{error} From where the arm stands: hilrt fit {quote(str(out))} --start-here --write."
        reading.troubles.append(Row("", POSE, None, cure))
    except HilrtError as error:
        reading.troubles.append(Row("", "pipelines", None, str(error)))
    else:
        return True
    return False


def _write(out: Path, text: str) -> None:
    """A new file; none that is there is touched."""
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ForeignConfigError(str(out), "is there already", "Name another file, or remove it.") from None
    except OSError as error:
        raise ForeignConfigError(str(out), f"cannot be written: {error.strerror}") from None
