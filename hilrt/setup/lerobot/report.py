"""What the user is told: what was left out and why, what to see to, and what comes next."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import join, quote

from rich.box import SIMPLE_HEAD
from rich.table import Table

from hilrt.config import MOTORS
from hilrt.setup.lerobot.calibration import home
from hilrt.setup.lerobot.reading import Reading, Row, shown
from hilrt.setup.lerobot.turns import plain_name

TO_SEE_TO = "To see to"
LEFT = "Not carried over"
UNKNOWN = "Unknown here: read what it was for"
OVERRULED = "Said twice"
RAD = 0.0174533
AMPERE = 0.0065
"""Of a count of an STS3215's current."""


def tables(reading: Reading) -> Iterator[Table]:
    """One for each kind of thing to tell, those that matter most last; none that is empty."""
    for title, heading, rows in (
        (LEFT, "why, or where it is", reading.left),
        (OVERRULED, "which counts", reading.overruled),
        (UNKNOWN, "", reading.unknown),
        (TO_SEE_TO, "what to do", reading.troubles),
    ):
        if rows:
            yield _table(title, heading, _once(rows))


def _once(rows: Sequence[Row]) -> list[Row]:
    """Several files may have the same field, with the same value."""
    first: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        first.setdefault((row.field, str(row.value), row.text), row)
    return list(first.values())


def _table(title: str, heading: str, rows: Sequence[Row]) -> Table:
    table = Table(title=f"{title} ({len(rows)})", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("field", overflow="fold", ratio=5)
    table.add_column("value", overflow="fold", ratio=3)
    table.add_column(heading, overflow="fold", ratio=6)
    several, last = len({row.source for row in rows}) > 1, None
    for row in rows:
        if several and row.source != last:
            table.add_row(f"{Path(row.source).name or 'the task file'}:", "", "")
            last = row.source
        table.add_row(row.field, shown(row.value, 40), row.text)
    return table


def next_steps(reading: Reading, out: Path) -> list[str]:
    """Commands, in their order, each word quoted for a shell: paths and names are whatever the files say."""
    task = quote(str(out))
    lines = [f"hilrt doctor {task}      # is everything there and allowed?"]
    if source := _source(reading.notes, ""):
        lines += _import(reading, source, str(reading.value("dataset.root")), task)
    classifier = _source(reading.notes, "classifier ")
    if classifier or reading.notes.get("classifier"):
        pictures = "PICTURES"
        if classifier:
            pictures = f"datasets/{plain_name(Path(classifier).name)}"
            words = "hilrt", "dataset", "import", classifier, pictures, "--config", str(out)
            lines += [f"{join(words)}    # the classifier's"]
        lines += [f'hilrt train-classifier {task} {pictures}    # then set reward.type = "classifier"']
    return lines


def _source(notes: Mapping[str, object], whose: str) -> str:
    """Where LeRobot keeps a dataset."""
    name = notes.get(f"{whose}repo_id")
    folder = notes.get(f"{whose}root") or (home() / str(name) if name else "")
    return str(Path(str(folder)).expanduser()) if folder else ""


def _import(reading: Reading, source: str, root: str, task: str) -> Iterator[str]:
    """The command that brings demonstrations over, with the names and units that the HIL-SERL recorder has."""
    adds = {
        "pos": True,
        "vel": reading.value("processor.observation.add_joint_velocity_to_observation"),
        "current": reading.value("processor.observation.add_current_to_observation"),
    }
    names = ",".join(f"{motor}.{what}" for what, added in adds.items() if added for motor in MOTORS)
    convert = [f"*.pos={RAD}", "gripper.pos=0.0191986,-0.174533"]
    convert += [f"*.vel={RAD}", "gripper.vel=0.0191986"] if adds["vel"] else []
    convert += [f"*.current={AMPERE}"] if adds["current"] else []
    yield f"hilrt dataset import {quote(source)} {quote(root)} --config {task} \\"
    yield f"    --state-names {names} \\"
    yield f"    {' '.join(f'--convert {quote(text)}' for text in convert)} --fill 'setpoint_error.*=0'"
    if any(path[:2] == ("processor", "image_preprocessing") for path in reading.claims):
        yield "    # LeRobot recorded pictures cropped and resized, hilrt keeps whole frames: import refuses theirs;"
        yield f"    # record the demonstrations anew, then: hilrt record {task}"
