"""Failures of reward classifiers."""

from collections.abc import Sequence
from typing import Self

from hilrt.errors.root import HilrtError


class ClassifierError(HilrtError):
    """The file of a reward classifier cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"{path} {problem}. `hilrt train-classifier CONFIG` makes one from the episodes that CONFIG names, in a "
            'few minutes; reward.type = "task" needs none.'
        )


class ClassifierViewError(HilrtError):
    """A reward classifier is asked about other pictures than it was trained on."""

    def __init__(self, path: str, trained: str, given: str) -> None:
        super().__init__(
            f"the reward classifier {path} was trained on {trained}; here it is {given}. Put cameras, their sizes, "
            "rotations and processor.image_preprocessing back, or train another with `hilrt train-classifier CONFIG`."
        )


class ClassifierDataError(HilrtError):
    """A classifier cannot be learned from what was recorded."""

    @classmethod
    def one_class(cls, root: str, episodes: int, there: Sequence[str], wanted: Sequence[str]) -> Self:
        """There is nothing to tell apart."""
        return cls(
            f"{root}: all frames of its {episodes} episodes are of the class {', '.join(there)}; a classifier tells "
            f"{' and '.join(wanted)} apart. Record episodes that succeed and go on after it (`hilrt record CONFIG "
            "--set processor.reset.terminate_on_success=false`), and some that fail."
        )

    @classmethod
    def turned(cls, root: str, camera: str, found: Sequence[int]) -> Self:
        """Frames of one camera that lie differently."""
        degrees = " and ".join(map(str, found))
        return cls(
            f"{root}: frames of the camera {camera} were recorded turned by {degrees} degrees; a classifier learns "
            "from one of them. `hilrt dataset info` says which these are, and `hilrt dataset export` makes a "
            "dataset of some of them (--episodes)."
        )

    @classmethod
    def few(cls, root: str, name: str, found: int, needed: int) -> Self:
        """Too few episodes to learn from some and judge by others."""
        return cls(
            f"{root}: episodes with frames of the class {name}: {found}; {needed} are needed at least: to learn from, "
            f"to stop by, and to judge. Label what is there with `hilrt label {root} --episode NUMBER "
            f"--span 60:80={name}`, or record more with `hilrt record CONFIG`; 20 are a good beginning."
        )
