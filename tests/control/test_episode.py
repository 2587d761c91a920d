"""Records of one episode."""

import numpy as np

from hilrt.control.episode import Episode
from hilrt.control.tick import Tick
from hilrt.step.record import Mode, Record


def tick(value, **outcome):
    state = np.full(3, value, np.float32)
    return Tick(
        step=value, mode=Mode.TRAIN, time_ns=value, readings=(), state=state, sent=(value,), **outcome
    )


def test_records_of_an_episode():
    """Each step carries the outcome that the next observation decided; the final record has no action."""
    sent: list[Record] = []
    views = []
    episode = Episode(7, Mode.TRAIN, lambda record, _frames, seen: (sent.append(record), views.append(seen)))
    assert episode.settle(tick(0)) is None
    for step in range(2):
        here = tick(step)
        record = Record(
            episode=7,
            step=step,
            mode=Mode.TRAIN,
            monotonic_ns=step,
            wall_ns=0,
            state=here.state.tobytes(),
            action=b"a",
            policy_version=step,
        )
        episode.acted(record, here)
        done = step == 1
        last = tick(step + 1, reward=float(done), terminated=done, success=done)
        episode.settle(last)
    episode.end(last)
    assert [r.step for r in sent] == [0, 1, 2]
    assert [r.reward for r in sent] == [0.0, 1.0, 0.0]
    assert [r.final for r in sent] == [False, False, True]
    assert [r.action for r in sent] == [b"a", b"a", b""]
    assert views == [(0,), (1,), (2,)]
    assert sent[-1].success
    assert sent[-1].policy_version == 1


def test_an_episode_without_a_step_is_none():
    """A key pressed before the first action ends nothing that could have succeeded: the episode is discarded."""
    sent: list[Record] = []
    episode = Episode(7, Mode.DEMO, lambda record, *_: sent.append(record))
    assert episode.settle(tick(0, terminated=True, success=True)) is None
    assert episode.end(tick(0, terminated=True, success=True)).discarded
    assert [r.final for r in sent] == [True]
