"""Who is trained on, and who judges: whole episodes, because neighbouring frames of one are near-copies."""

from collections.abc import Sequence

from hilrt.classify.frames import Told
from hilrt.errors import ClassifierDataError

FOLDS = 5
NEEDED = 3
"""Episodes that every class must be in: one to learn from, one to stop by, one to be judged on."""


def folds_of(told: Sequence[Told], classes: Sequence[str], root: str) -> list[int]:
    """Of each episode the number of its fold; those with the same classes in them are spread evenly.

    Raises:
        ClassifierDataError: there is one class alone, or one is in too few episodes.
    """
    having = [sum(number in each.classes for each in told) for number in range(len(classes))]
    there = [name for name, count in zip(classes, having, strict=True) if count]
    if len(there) < 2:
        raise ClassifierDataError.one_class(root, len(told), there, classes)
    for name, count in zip(classes, having, strict=True):
        if count < NEEDED:
            raise ClassifierDataError.few(root, name, count, NEEDED)
    folds = min(FOLDS, *having)
    order = sorted(range(len(told)), key=lambda i: (sorted(set(told[i].classes)), i))
    found = [0] * len(told)
    for place, episode in enumerate(order):
        found[episode] = place % folds
    return found
