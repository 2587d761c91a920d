"""No network, no pickle, no open doors, no learner code in the control process."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import jobs
import numpy as np
import pytest

AUDIT = Path(__file__).parent / "audit"
ROLES = ("control", "cameras", "learner", "recorder", "supervisor")


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A short run whose processes were watched: per role, its socket and pickle events and its modules."""
    folder = tmp_path_factory.mktemp("audited")
    notes = folder / "notes"
    notes.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(AUDIT), prepend=os.pathsep)
        patch.setenv("HILRT_AUDIT", str(notes))
        pictures = folder / "pictures"
        pictures.mkdir()
        cv2.imwrite(str(pictures / "0.png"), np.zeros((48, 64, 3), np.uint8))
        front = f"robot.cameras.front={{index_or_path='{pictures}', width=64, height=48}}"
        jobs.record(folder, front)
        overrides = [
            *jobs.SMALL,
            "learner.online_steps=150",
            "eval.every_steps=0",
            front,
            "policy.encoder=none",
        ]
        with jobs.LiveRun(folder, "train", jobs.SIM, overrides=overrides) as live:
            live.wait_for(lambda: live.status.control.ready and live.status.learner.ready)
            pids = {r: getattr(live.status, r).pid for r in ROLES}
            modes = [path.stat().st_mode & 0o777 for path in live.segments]
            text = live.finish()
        assert live.process.returncode == 0, text
    return {role: (events(notes, pid), modules(notes, pid)) for role, pid in pids.items()}, modes


def events(notes, pid):
    file = notes / f"{pid}.events"
    return file.read_text().splitlines() if file.exists() else []


def modules(notes, pid):
    return (notes / f"{pid}.modules").read_text().splitlines()


HARMLESS = {
    f"socket.__new__ {int(socket.AF_UNIX)}",  # an event loop's wake-up: an unnamed pair inside its own process
    "socket.gethostname ",  # no socket: TensorBoard puts the computer's name into its file's name
}


@pytest.mark.parametrize("role", ROLES)
def test_no_sockets_no_pickle(audited, role):
    """No process binds, connects, looks up a host, makes a network socket or loads a pickle."""
    seen = [event for event in audited[0][role][0] if event not in HARMLESS]
    assert seen == []


def test_the_hook_would_see_them(tmp_path):
    """Positive control: the same hook reports a network socket and a pickle."""
    code = "import socket, pickle; socket.socket().close(); pickle.loads(pickle.dumps(socket.AF_INET))"
    env = {**os.environ, "PYTHONPATH": str(AUDIT), "HILRT_AUDIT": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)
    seen = next(tmp_path.glob("*.events")).read_text()
    assert f"socket.__new__ {int(socket.AF_INET)}" in seen
    assert "pickle.find_class" in seen


def test_control_knows_no_learner(audited):
    """The control process imports nothing of the learner, and the learner nothing of control's loop."""
    control, learner = audited[0]["control"][1], audited[0]["learner"][1]
    assert "hilrt.control.loop" in control
    assert not [name for name in control if name.startswith("hilrt.learner")]
    assert "hilrt.learner.sac" in learner
    assert not [name for name in learner if name.startswith("hilrt.control")]


def test_control_opens_no_camera(audited):
    """Cameras are read by a process of their own; control knows nothing of how."""
    assert "hilrt.cameras.device" in audited[0]["cameras"][1]
    assert not [name for name in audited[0]["control"][1] if name.startswith("hilrt.cameras")]


def test_shared_memory_is_private(audited):
    """Only the user can open a run's shared memory."""
    assert len(audited[1]) >= 5
    assert set(audited[1]) == {0o600}


def test_help_imports_nothing_heavy():
    """`hilrt --help` does not wait for torch, OpenCV, MuJoCo or pinocchio."""
    code = (
        "import sys\nfrom hilrt.cli.app import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'cv2', 'mujoco', 'pinocchio', 'numpy', 'tensorboard'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "record" in done.stdout
