"""Goes through the fields of LeRobot's files and sorts them: carried over, left, unknown, in need of the user."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs
from msgspec import field as made

from hilrt.config import Config
from hilrt.setup.lerobot.arm import ARM
from hilrt.setup.lerobot.left import LEFT
from hilrt.setup.lerobot.rule import Carry, Instead, Leave, Note, Rule, Rules, Value, same
from hilrt.setup.lerobot.scene import SCENE
from hilrt.setup.lerobot.source import Source
from hilrt.setup.lerobot.training import TRAINING

Path = tuple[str, ...]
RULES: Rules = LEFT | ARM | SCENE | TRAINING
OWN = {field.name: field.default for field in structs.fields(Config)}


class Row(Struct, frozen=True):
    """A field, and what there is to say of it."""

    source: str
    """Its file."""
    field: str
    value: Value
    text: str


class Claim(Struct, frozen=True):
    """What an option is to be, and who says so."""

    value: Value
    row: Row
    weak: bool = False
    comment: str = ""
    """For the task file."""


class Reading(Struct):
    """All that the files say; of each field once."""

    claims: dict[Path, Claim] = made(default_factory=dict)
    """By option."""
    notes: dict[str, Value] = made(default_factory=dict)
    left: list[Row] = made(default_factory=list)
    defaults: list[tuple[Path, Row]] = made(default_factory=list)
    """Of what is left: the fields that have LeRobot's default, each with its option."""
    unknown: list[Row] = made(default_factory=list)
    overruled: list[Row] = made(default_factory=list)
    """Files, or fields, that contradict each other: those that do not count."""
    troubles: list[Row] = made(default_factory=list)
    """What the user has to see to; fields of the files, or options of the task file."""
    nulls: int = 0
    """Fields that are known, and say nothing."""

    def value(self, option: str) -> Any:  # noqa: ANN401 - any JSON
        """What it is to be; None where nobody says."""
        claim = self.claims.get(tuple(option.split(".")))
        return claim.value if claim else None

    def put(self, option: str, value: Value, comment: str, trouble: str = "") -> None:
        """Set an option that no field says as it is meant, and why."""
        row = Row("", option, value, trouble)
        self.claims[tuple(option.split("."))] = Claim(value, row, comment=comment)
        if trouble:
            self.troubles.append(row)

    def drop(self, path: Path, trouble: str) -> Claim:
        """Take an option back, which hilrt refuses."""
        claim = self.claims.pop(path)
        self.troubles.append(structs.replace(claim.row, text=trouble))
        return claim

    def claim(self, path: Path, claim: Claim) -> None:
        """Say what an option is to be; the later one counts, and a weak one where it is alone."""
        former = self.claims.get(path)
        if former is None:
            self.claims[path] = claim
            return
        winner, loser = (former, claim) if claim.weak and not former.weak else (claim, former)
        self.claims[path] = winner
        if winner.value != loser.value:
            self._overrule(loser.row, winner)

    def settle(self) -> None:
        """Move what has LeRobot's default, and another field chose, to what does not count."""
        for path, row in self.defaults:
            if path in self.claims:
                self.left.remove(row)
                self._overrule(row, self.claims[path])

    def _overrule(self, row: Row, winner: Claim) -> None:
        there = f"{winner.row.field} of {PurePath(winner.row.source).name}"
        text = f"{there} says {shown(winner.value)}, which counts"
        self.overruled.append(structs.replace(row, text=text))


def read(sources: Sequence[Source]) -> Reading:
    """Sort the fields of all files; where they contradict each other, a later file counts."""
    reading = Reading()
    for source in sources:
        for path, value, names, rule in _fields(source.tree, source.prefix):
            row = Row(source.name, ".".join(path[len(source.prefix) :]), value, "")
            if (value is None and rule) or (not value and _holds_fields(path)):
                reading.nulls += 1
            elif rule is None:
                reading.unknown.append(row)
            else:
                _apply(reading, rule, row, names)
    reading.settle()
    return reading


def _fields(tree: dict[str, Any], path: Path) -> Iterator[tuple[Path, Value, list[str], Rule | None]]:
    """Each field that a rule is for, or none is: its path, its value, what stood for `*`, and the rule."""
    for key, value in tree.items():
        here = (*path, key)
        rule, names = _rule(here)
        if rule is None and isinstance(value, dict) and value:
            yield from _fields(value, here)
        else:
            yield here, value, names, rule


def _rule(path: Path) -> tuple[Rule | None, list[str]]:
    for pattern, rule in RULES.items():
        keys = pattern.split(".")
        if len(keys) == len(path) and _fits(keys, path):
            return rule, [name for key, name in zip(keys, path, strict=True) if key == "*"]
    if path[0] == "classifier":  # its file has much that every training's has
        left = LEFT.get(".".join(path[1:]))
        return left and Leave(left.why), []
    return None, []


def _holds_fields(path: Path) -> bool:
    """Whether there are rules for what could be in it."""
    inside = path[1:] if path[0] == "classifier" else path
    return any(
        len(keys) > len(inside) and _fits(keys, inside) for keys in (rule.split(".") for rule in RULES)
    )


def _fits(keys: Sequence[str], path: Path) -> bool:
    """Whether a rule's path begins so."""
    return all(key in {"*", name} for key, name in zip(keys, path, strict=False))


def _apply(reading: Reading, rule: Rule, row: Row, names: Sequence[str]) -> None:
    if not isinstance(rule, Carry):
        reading.left.append(structs.replace(row, text=rule.why))
        if isinstance(rule, Note):
            reading.notes[rule.name] = row.value
    elif rule.default is not UNSET and row.value == rule.default:
        row = structs.replace(row, text=_own(rule.to))
        reading.left.append(row)
        reading.defaults.append((tuple(rule.to.split(".")), row))
    else:
        _carry(reading, rule, row, names)


def _carry(reading: Reading, rule: Carry, row: Row, names: Sequence[str]) -> None:
    turned = rule.turn(row.value)
    if isinstance(turned, Instead):
        rows = reading.troubles if turned.mend else reading.left
        rows.append(structs.replace(row, text=turned.text))
        value, comment = turned.value, f"{shown(row.value)}: {turned.text}"
    else:
        value, comment = turned, ""
    if isinstance(value, UnsetType):
        return
    left = iter(names)
    to = tuple(next(left) if key == "*" else key for key in rule.to.split("."))
    parts: dict[Path, Value] = {to: value}
    if isinstance(value, dict) and rule.turn is not same:
        parts = {(*to, key): part for key, part in value.items()}
    elif not comment:
        name = row.field.rpartition(".")[2]
        there = f"there {row.value}" if value != row.value else ""
        comment = ", ".join(filter(None, (name if name != to[-1] else "", there)))
    for path, part in parts.items():
        if _plain(part):
            reading.claim(path, Claim(part, row, rule.weak, comment))
        else:
            reading.troubles.append(structs.replace(row, text="is no value, nor a list of them."))


def _plain(value: Value) -> bool:
    """Whether it is a value, or a list of them without gaps, as options are."""
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, int | float | str) and str(item).isprintable() for item in items)


def _own(option: str) -> str:
    """What is said where LeRobot's default stands."""
    own: Any = OWN
    for key in option.split("."):
        own = own[key] if isinstance(own, dict) else getattr(own, key)
    return f"LeRobot's default; {option} stays " + ("hilrt's choice" if own is None else shown(own))


def shown(value: Value, most: int = 60) -> str:
    """A value in a line, cut where it is long."""
    text = "" if value is None else str(value).replace("'", '"')
    return text if len(text) <= most else f"{text[: most - 4]} ..."
