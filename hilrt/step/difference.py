"""What two sets of features do not have in common, in words that name the options behind it."""

import math
from collections.abc import Sequence

from hilrt.step.features import Features, Image

SHOWN = 6
"""Names in a list; the rest is counted."""


def difference(found: Features, expected: Features) -> str:
    """How `found` differs: "its state lacks a, b and has c; ..."; empty where it does not.

    Other arms change every name, so where these differ nothing else is told.
    """
    if found.sides != expected.sides:
        return f"it is of {_arms(found.sides)}, not of {_arms(expected.sides)}"
    clauses = [
        f"its rate is {found.fps} Hz, not {expected.fps} Hz" if found.fps != expected.fps else "",
        _clause("state", found.state, expected.state),
        _clause("action", found.action, expected.action),
        _scale(found, expected),
        _clause("gripper", found.gripper, expected.gripper),
        _clause("recording", sizes(found.images), sizes(expected.images)),
        _clause("view", sizes(found.views), sizes(expected.views)),
    ]
    return "; ".join(filter(None, clauses))


def _scale(found: Features, expected: Features) -> str:
    """Of the same axes: the same number would be another motion."""
    if found.action != expected.action or found.scale == expected.scale:
        return ""
    pairs = zip(found.action, found.scale, expected.scale, strict=True)
    return "its full step is " + ", ".join(
        f"{_size(axis, was)} in {axis}, not {_size(axis, now)}" for axis, was, now in pairs if was != now
    )


def _size(axis: str, step: float) -> str:
    """Of a step, in the units that people think in."""
    turns = axis.endswith((".delta", "dpitch", "droll"))
    return f"{math.degrees(step):.3g} degrees" if turns else f"{1e3 * step:.3g} mm"


def _clause(part: str, found: Sequence[str], expected: Sequence[str]) -> str:
    if found == expected:
        return ""
    lacks = [name for name in expected if name not in found]
    has = [name for name in found if name not in expected]
    verbs = [f"{verb} {_list(names)}" for verb, names in (("lacks", lacks), ("has", has)) if names]
    return f"its {part} {' and '.join(verbs) or 'has the same in another order'}"


def _list(names: Sequence[str]) -> str:
    more = f" (and {len(names) - SHOWN} more)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def sizes(images: Sequence[Image]) -> tuple[str, ...]:
    """Each picture in words: its camera, its size, and what of the frame it shows."""
    return tuple(f"{i.name} {i.width}x{i.height}{_part(i)}" for i in images)


def _part(image: Image) -> str:
    if not image.region:
        return " (cropped)" if image.cropped else ""
    *crop, height, width = image.region
    return f" (crop {crop} of {width}x{height})"


def _arms(sides: Sequence[str]) -> str:
    return "one arm" if sides == ("",) else f"arms {', '.join(sides)}"
