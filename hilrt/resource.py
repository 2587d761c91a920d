"""What holds something that must be given back."""

from types import TracebackType
from typing import Self


class Resource:
    """A context manager that closes itself; subclasses make `close` idempotent."""

    def close(self) -> None:
        """Give back what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
