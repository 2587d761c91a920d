"""The loop that recording.py times, for hilrt and for its rivals alike; needs nothing but numpy."""

import contextlib
import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np

FPS = 30
PERIOD_NS = 1_000_000_000 // FPS
HEIGHT, WIDTH = 480, 640
SHOTS = 8
NOISE = 3.0
"""Standard deviation of a camera's noise [grey levels]."""


def pictures() -> list[np.ndarray]:
    """Pairs of smooth pictures with noise, each uint8 (2, height, width, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (SHOTS, 2, HEIGHT // 40, WIDTH // 40, 3))
    smooth = coarse.repeat(40, axis=2).repeat(40, axis=3)
    return list(np.clip(smooth + rng.normal(0, NOISE, smooth.shape), 0, 255).astype(np.uint8))


def paced(
    write: Callable[[int, int], None],
    steps: int,
    episodes: int,
    end: Callable[[], object] | None = None,
    crowded: Callable[[], bool] = lambda: False,
) -> dict[str, object]:
    """Call `write(episode, step)` at 30 Hz on absolute deadlines, and what ends an episode.

    Args:
        write: stores a step.
        steps: of each episode, written as steps 0 to `steps`; the last call ends it unless `end` is given.
        episodes: how many.
        end: what ends an episode.
        crowded: whether there is no room for a step yet; the tick is then passed over, as the arm would hold.

    Returns:
        Time of each step's call [us], of each episode's end [ms], ticks passed over, and steps that began late.
    """
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(40))
    within: list[int] = []
    ends: list[int] = []
    late = held = 0
    for episode in range(episodes):
        due = time.monotonic_ns()
        for step in range(steps + (end is None)):
            due += PERIOD_NS
            late += _wait(due)
            while crowded():
                held, due = held + 1, due + PERIOD_NS
                _wait(due)
            took = _timed(partial(write, episode, step))
            (ends if end is None and step == steps else within).append(took)
        if end is not None:
            ends.append(_timed(end))
    p50, p99, top = np.percentile(within, [50, 99, 100]) / 1e3
    return {
        "step_us": {"p50": round(p50, 1), "p99": round(p99, 1), "max": round(top, 1)},
        "episode_end_ms": [round(ns * 1e-6, 2) for ns in ends],
        "held_ticks": held,
        "late_steps": f"{late} of {len(within)}",
    }


def _wait(due: int) -> bool:
    """Sleep until then; whether it was over already."""
    pause = due - time.monotonic_ns()
    time.sleep(max(0, pause) * 1e-9)
    return pause < 0


def _timed(call: Callable[[], object]) -> int:
    began = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - began
