"""How far the arms have been, on the screen of a teleoperation."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hilrt.step.extent import QUANTITIES, decode

COLUMNS = ("min", "now", "max")


def extents_table(text: str) -> RenderableType:
    """Lowest, present and highest of each quantity, three columns for each arm."""
    arms = [extent.texts() for extent in decode(text)]
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    for _ in arms:
        for name in COLUMNS:
            table.add_column(style="bold" if name == "now" else "", no_wrap=True, justify="right")
    table.add_row("", *(Text(name, style="dim") for _ in arms for name in COLUMNS))
    for i, name in enumerate(QUANTITIES):
        table.add_row(Text(name), *(text for arm in arms for text in arm[i][1:]))
    return table
