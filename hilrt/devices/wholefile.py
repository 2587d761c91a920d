"""Files that must be whole: what a power failure leaves is the old one or the new one."""

import os
import shutil
from pathlib import Path

BACKUP = ".bak"


def write_whole(path: Path, text: bytes) -> None:
    """Write a file, whole or not at all; another one that was there stays as `.bak`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.read_bytes() != text:
        shutil.copy2(path, path.with_name(f"{path.name}{BACKUP}"))
    beside = path.with_name(f"{path.name}.tmp")
    with beside.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
