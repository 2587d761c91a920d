"""Ticks missed by a whole training run in real time, with the learner taking every update it can get.

Beside it: the same run without real-time scheduling for anybody, which is what a control loop has when nobody asks; or,
with `--against`, the same run of another version of hilrt, in turns.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
from host import report
from recording_loop import FPS, pictures

import hilrt
from hilrt.shm.status import Status

ROOT = Path(hilrt.__file__).parents[1]
"""The checkout that runs: with `--against` also one whose task files, and modules, are others."""
SEGMENTS = Path("/dev/shm")
CLI = [sys.executable, "-c", "from hilrt.cli import main; main()"]


def settings(hz: int, cameras: list[Path], others: list[str]) -> list[str]:
    """Overrides for a run in real time whose learner never rests; cameras are recorded, and not learnt from.

    `others`: those of the command line, which come last.
    """
    step = 0.2 / hz
    values = {
        "robot.calibration_dir": ROOT / "configs" / "calibration",
        "sim.clock": "realtime",
        "env.fps": hz,
        "env.name": f"bench{os.getpid()}",
        **{f"processor.inverse_kinematics.end_effector_step_sizes.{axis}": step for axis in "xyz"},
        "dataset.num_episodes_to_record": 3,
        "learner.utd_ratio": 0.0,
        "learner.online_step_before_learning": 1,
        "learner.warm_start_steps": 50,
        "learner.critic_warmup_steps": 10,
        "learner.online_steps": 1_000_000,
        "eval.every_steps": 0,
        "policy.encoder": "none",
        **{f"robot.cameras.{path.stem}": f"{{index_or_path = '{path}'}}" for path in cameras},
    }
    texts = [*(f"{key}={value}" for key, value in values.items()), *others]
    return [part for text in texts for part in ("--set", text)]


def film(path: Path) -> Path:
    """A video of 640x480 at 30 pictures a second, as noisy as a camera's, in the format that cameras use."""
    shots = pictures()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, shots[0].shape[2:0:-1])
    for shot in shots:
        writer.write(shot[0])
    writer.release()
    return path


def forbid_realtime() -> None:
    """For the rival: no real-time priority may be asked for, by root either (drops CAP_SYS_NICE)."""
    import ctypes  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    ctypes.CDLL(None).prctl(24, 23)  # PR_CAPBSET_DROP, CAP_SYS_NICE; takes hold at exec


def measure(hz: int, args: argparse.Namespace, *, realtime: bool) -> dict[str, object]:
    """Run for so long after learning has begun; figures from the status block."""
    seconds: float = args.seconds
    setup = None if realtime else forbid_realtime
    with tempfile.TemporaryDirectory() as folder:
        config = str(ROOT / "configs" / "sim_so100.toml")
        films = [film(Path(folder) / f"camera{number}.avi") for number in range(args.cameras)]
        options = settings(hz, films, args.set)
        subprocess.run([*CLI, "record", config, *options], cwd=folder, check=True, capture_output=True)
        log = (Path(folder) / "out").open("w")
        command = [*CLI, "train", config, *options]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, preexec_fn=setup)  # noqa: PLW1509 - one thread
        try:
            with Status.attach(wait_for_run(f"bench{os.getpid()}-train")) as status:
                while not status.learner.updates > 200:
                    time.sleep(0.1)
                ticks, misses, updates = status.control.ticks, status.control.misses, status.learner.updates
                retries = status.control.bus_retries
                time.sleep(seconds)
                return {
                    "ticks": status.control.ticks - ticks,
                    "missed": status.control.misses - misses,
                    "lateness_p50_us": round(status.control.lateness_p50_us, 1),
                    "lateness_p99_us": round(status.control.lateness_p99_us, 1),
                    "lateness_max_us": round(status.control.lateness_max_us, 1),
                    "sense_ms": round(status.control.sense_ms, 2),
                    "bus_retries": status.control.bus_retries - retries,
                    "updates_per_s": round((status.learner.updates - updates) / seconds, 1),
                }
        finally:
            process.terminate()
            process.wait(60)
            log.close()


def wait_for_run(prefix: str) -> str:
    """Name of the run once its status block is there."""
    while True:
        for segment in SEGMENTS.glob(f"hilrt-*-{prefix}*-status"):
            time.sleep(0.5)
            return segment.name[segment.name.index(prefix) : -len("-status")]
        time.sleep(0.1)


def in_turns(hz: int, args: argparse.Namespace) -> dict[str, list[object]]:
    """This version and another, each measured in a process that has only that one."""
    figures: dict[str, list[object]] = {"hilrt": [], str(args.against): []}
    options = ["--hz", str(hz), "--seconds", str(args.seconds), "--cameras", str(args.cameras), "--alone"]
    options += [part for text in args.set for part in ("--set", text)]
    for _ in range(args.rounds):
        for name, tree in (("hilrt", ROOT), (str(args.against), args.against)):
            env = {**os.environ, "PYTHONPATH": str(tree)}
            command = [sys.executable, __file__, *options]
            done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
            figures[name].append(json.loads(done.stdout)["results"][f"{hz} Hz"]["hilrt"])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hz", type=int, nargs="+", default=[10, 30])
    parser.add_argument(
        "--cameras", type=int, default=0, help="video files of 640x480 that stand for cameras"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of the task file, as in sim.usb.frame_ms=1",
    )
    parser.add_argument("--alone", action="store_true", help="without the rival")
    parser.add_argument("--against", type=Path, help="another checkout, measured in turns with this one")
    parser.add_argument("--rounds", type=int, default=3, help="of --against")
    args = parser.parse_args()
    results: dict[str, object] = {"cameras": args.cameras, "set": args.set, "load": os.getloadavg()[0]}
    for hz in args.hz:
        if args.against:
            results[f"{hz} Hz"] = in_turns(hz, args)
            continue
        kinds = {"hilrt": True} | ({} if args.alone else {"without real-time scheduling": False})
        results[f"{hz} Hz"] = {name: measure(hz, args, realtime=realtime) for name, realtime in kinds.items()}
    report("realtime", results)


if __name__ == "__main__":
    main()
