"""What can become of a field of LeRobot's configuration."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Struct, UnsetType

Value = None | bool | int | float | str | list[Any] | dict[str, Any]
"""Of a JSON file."""


class Instead(Struct, frozen=True):
    """What stands for a value that hilrt does not take, and why, or what to do about it."""

    value: Value | UnsetType
    """UNSET: nothing, so that hilrt's own default holds."""
    text: str
    mend: bool = True
    """Whether the user has to do something."""


def same(value: Value) -> Value | Instead:
    """As it is."""
    return value


class Carry(Struct, frozen=True):
    """It is an option here, too."""

    to: str
    """Path of the option; a `*` is the name that a `*` of the field's path stood for. What a table holds is spread."""
    turn: Callable[[Value], Value | Instead] = same
    """To hilrt's names and units."""
    default: Value | UnsetType = UNSET
    """LeRobot's own. A file that has this was written out, and nobody chose it: hilrt's own default holds."""
    weak: bool = False
    """Counts only where no other field says it."""


class Note(Struct, frozen=True):
    """It is no option here, but what is written depends on it."""

    name: str
    why: str


class Leave(Struct, frozen=True):
    """It has no counterpart."""

    why: str


Rule = Carry | Note | Leave
Rules = dict[str, Rule]
"""By path; `*` stands for one name, whichever. A rule holds for all that lies below its path."""
