"""Failures of a task file, or a name in it."""

from collections.abc import Iterable

from hilrt.errors.root import HilrtError


class ConfigError(HilrtError):
    """A configuration file, or one value in it, cannot be used."""

    def __init__(self, source: str, problem: str, cure: str = "") -> None:
        super().__init__(f"{source}: {problem}" + (f" {cure}" if cure else ""))


class UnknownNameError(HilrtError):
    """Something was asked for by a name that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no {kind} '{name}'; there are: {', '.join(known)}")


class OwnCodeError(HilrtError):
    """A class of the user's own cannot be used, or failed at its work."""

    def __init__(self, option: str, path: str, problem: str) -> None:
        """`option` of the task file names it by its import path."""
        super().__init__(f"{option}: {path} {problem}.")


class StepError(OwnCodeError):
    """The same of a step of the pipelines."""

    def __init__(self, step: str, problem: str) -> None:
        super().__init__("processor.steps", step, problem)


class RobotModelError(HilrtError):
    """A robot description (URDF) cannot be read."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: not a usable URDF: {problem}")
