"""Any process killed with -9 at any instant of a recording: complete episodes are kept, and what is whole of a cut one.

`HILRT_KILLS=50` runs as many rounds; without it there is one for each victim. All rounds record into one dataset.
"""

import os
import signal
import time
from pathlib import Path

import jobs
import numpy as np
import pytest

from hilrt.data.episodes import read_summaries
from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import exists, open_dataset

CAMERAS = [f"robot.cameras.{name}={{type='sim', width=48, height=32}}" for name in ("front", "wrist")]
OVERRIDES = [*CAMERAS, "dataset.root=demonstrations"]
ROLES = ("control", "recorder", "sim")
VICTIMS = (*ROLES, "supervisor", "fold", "everything")
"""`fold` is the supervisor while it brings what was recorded into the dataset; `everything` is all at once."""
ROUNDS = int(os.environ.get("HILRT_KILLS", len(VICTIMS)))
LONGEST_S = 3.0
"""Of a recording before the kill."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Where all rounds record."""
    return tmp_path_factory.mktemp("kills")


def states(episode):
    """Of all its steps, the last observation included."""
    return [record.state for record in episode.records]


def in_dataset(root):
    """States of the dataset's episodes; none where there is no dataset yet."""
    return [states(episode) for episode in open_dataset(root)] if exists(root) else []


def strike(live, victim, rng):
    """Kill it at some instant."""
    if victim == "fold":
        live.wait_for(lambda: live.status.control.done)
        time.sleep(rng.uniform(0.0, 0.5))
    else:
        live.wait_for(lambda: live.status.recorder.records > 0)
        time.sleep(rng.uniform(0.0, LONGEST_S))
    if victim not in ROLES:
        os.kill(live.process.pid, signal.SIGKILL)
    for role in ROLES if victim == "everything" else {victim} & set(ROLES):
        live.kill(role)


def wait_for_the_end(live):
    """Of the run, and of what a dead supervisor has left behind."""
    pids = [getattr(live.status, role).pid for role in ROLES]
    text, deadline = live.finish(), time.monotonic() + jobs.PATIENCE_S
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, text
        time.sleep(0.02)
    return text


def alive(pid):
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed(workplace, number):
    """Recover brings in all that was complete and the cut episode up to its last step; verify finds nothing."""
    victim, rng = VICTIMS[number % len(VICTIMS)], np.random.default_rng(number)
    root = workplace / "demonstrations"
    target = 3 if victim == "fold" else 30
    overrides = [*OVERRIDES, f"dataset.num_episodes_to_record={target}", f"seed={number}"]
    before = in_dataset(root)
    with jobs.LiveRun(workplace, "record", jobs.SIM, overrides=overrides) as live:
        strike(live, victim, rng)
        text = wait_for_the_end(live)
        published, written = live.status.control.episodes_demo, live.status.recorder.records
    assert live.process.returncode == {"control": 0, "recorder": 0, "sim": 2}.get(victim, -9), text

    folded, left = in_dataset(root), list(read_episodes(root / "journal"))
    assert folded[: len(before)] == before
    unfolded = [e for e in left if states(e) not in folded]
    complete = [states(e) for e in unfolded if e.complete and not e.discarded]
    found = len(folded) - len(before) + len(complete)
    assert found <= published + 1  # killed before it counted
    assert found >= published or victim == "everything"  # the ring dies with its reader
    kept = sum(map(len, folded[len(before) :])) + sum(len(e.records) for e in unfolded if not e.discarded)
    dropped = sum(e.steps + 1 for e in read_summaries(live.path / "episodes.jsonl") if e.discarded)
    assert kept >= written - dropped
    cut = [states(e) for e in left if not e.complete and len(e.records) > 1]

    recovered = jobs.run(workplace, "dataset", "recover", root)
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    verified = jobs.run(workplace, "dataset", "verify", root)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    after = in_dataset(root)
    assert after[: len(folded)] == folded
    assert sorted(after[len(folded) :]) == sorted(complete + cut)
    assert not list(read_episodes(root / "journal"))
