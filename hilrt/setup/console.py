"""What a set-up command needs of the person in front of it: to say, to ask, and to show while she works."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct


class Table(Struct, frozen=True):
    """Something to look at, already in words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Look = Callable[[], Awaitable[Table]]
"""Measures, and says what there is to see."""


class Console(Protocol):
    """The operator. Every wait can be cancelled."""

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    async def ask(self, question: str, choices: Sequence[str] = (), default: str = "") -> str:
        """Her answer; one of `choices` where there are any, `default` for a bare Enter."""
        ...

    async def watch(self, look: Look, prompt: str) -> None:
        """Show what `look` sees, again and again, until she presses Enter."""
        ...
