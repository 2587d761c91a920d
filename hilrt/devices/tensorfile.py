"""Files of safetensors: whatever is wrong with one is said as the one error that its reader names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from hilrt.errors import HilrtError


@contextmanager
def reading(path: Path, error: Callable[[str, str], HilrtError]) -> Iterator[None]:
    """Have what goes wrong with the file itself said as an `error` of its name and the problem."""
    try:
        yield
    except FileNotFoundError:
        raise error(str(path), "cannot be read: No such file or directory") from None
    except OSError as cause:
        raise error(str(path), f"cannot be read: {cause.strerror or cause}") from None
    except (SafetensorError, RuntimeError, TypeError) as cause:
        raise error(str(path), f"is damaged, or not a safetensors file: {cause}") from None
