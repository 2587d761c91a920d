"""The operator at a terminal: questions and live tables, none of which holds up the event loop or Ctrl-C."""

import asyncio
import os
import sys
from collections.abc import Sequence
from itertools import count

from rich.console import Console as RichConsole
from rich.live import Live
from rich.markup import escape
from rich.table import Table as RichTable

from hilrt.errors import TerminalAbsentError
from hilrt.setup.console import Look, Table

LOOK_S = 0.02
"""Between two looks; a joint turned by hand moves a few degrees meanwhile."""
LOOKS_SHOWN = 5
"""Looks from one picture to the next: a terminal over ssh must not be what slows the looks down."""


class TerminalConsole:
    """Standard input and output, both of which must be a terminal.

    Raises:
        TerminalAbsentError: they are not.
    """

    def __init__(self) -> None:
        self._out = RichConsole(highlight=False)
        if not sys.stdin.isatty() or not self._out.is_terminal:
            raise TerminalAbsentError
        self._fd = sys.stdin.fileno()

    def say(self, text: str) -> None:
        """Show a line."""
        self._out.print(escape(text))

    async def ask(self, question: str, choices: Sequence[str] = (), default: str = "") -> str:
        """An answer; asked again until it is one of `choices`."""
        known = f" ({', '.join(choices)})" if choices else ""
        usual = f" [{default}]" if default else ""
        while True:
            self._out.print(escape(f"{question}{known}{usual}"), end=" ")
            answer = await self._line() or default
            if not choices or answer in choices:
                return answer

    async def watch(self, look: Look, prompt: str) -> None:
        """A table that is drawn anew until Enter is pressed."""
        enter = asyncio.ensure_future(self._line())
        try:
            with Live(console=self._out, auto_refresh=False) as live:
                for looks in count():
                    live.update(_drawn(await look(), prompt), refresh=looks % LOOKS_SHOWN == 0)
                    if enter.done():
                        break
                    await asyncio.wait({enter}, timeout=LOOK_S)
            enter.result()
        finally:
            enter.cancel()

    async def _line(self) -> str:
        """The next line typed: waiting in `input` would make Ctrl-C wait too."""
        loop = asyncio.get_running_loop()
        typed: asyncio.Future[bytes] = loop.create_future()

        def read() -> None:
            if not typed.done():
                typed.set_result(os.read(self._fd, 1024))

        loop.add_reader(self._fd, read)
        try:
            data = await typed
        finally:
            loop.remove_reader(self._fd)
        if not data:
            raise TerminalAbsentError
        return data.decode(errors="replace").strip()


def _drawn(table: Table, prompt: str) -> RichTable:
    drawn = RichTable(title=escape(table.title), caption=escape(prompt), caption_justify="left")
    for column in table.columns:
        drawn.add_column(escape(column), justify="left" if column == table.columns[0] else "right")
    for row in table.rows:
        drawn.add_row(*map(escape, row))
    return drawn
