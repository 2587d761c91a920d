"""Code that the guide shows, taken from its pages: what is tested cannot be another than what is read."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[1] / "docs" / "guide"


def blocks(page):
    """The page's named code blocks, by name."""
    text = (GUIDE / page).read_text()
    return dict(re.findall(r"(?s)<!-- (\S+) -->\n```\w+\n(.*?)```", text))


def save(page, folder):
    """Write a page's named code blocks to files of their names."""
    for name, code in blocks(page).items():
        (folder / name).write_text(code)
