"""Reads a page that hilrt wrote as a browser would, and fails where its elements do not close."""

import re
from html.parser import HTMLParser

VOID = {"meta", "img"}
LINKS = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}


class Page(HTMLParser):
    """Elements, their attributes, rows of all tables and text of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.source, self.elements, self.rows, self.headings, self.open = text, [], [], [], []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag in {"h1", "h2"}:
            self.headings.append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if {"h1", "h2"} & set(self.open):
            self.headings[-1] += data

    @property
    def table(self):
        """Rows by their first cell."""
        return {name: cells for name, *cells in self.rows}

    def tags(self):
        return {tag for tag, _ in self.elements}

    def outside(self):
        """Whatever a browser would fetch or run; `xmlns` names a language, and is no address."""
        links = [
            value
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in LINKS and not value.startswith(("data:image/png;base64,", "#"))
        ]
        handlers = [name for _, attributes in self.elements for name in attributes if name.startswith("on")]
        styles = re.findall(r"url\((?!\s*#)[^)]*\)|@import[^;]*", self.source)
        loads = self.tags() & {
            "script",
            "link",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "audio",
            "video",
        }
        return [*links, *handlers, *styles, *loads]
