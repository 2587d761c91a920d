"""Lines to have been read before a run starts; on standard error, so that output stays what was asked for."""

from collections.abc import Sequence

from rich.console import Console


def remark(lines: Sequence[str]) -> None:
    """Show them, above the screen that comes."""
    console = Console(stderr=True)
    for line in lines:
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
