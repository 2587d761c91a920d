"""Columns of a dataset made by others, as the state and the action that a config wants.

Every name has to come from somewhere: a column of that name, one that `rename` gives, the action of the step before, or
a constant that `fill` gives. Units are theirs, unless `convert` says how to get to ours.
"""

import difflib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from msgspec import Struct, structs

from hilrt.data.lerobot.columns import IMAGES, Arrays
from hilrt.data.lerobot.layout import Feature, Info
from hilrt.data.lerobot.pairing import Floats, Pairing
from hilrt.errors import UnmappableError
from hilrt.step.features import Features
from hilrt.step.record import GripperCommand

STATE = "observation.state"
ALIASES = {axis: f"delta_{axis[1:]}" for axis in ("dx", "dy", "dz")}
"""Names of the action's axes in the reference workflow, where it gives any."""
T = TypeVar("T")


class Wishes(Struct, frozen=True, kw_only=True):
    """What the user says of a foreign dataset; see `hilrt dataset import --help`."""

    state_names: tuple[str, ...] = ()
    rename: dict[str, str] = {}
    """Our name to theirs."""
    convert: dict[str, tuple[float, float]] = {}
    """Pattern of our names to factor and offset."""
    fill: dict[str, float] = {}
    """Pattern of our names to a constant."""
    success: bool = False
    """Every episode ended in success, whatever its rewards say."""
    success_from: float | None = None
    """Last reward from which on an episode ended in success; all other rewards are then 0."""
    pairing: Pairing | None = None
    """Which observation stands beside an action; None: after where the data tell."""
    task: str | None = None
    """Theirs that is wanted, where there are several."""


class Origin(Struct, frozen=True):
    """Where one of our numbers comes from."""

    key: str = ""
    """Their column; empty for a constant."""
    index: int = 0
    """In that column."""
    factor: float = 1.0
    offset: float = 0.0
    late: bool = False
    """Of the step before; zero at the first one."""

    def of(self, columns: Arrays, steps: int) -> Floats:
        """Its value at each step."""
        if not self.key:
            return np.full(steps, self.offset, np.float32)
        values = columns[self.key].reshape(steps, -1)[:, self.index] * self.factor + self.offset
        return np.concatenate([[0.0], values[:-1]] if self.late else [values]).astype(np.float32)


class Translation(Struct, frozen=True, kw_only=True):
    """How a foreign dataset's steps become ours."""

    state: tuple[Origin, ...]
    action: tuple[Origin, ...]
    """The gripper's command last, where one is used."""
    cameras: dict[str, str]
    """Our camera to their column."""

    def paired(self, pairing: Pairing) -> "Translation":
        """With the actions before an observation where rows have them."""
        if pairing == "before":
            return self
        return structs.replace(
            self, state=tuple(structs.replace(origin, late=False) for origin in self.state)
        )

    @property
    def columns(self) -> set[str]:
        """Theirs that are needed, pictures not counted."""
        return {origin.key for origin in (*self.state, *self.action)} - {""}


def translate(source: str, info: Info, features: Features, wishes: Wishes) -> Translation:
    """Find every number and picture that `features` wants.

    Raises:
        UnmappableError: some cannot be found; all of them are named, and what there is.
    """
    problems: list[str] = []
    if info.fps != features.fps:
        problems.append(f"its rate is {info.fps:g} Hz, the config's env.fps {features.fps} Hz")
    acts = (*features.action, *(("gripper",) if features.gripper else ()))
    theirs = _named(info, "action", (*acts,) if not features.sides[0] else (), problems)
    action = {name: _origin(name, theirs, wishes) for name in acts}
    problems += _lacking("action", action, theirs)
    theirs = _named(info, STATE, wishes.state_names, problems)
    state = {name: _origin(name, theirs, wishes) or _late(name, action) for name in features.state}
    problems += _lacking("state", state, theirs)
    cameras = dict(_cameras(info, features, wishes, problems))
    if problems:
        raise UnmappableError(source, problems)
    return Translation(
        state=tuple(filter(None, state.values())),
        action=tuple(filter(None, action.values())),
        cameras=cameras,
    )


def _named(info: Info, key: str, given: Sequence[str], problems: list[str]) -> dict[str, Origin]:
    """Every number of the dataset by its place (`observation.state.3`), those of one column by their names too."""
    named: dict[str, Origin] = {}
    for column, feature in info.features.items():
        if feature.dtype.startswith(("float", "int", "bool")) and len(feature.shape) == 1:
            places = [column] if feature.shape == (1,) else [f"{column}.{i}" for i in range(feature.shape[0])]
            named |= {place: Origin(column, i) for i, place in enumerate(places)}
    size = info.features[key].shape[0] if key in info.features else 0
    names = names_of(info.features[key]) if size else []
    if key == STATE and given:
        if len(given) != size:
            problems.append(f"--state-names has {len(given)} names, its {STATE} {size} numbers")
        names = list(given)
    elif not names and len(given) == size:
        names = list(given)  # the reference workflow gives its actions no names, and has these in this order
    return named | {name: Origin(key, i) for i, name in enumerate(names[:size])}


def _origin(name: str, theirs: dict[str, Origin], wishes: Wishes) -> Origin | None:
    """Where one of our numbers comes from; None where nothing says so."""
    for known in (wishes.rename.get(name, name), ALIASES.get(name, "")):
        if known in theirs:
            factor, offset = converted(wishes, name) or (1.0, 0.0)
            return structs.replace(theirs[known], factor=factor, offset=offset)
    value = _last(wishes.fill, name)
    return None if value is None else Origin(offset=value)


def converted(wishes: Wishes, name: str) -> tuple[float, float] | None:
    """Factor and offset that were asked for; None where none were."""
    return _last(wishes.convert, name)


def _last(wishes: Mapping[str, T], name: str) -> T | None:
    """What the last pattern that fits a name says."""
    return next(
        (said for pattern, said in reversed([*wishes.items()]) if fnmatch.fnmatch(name, pattern)), None
    )


def _late(name: str, action: Mapping[str, Origin | None]) -> Origin | None:
    """`previous.<axis>` is the action of the step before; the gripper's counts from `stay`."""
    origin = action.get(name.removeprefix("previous.")) if name.startswith("previous.") else None
    if origin is None:
        return None
    stay = int(GripperCommand.STAY) if name.endswith("gripper") else 0
    return structs.replace(origin, late=True, offset=origin.offset - stay)


def _lacking(part: str, found: Mapping[str, Origin | None], theirs: Mapping[str, Origin]) -> Iterator[str]:
    lacks = [name for name, origin in found.items() if origin is None]
    if lacks:
        near = {close for name in lacks for close in difflib.get_close_matches(name, theirs, 2)}
        there = f"near them are {', '.join(sorted(near))}" if near else f"it has {', '.join(theirs)}"
        how = "--rename OURS=THEIRS, --fill OURS=VALUE" + (", --state-names" if part == "state" else "")
        yield f"it has nothing for the {part}'s {', '.join(lacks)}; {there} ({how})"


def _cameras(
    info: Info, features: Features, wishes: Wishes, problems: list[str]
) -> Iterator[tuple[str, str]]:
    there = {key: f for key, f in info.features.items() if f.is_picture}
    for image in features.images:
        key = wishes.rename.get(IMAGES + image.name, IMAGES + image.name)
        if key not in there:
            known = ", ".join(there) or "none"
            problems.append(
                f"it has no camera {key}; there are: {known} (--rename {IMAGES}{image.name}=THEIRS)"
            )
        elif (shape := there[key].picture_shape) != (image.height, image.width, 3):
            size = "x".join(map(str, shape))
            problems.append(
                f"pictures of {key} are {size}, the config's camera {image.height}x{image.width}x3"
            )
        else:
            yield image.name, key


def names_of(feature: Feature) -> list[str]:
    """Names of a column's numbers, whichever way they are given; empty where they are not."""
    names = feature.names
    if isinstance(names, Mapping) and sorted(map(str, names.values())) == sorted(map(str, range(len(names)))):
        names = sorted(names, key=lambda name: int(names[name]))  # {name: index}
    elif isinstance(names, Mapping):
        names = [name for part in names.values() for name in (part if isinstance(part, list) else [])]
    return [str(name) for name in names] if isinstance(names, Sequence) and not isinstance(names, str) else []
