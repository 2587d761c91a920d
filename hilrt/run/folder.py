"""The folder of one run: config, journal, checkpoints, TensorBoard events, log, episodes, summary."""

import errno
import fcntl
import os
import re
import shutil
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import tomlkit
import xxhash

from hilrt.config import Config, taskfile
from hilrt.config.paths import HERE
from hilrt.errors import NoSuchRunError, RunFolderError, RunWriteError
from hilrt.policy.vision import frozen_weights
from hilrt.reward.about import classifier_path
from hilrt.run.job import Job, Kind
from hilrt.step.sealed import SealError, sealed, unsealed

T = TypeVar("T")

FORMAT = 1
"""Of files that are kept under a digest."""
ENCODER = "encoder.safetensors"
"""The run's own copy of the one that `hilrt pretrain` made."""
CLASSIFIER = "classifier.safetensors"
"""The same of the reward classifier: one that is trained meanwhile does not change what the run is rewarded for."""


class RunFolder:
    """A run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "log.txt"
        self.episodes = path / "episodes.jsonl"
        self.journal = path / "journal"

    @classmethod
    def create(cls, task_file: Path, overrides: Sequence[str], kind: Kind) -> "RunFolder":
        """Make `<runs_dir>/<name>-<kind>-<time>` with the config as it will be used; a second one is called `...-2`.

        Raises:
            ConfigError: the task file is wrong.
            RunFolderError: it cannot be made.
        """
        config = taskfile.load(task_file, overrides)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return cls.fill(Path(config.runs_dir) / f"{config.env.name}-{kind}-{stamp}", task_file, overrides)

    @classmethod
    def fill(cls, path: Path, task_file: Path, overrides: Sequence[str]) -> "RunFolder":
        """Make the folder, under a new name, and write its config.

        Its paths hold from any working directory; those to the run's own files also after the folder was moved.
        """
        document = taskfile.document(task_file, overrides)
        config = taskfile.from_tree(document.unwrap(), str(task_file), task_file.parent)
        path = _made(path)
        folder = cls(path)
        folder.claim()
        document["dataset"]["root"] = str(Path(config.dataset.root).resolve())
        if not config.in_environment:
            document["robot"]["calibration_dir"] = str(Path(config.robot.calibration_dir).resolve())
        if (ik := config.processor.inverse_kinematics) and ik.urdf_path:
            document["processor"]["inverse_kinematics"]["urdf_path"] = str(Path(ik.urdf_path).resolve())
        weights = frozen_weights(config)
        if weights:
            keep = config.policy.encoder == "pretrained" and weights.is_file()
            place = f"{HERE}/{ENCODER}" if keep else str(weights.resolve())
            document.setdefault("policy", tomlkit.table())["weights"] = place
        judge = classifier_path(config) if "classifier" in config.reward.by else None
        if judge and judge.is_file():
            document["processor"].setdefault("reward_classifier", tomlkit.table())["pretrained_path"] = (
                f"{HERE}/{CLASSIFIER}"
            )
        try:
            if weights and keep:
                shutil.copyfile(
                    weights, path / ENCODER
                )  # it is small, and the next `hilrt pretrain` writes another
            if judge and judge.is_file():
                shutil.copyfile(judge, path / CLASSIFIER)
            (path / "config.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
        except OSError as error:
            raise RunFolderError(str(path), f"cannot be made: {error.strerror}") from None
        return folder

    def claim(self, inside: Path | None = None) -> None:
        """Hold a lock on the folder, or on one that is read, until this process ends, whichever way: see `claimed`."""
        with suppress(OSError):  # a disk without locks
            fd = os.open(inside or self.path, os.O_RDONLY | os.O_DIRECTORY)
            weakref.finalize(self, os.close, fd)
            fcntl.flock(fd, fcntl.LOCK_SH)

    def named(self, name: str) -> "RunFolder":
        """The same under another name, beside the one it had; numbered as `create` does.

        Raises:
            RunFolderError: the disk does not take it.
        """
        problem = "there are too many"
        for free in _numbered(self.path.with_name(name)):
            try:
                self.path.rename(free)
            except OSError as error:
                problem = str(error.strerror)
                if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                    break
            else:
                folder = RunFolder(free)
                folder.claim()
                return folder
        raise RunFolderError(str(self.path), f"cannot be called {name}: {problem}")

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """An existing training run.

        Raises:
            RunFolderError: it is not one.
        """
        if not (path / "config.toml").is_file():
            raise NoSuchRunError(str(path), "is not a run: it has no config.toml")
        whole = path.resolve()
        if f"-{Job.TRAIN}-" not in whole.name or not re.fullmatch(r"[A-Za-z0-9._-]{1,80}", whole.name):
            raise NoSuchRunError(str(path), "is not a training run by its name, <name>-train-<time>")
        return cls(path if path.name == whole.name else whole)

    @property
    def tag(self) -> str:
        """Names the run's shared memory: the folder's name, and a mark of where it lies."""
        whole = self.path.resolve()
        return f"{whole.name}.{xxhash.xxh32_hexdigest(str(whole).encode())[:4]}"

    def config(self) -> Config:
        """The config of this run."""
        return taskfile.load(self.path / "config.toml")

    def write_json(self, name: str, content: object) -> Path:
        """Write a JSON file for people, whole or not at all.

        Raises:
            RunWriteError: the disk does not take it.
        """
        return self._write(name, msgspec.json.encode(content))

    def keep(self, name: str, content: object) -> Path:
        """Write a JSON file for `kept`; raises as `write_json`."""
        return self._write(name, sealed(content, FORMAT))

    def _write(self, name: str, raw: bytes) -> Path:
        target = self.path / name
        beside = target.with_suffix(".tmp")
        try:
            beside.write_bytes(msgspec.json.format(raw, indent=2) + b"\n")
            beside.replace(target)
        except OSError as error:
            raise RunWriteError(str(target), error) from None
        return target


def claimed(path: Path) -> bool:
    """Whether a process that has claimed a folder is still at work."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # there is none, or nobody may enter it
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a disk without locks
        return False
    finally:
        os.close(fd)
    return False


def kept(path: Path, kind: type[T]) -> T:
    """What `RunFolder.keep` wrote.

    Raises:
        RunFolderError: it cannot be read, or is not what was written.
    """
    try:
        return unsealed(path.read_bytes(), kind)
    except OSError as error:
        raise RunFolderError(str(path), f"cannot be read: {error.strerror}") from None
    except SealError as error:
        raise RunFolderError(str(path), f"is damaged ({error}); the next start writes it anew") from None


def _made(path: Path) -> Path:
    """A new folder."""
    for free in _numbered(path):
        try:
            free.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunFolderError(str(path), f"cannot be made: {error.strerror}") from None
        return free
    raise RunFolderError(str(path), "cannot be made: it, or its parent, exists already")


def _numbered(path: Path) -> list[Path]:
    """Its name, and that with numbers behind it, for jobs that start in the same second."""
    return [path, *(path.with_name(f"{path.name}-{n}") for n in range(2, 100))]
