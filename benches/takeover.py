"""From kill -9 of control to the last goal that holds the arm: state only and with two cameras, quiet and loaded.

Each kill hits a training in real time in the middle of an episode; the end is the line in the run's log. Beside it:
how much memory control had resident and locked, which the kernel takes down before it says that the process is dead.
"""

import argparse
import contextlib
import datetime as dt
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from host import report
from realtime import CLI, ROOT, wait_for_run

from hilrt.shm.status import Status

CAMERA = "{type='sim', width=640, height=480, fps=30}"
HELD = re.compile(r"^(\S+ \S+) .*control died; arm: hold", re.MULTILINE)
RUNNING = 3


def settings(task: str) -> list[str]:
    """Overrides for a training whose control is killed again and again."""
    values: dict[str, object] = {
        "robot.calibration_dir": ROOT / "configs" / "calibration",
        "env.name": f"bench{os.getpid()}",
        "dataset.num_episodes_to_record": 2,
        "learner.warm_start_steps": 10,
        "learner.critic_warmup_steps": 5,
        "learner.batch_size": 32,
        "learner.online_steps": 1_000_000,
        "eval.every_steps": 0,
    }
    if task == "sim_so100_pixels":
        values |= {f"robot.cameras.{name}": CAMERA for name in ("front", "wrist")}
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def measure(task: str, kills: int, hogs: int) -> dict[str, object]:
    """Kill control so many times; `hogs`: processes that take a processor each."""
    with tempfile.TemporaryDirectory() as folder, busy(hogs):
        config, sets = str(ROOT / "configs" / f"{task}.toml"), settings(task)
        jobs = [["record"], ["pretrain", "--steps", "0"]][: 2 if "pixels" in task else 1]
        for job in jobs:
            subprocess.run([*CLI, *job, config, *sets], cwd=folder, check=True, capture_output=True)
        command = [*CLI, "train", config, *sets, "--set", "sim.clock=realtime"]
        with (Path(folder) / "out").open("w") as out:
            process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
            try:
                run = wait_for_run(f"bench{os.getpid()}-train")
                log = Path(folder, "runs", run.rpartition(".")[0], "log.txt")
                with Status.attach(run) as status:
                    memory, took = zip(*[kill(status, log) for _ in range(kills)], strict=True)
            finally:
                process.terminate()
                process.wait(120)
    return {"held_after_ms": sorted(took), "resident_and_locked_mb": memory[-1]}


def kill(status: Status, log: Path) -> tuple[list[int], int]:
    """Kill control in mid-episode; its memory [MB], and the time until the arm was told to hold [ms]."""
    control, before = status.control, len(HELD.findall(log.read_text()))
    while not (control.ready and control.phase == RUNNING and control.step > 10):
        time.sleep(0.02)
    pid, words = control.pid, Path(f"/proc/{control.pid}/status").read_text()
    memory = [int(re.search(rf"{key}:\s+(\d+)", words)[1]) // 1024 for key in ("VmRSS", "VmLck")]  # type: ignore[index]
    killed = dt.datetime.now()  # noqa: DTZ005 - as the log's lines
    os.kill(pid, signal.SIGKILL)
    while len(held := HELD.findall(log.read_text())) == before:
        time.sleep(0.02)
    after = dt.datetime.strptime(held[-1], "%Y-%m-%d %H:%M:%S,%f") - killed  # noqa: DTZ007
    while control.pid == pid:
        time.sleep(0.02)
    return memory, round(after.total_seconds() * 1e3)


@contextlib.contextmanager
def busy(hogs: int) -> Iterator[None]:
    """Processes that never rest."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5, help="of each setting; a run endures five")
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    results = {
        f"{seen}, {'loaded' if hogs else 'quiet'}": measure(task, args.kills, hogs)
        for task, seen in (("sim_so100", "state only"), ("sim_so100_pixels", "two 640x480 cameras"))
        for hogs in (0, cores)
    }
    report("takeover", results)


if __name__ == "__main__":
    main()
