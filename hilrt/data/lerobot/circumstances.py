"""hilrt/conditions.json: under which conditions each episode of a dataset was recorded, by session and not by episode.

A dataset without it, of others or of before, is read; nothing is then known.
"""

from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

from msgspec import Struct

from hilrt.data.lerobot.inside import inside
from hilrt.errors import DatasetDamagedError, DatasetFormatError
from hilrt.step.conditions import Conditions, grouped
from hilrt.step.sealed import SealError, format_of, sealed, unsealed

CONDITIONS = "hilrt/conditions.json"
FORMAT = 1


class _Session(Struct, frozen=True):
    conditions: Conditions
    episodes: list[int]


def read_conditions(root: Path, episodes: int) -> tuple[Conditions | None, ...]:
    """Of each of so many episodes.

    Raises:
        DatasetError: of another version, not what was written, or a link out of the dataset.
    """
    path = inside(root, CONDITIONS)
    try:
        data = path.read_bytes()
        if (found := format_of(data)) != FORMAT:
            raise DatasetFormatError(str(path), f"is of format {found}, of another version of hilrt")
        sessions = unsealed(data, list[_Session])
    except FileNotFoundError:
        sessions = []
    except SealError as error:
        raise DatasetDamagedError(str(path), f"{error} (if it is removed, all else can be read)") from None
    except OSError as error:
        raise DatasetDamagedError(str(path), f"it cannot be read: {error.strerror}") from None
    known = dict(chain.from_iterable(zip(s.episodes, repeat(s.conditions)) for s in sessions))
    return tuple(known.get(number) for number in range(episodes))


def write_conditions(path: Path, conditions: Sequence[Conditions | None]) -> None:
    """Write those of all episodes."""
    sessions = [_Session(each, numbers) for each, numbers in grouped(conditions) if each is not None]
    path.write_bytes(sealed(sessions, FORMAT))
