"""HTML from Python: whatever is not markup already is escaped, so that no text from a file can become some."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

VOID = {"meta", "img"}
"""Elements without an end."""


class Html(str):
    """Text that is markup."""

    __slots__ = ()


def tag(name: str, /, *inside: str, **attributes: str) -> Html:
    """An element; `class_` is its class."""
    told = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{told}>" if name in VOID else f"<{name}{told}>{join(inside)}</{name}>")


def join(parts: Iterable[str]) -> Html:
    """One after the other; those that are no markup escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """Rows under a head, which may be empty; the first cell of each row is its name."""
    body = (
        tag("tr", tag("th", first, scope="row"), *(tag("td", cell) for cell in rest)) for first, *rest in rows
    )
    top = [tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in head)))] if head else []
    return tag("table", *top, tag("tbody", *body))


def picture(file: bytes, caption: str) -> Html:
    """A PNG file, inside the page."""
    source = f"data:image/png;base64,{b64encode(file).decode()}"
    return tag("figure", tag("img", src=source, alt=caption), tag("figcaption", caption))


def section(title: str, *inside: str) -> Html:
    """A part of the page under a heading; nothing where nothing is in it."""
    return tag("section", tag("h2", title), *inside) if any(inside) else Html()
