"""The log of a run, which all its processes write to."""

import logging
from pathlib import Path


def log_to(file: Path, who: str, level: int = logging.INFO) -> None:
    """Have this process log to a file; what a full disk does not take of it is missing, and nothing worse."""
    logging.raiseExceptions = False  # or each lost line would put a traceback on the screen
    pattern = f"%(asctime)s {who} %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(filename=file, level=level, format=pattern)
