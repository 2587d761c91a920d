"""Failures of steps and pictures on disk."""

from hilrt.errors.dataset import DatasetError
from hilrt.errors.root import HilrtError, disk_cure


class JournalError(HilrtError):
    """A journal cannot be read: the one kind that reading it raises, for whichever of the reasons below."""


class JournalFormatError(JournalError):
    """A file of a journal cannot be read as one."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Move it out of its folder to go on without it.")


class JournalFeaturesError(JournalError, DatasetError):
    """A journal, or a dataset, holds steps that consist of something else."""

    def __init__(self, path: str, difference: str) -> None:
        super().__init__(
            f"{path} was recorded with other features than this config gives: {difference}. "
            "Use the config it was recorded with, or record again into another folder (dataset.root)."
        )


class PictureError(HilrtError):
    """What should be a picture is none; whoever reads it from a file says from which."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"damaged picture: {problem}")


class ReplayError(HilrtError):
    """An episode cannot be played again on this arm."""

    def __init__(self, dataset: str, episode: int, problem: str) -> None:
        super().__init__(f"episode {episode} of {dataset} cannot be replayed: {problem}.")


class PictureFileError(HilrtError):
    """A picture for people cannot be written."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(
            f"{path} cannot be written: {cause.strerror}. Name another folder, or free some space."
        )


class JournalOrderError(HilrtError):
    """A step came for an episode that has ended, or another than the one it has."""

    def __init__(self, path: str, last: int, step: int) -> None:
        super().__init__(
            f"{path} {'ended with' if step > last else 'goes to'} step {last}, and another step {step} came after it. "
            "Two processes write to this folder, or an episode's number was used twice."
        )


class JournalWriteError(HilrtError):
    """The disk does not take a record."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(
            f"{cause.strerror}: {path}. {disk_cure(cause)}; what was written before stays readable."
        )


class StepsLostError(HilrtError):
    """The recorder ended without all that control recorded."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The journal is not complete: {what}")
