"""Files that must be whole: what a power failure leaves is the old one or the new one."""

import os
import shutil
from pathlib import Path

BACKUP = ".bak"


def write_whole(path: Path, text: bytes) -> None:
    """Write a file, whole or not at all; another one that was there stays as `.bak`."""
    if path.is_file() and path.read_bytes() != text:
        shutil.copy2(path, path.with_name(f"{path.name}{BACKUP}"))
    put_whole(path, text)


def put_whole(path: Path, data: bytes) -> None:
    """Write a file in the place of another one, whole or not at all; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
