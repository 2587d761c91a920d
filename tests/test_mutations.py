"""The helper that damages files finds readers that are blind to damage."""

import itertools
import json
import random
from collections.abc import Callable

import numpy as np
import pytest
import xxhash
from mutations import any_damage, flipped, survey, value_changed

WHOLE = json.dumps({"count": 3, "names": ["a", "b"], "more": {"rate": 0.5}}).encode()


def sealed(data: bytes) -> bytes:
    return data + xxhash.xxh3_64_digest(data)


def careful(data: bytes) -> bytes:
    if sealed(data[:-8]) != data:
        raise LookupError
    return data[:-8]


def greedy(data: bytes) -> int:
    count = json.loads(data)["count"]
    return np.empty(count << 30 if count > 3 else count, np.uint8).size


def trusting(data: bytes) -> int:
    return len(json.loads(data)["more"]["rate"].hex()) * 0


def test_careful_reader_passes() -> None:
    """What is under a digest is read right, or refused; and most damage is refused."""
    unharmed, refused = survey(sealed(WHOLE), careful, LookupError)
    assert refused > 10 * unharmed


def huge_count(_: random.Random, data: bytes) -> tuple[str, bytes]:
    return "count huge", data.replace(b"3", b"3000")


@pytest.mark.parametrize(
    ("blind", "damage", "kind"),
    [
        (json.loads, value_changed, AssertionError),
        (lambda data: data[:4], flipped, AssertionError),
        (trusting, value_changed, (KeyError, TypeError, AttributeError)),
        (greedy, huge_count, MemoryError),
    ],
)
def test_blind_reader_is_found(blind: Callable, damage: Callable, kind: type[Exception]) -> None:
    """Damage that is taken for content, or ends in an error that nobody named, or in a terabyte, fails the test."""
    with pytest.raises(kind) as found:
        survey(WHOLE, blind, json.JSONDecodeError, damage)
    assert "after the damage" in str(found.value) + "".join(getattr(found.value, "__notes__", ()))


def test_endless_reader_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that does not end is ended, and fails the test."""
    monkeypatch.setattr("mutations.WATCH_S", 1)
    reads = itertools.count()

    def endless(data: bytes) -> bytes:
        while next(reads):
            pass
        return data

    with pytest.raises(TimeoutError, match="not read within"):
        survey(WHOLE, endless, LookupError)


def test_damage_is_the_same_each_time() -> None:
    """Equal seeds damage equally, so that a failure can be looked at again."""
    one, other = ([any_damage(random.Random(n), WHOLE) for n in range(50)] for _ in range(2))
    assert one == other
    assert sum(data != WHOLE for _, data in one) > 45
