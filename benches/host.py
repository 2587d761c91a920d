"""Facts of the machine beside every figure measured on it."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def report(name: str, results: dict) -> None:
    """Print one JSON object: the bench's name, the host, the results."""
    json.dump({"bench": name, "host": host(), "results": results}, sys.stdout, indent=2)
    print()


def host() -> dict:
    """CPU model, cores this process may use, kernel, Python, and the code's commit."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": (models or [platform.machine()])[0],
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": commit(),
    }


def commit() -> str:
    """Of the code that is measured, with a + where something of it is not committed; empty without git."""
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def spread_us(samples_ns: Sequence[int]) -> dict:
    """Median, 99th percentile and maximum [us], and how many samples there were."""
    p50, p99, top = np.percentile(samples_ns, [50, 99, 100]) / 1e3
    return {"p50": round(p50, 1), "p99": round(p99, 1), "max": round(top, 1), "n": len(samples_ns)}
