"""What a task file names by its import path, `package.module:Class`: a class or function of the user's own."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hilrt.errors import HilrtError, OwnCodeError

IMPORT_PATH = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


def make_own(option: str, path: str, *args: object, **keywords: object) -> Any:  # noqa: ANN401 - the user's
    """Import a class, from the working directory too, and make one of it; `option` of the task file names it.

    Raises:
        OwnCodeError: it cannot be imported or made.
    """
    with blaming(option, path, "cannot be made"):
        return load_own(option, path)(*args, **keywords)


def load_own(option: str, path: str) -> Any:  # noqa: ANN401 - the user's
    """Import a class or function, from the working directory too; `option` of the task file names it.

    Raises:
        OwnCodeError: it cannot be imported.
    """
    module, _, name = path.partition(":")
    find_own()
    with blaming(option, path, "cannot be made"):
        return getattr(importlib.import_module(module), name)


def find_own() -> None:
    """Have modules in the working directory found, behind all others."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)


@contextmanager
def blaming(option: str, path: str, what: str) -> Iterator[None]:
    """Give whatever the user's code raises its name.

    Raises:
        OwnCodeError: that it `what`, as in "failed", and why.
    """
    try:
        yield
    except HilrtError:
        raise
    except ModuleNotFoundError as error:
        raise OwnCodeError(option, path, f"{what}: {error}; it is looked for in {Path.cwd()}") from error
    except (Exception, SystemExit) as error:
        raise OwnCodeError(option, path, f"{what}: {type(error).__name__}: {error}") from error
