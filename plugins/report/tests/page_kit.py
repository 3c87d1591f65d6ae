"""Takes a page apart as a browser would: elements, attributes, texts, and everything that names another place."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}
LINKING = {
    "href",
    "src",
    "srcset",
    "action",
    "formaction",
    "data",
    "poster",
    "background",
    "cite",
    "ping",
    "manifest",
    "xlink:href",
}
CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)|@import\s+['\"]([^'\"]*)")


class Page(HTMLParser):
    """A page taken apart."""

    def __init__(self, text) -> None:
        super().__init__(convert_charrefs=True)
        self.elements = []
        """Name and attributes of every element, in order."""
        self.texts = []
        self.links = []
        """Everything that the page names outside or inside of itself."""
        self.tables = []
        self._open = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attributes.items():
            if name in LINKING:
                self.links.append(value)
            self._look_for_urls(value or "")
        if tag == "table":
            self.tables.append({"title": "", "rows": []})
        elif tag == "tr":
            self.tables[-1]["rows"].append([])
        elif tag in {"td", "th"}:
            self.tables[-1]["rows"][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.texts.append(data)
        inside = self._open[-1] if self._open else ""
        if inside == "style":
            self._look_for_urls(data)
        elif inside == "caption":
            self.tables[-1]["title"] += data
        elif inside in {"td", "th"}:
            self.tables[-1]["rows"][-1][-1] += data

    @property
    def names(self):
        return {name for name, _ in self.elements}

    @property
    def text(self):
        return "".join(self.texts)

    def all(self, name):
        return [attributes for tag, attributes in self.elements if tag == name]

    def table(self, title):
        """Return the rows of the table whose title begins like this, each as {column: cell}."""
        found = next(each for each in self.tables if each["title"].startswith(title))
        head, *rows = found["rows"]
        return [dict(zip(head, row, strict=True)) for row in rows]

    def _look_for_urls(self, text):
        self.links += [one or two for one, two in CSS_URL.findall(text)]
