"""Draws with matplotlib, and takes from it a piece of SVG that fits into a page.

Colours are given to matplotlib as stand-ins, and become variables of the page's style: one picture is right on a light
page, on a dark one and on paper.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import matplotlib as mpl
from attrs import frozen
from markupsafe import Markup, escape
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 10.8
"""Inches; the page scales pictures to its own width."""

SQUARE = 3.4
"""Inches of a side of those that are put beside one another."""

DAY = 86_400 * 10**9
LONGEST_NAME = 28


class Ink(StrEnum):
    """The colours of the page's style; the values are stand-ins that nothing else uses."""

    PAPER = "#0a0b00"
    TEXT = "#0a0b01"
    MUTED = "#0a0b02"
    GRID = "#0a0b03"
    PRICE = "#0a0b04"
    BUY = "#0a0b05"
    SELL = "#0a0b06"
    TROUBLE = "#0a0b07"
    HELD = "#0a0b08"
    RUNNING = "#0a0b09"
    FIRST = "#0a0b0a"
    SECOND = "#0a0b0b"
    THIRD = "#0a0b0c"
    FOURTH = "#0a0b0d"

    @property
    def variable(self) -> str:
        """What it is called in the style."""
        return f"--{self.name.lower()}"


SERIES = (Ink.FIRST, Ink.SECOND, Ink.THIRD, Ink.FOURTH)
"""One after the other, for models."""

_STYLE: Any = {
    "svg.fonttype": "none",  # letters, not outlines: they can be read aloud, searched and copied
    "svg.hashsalt": "ml4t-live",
    "text.parse_math": False,  # a dollar in a name is a dollar
    "font.size": 9.0,
    "axes.edgecolor": Ink.GRID,
    "axes.labelcolor": Ink.MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": Ink.GRID,
    "grid.linewidth": 0.6,
    "text.color": Ink.TEXT,
    "xtick.color": Ink.MUTED,
    "ytick.color": Ink.MUTED,
    "axes.unicode_minus": True,
    "path.simplify_threshold": 0.25,
}
_METADATA: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_ROOT = re.compile(r"<svg .*?>", re.DOTALL)
_IDS = re.compile(r'((?:\bid|\bhref)="#?|url\(#)')
_SIZE = re.compile(r'viewBox="([^"]+)"')


@frozen
class Canvas:
    """A figure of one or more panels."""

    figure: Figure
    panels: tuple[Axes, ...]

    def finish(self, says: str, name: str) -> Markup:
        """Return the picture as SVG for a page: `says` is read out in its place, `name` keeps its parts apart from others'."""
        buffer = io.StringIO()
        with warnings.catch_warnings(), mpl.rc_context(_STYLE):
            warnings.simplefilter("ignore")  # a letter that no font here has is drawn by the reader's
            self.figure.savefig(buffer, format="svg", metadata=_METADATA, transparent=True)
        return _for_page(buffer.getvalue(), says, name)


def stacked(height: float, ratios: Iterable[float] = (1.0,)) -> Canvas:
    """Return panels under one another over the same time, `ratios` tall each; the height of all is in inches."""
    heights = list(ratios)
    return _canvas(WIDTH, height, len(heights), 1, sharex=True, height_ratios=heights)


def side_by_side(count: int) -> Canvas:
    """Return `count` panels beside one another."""
    return _canvas(SQUARE * count, SQUARE, 1, count)


def _canvas(width: float, height: float, rows: int, columns: int, **shape: Any) -> Canvas:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return Canvas(figure, tuple(figure.subplots(rows, columns, squeeze=False, **shape).flat))


def day_number(time: int) -> float:
    """Return a time (nanoseconds UTC) as matplotlib counts: days since 1970."""
    return time / DAY


def tell_time(axes: Axes, start: int, end: int) -> None:
    """Let the horizontal axis show a span of time, in UTC."""
    untyped: Any = dates
    locator = untyped.AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
    axes.set_xlim(day_number(start), day_number(max(end, start + 10**9)))


def short(name: str) -> str:
    """Return somebody's name for a thing so that it fits beside a chart."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - 1] + "…"


def _for_page(drawn: str, says: str, name: str) -> Markup:
    """Return the drawing without what only a file of its own needs, with the page's colours, and with ids of its own."""
    root = _ROOT.search(drawn)
    assert root is not None
    size = _SIZE.search(root.group())
    assert size is not None
    body = _IDS.sub(rf"\1{name}-", drawn[root.end() :])
    for ink in Ink:
        body = body.replace(ink.value, f"var({ink.variable})")
    pixels = round(float(size.group(1).split()[2]) * 4 / 3)
    opening = f'<svg viewBox="{size.group(1)}" style="max-width: {pixels}px" role="img" aria-label="{escape(says)}">'
    return Markup(opening + body)  # noqa: S704 - matplotlib has escaped what is in it
