"""The house: which room may know of which."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

HILRT = Path(__file__).parents[1] / "hilrt"
FLOORS = [
    {"cli"},
    {"jobs", "setup"},
    {"supervisor"},
    {"pretrain", "classify"},
    {"learner", "report", "control", "data", "sim", "cameras", "environment"},
    {"run", "reward"},
    {"devices", "shm", "policy"},
    {"step"},
    {"config"},
    {"robots", "errors", "resource"},
]
"""From the top; a room knows those on its own floor and below."""
NEVER = {("learner", "control"), ("control", "learner"), ("sim", "control"), ("sim", "learner"),
         ("report", "learner"), ("devices", "policy"), ("shm", "devices")}  # fmt: skip


def imported(text):
    """Full names of all that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def rooms(text):
    """Those that a module imports from."""
    return {name.split(".")[1] for name in imported(text) if name.startswith("hilrt.")}


def arrows():
    """All pairs of rooms of which the first imports from the second, each with the file that does."""
    for path in sorted(HILRT.rglob("*.py")):
        room = path.relative_to(HILRT).parts[0]
        for known in rooms(path.read_text()):
            yield room, known, path.relative_to(HILRT)


def test_every_way_to_import_is_seen():
    """From a room, from a module of one, the room itself, several at once, and inside a function."""
    text = "import hilrt.data.tail\nfrom hilrt import config, step\ndef f():\n  from hilrt.errors import BusError\n"
    assert rooms(text) == {"data", "config", "step", "errors"}


def test_imports_name_the_whole_way():
    """None is relative, or `import hilrt` alone, which would say nothing of the room."""
    for path in HILRT.rglob("*.py"):
        names = list(imported(path.read_text()))
        assert [name for name in names if name.startswith(".") or name == "hilrt"] == [], path


def test_rooms_have_an_order():
    """No two rooms import from each other, nor any in a circle, those of one floor included."""
    known = {}
    for room, other, _ in arrows():
        known.setdefault(room, set()).update({other} - {room})
    TopologicalSorter(known).prepare()  # raises CycleError, which names the circle


def test_imports_point_one_way():
    """No module imports from a floor above its own, nor from a room that must not matter to it."""
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    seen = [arrow for arrow in arrows() if arrow[0] in floor]
    assert {room for room, *_ in seen} == floor.keys() - {"resource"}
    assert [arrow for arrow in seen if floor[arrow[1]] < floor[arrow[0]]] == []
    assert [arrow for arrow in seen if arrow[:2] in NEVER] == []


def test_the_root_is_empty():
    """Every module has a room; only what all of them stand on lies outside."""
    assert {path.name for path in HILRT.glob("*.py")} == {"__init__.py", "resource.py"}


def test_whoever_knows_the_arm_has_its_zero_offsets():
    """Every model of an arm is made with them, but that of the touch, which finds them, and of the scripted person.

    Nor has what compares recorded heights with each other: whoever trains a classifier need not have the arm.
    """
    made = re.compile(r"(?<!class )\b(?:Kinematics|Collisions)\((?!.*zeros=)")
    without = {p.relative_to(HILRT).as_posix() for p in HILRT.rglob("*.py") if made.search(p.read_text())}
    assert without == {"classify/frames.py", "setup/touch.py", "sim/hand.py", "sim/operator.py"}


def test_no_two_test_files_have_one_name():
    """Tests are no packages: of two files with one name pytest runs the first alone."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_the_changelog_says_nothing_twice():
    """Two branches that had the same line are not merged into two."""
    entries = re.split(r"^\* ", (HILRT.parent / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    told = [" ".join(entry.split()) for entry in entries[1:]]
    assert sorted({entry for entry in told if told.count(entry) > 1}) == []
