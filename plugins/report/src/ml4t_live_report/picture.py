"""A picture with what it shows in words."""

from __future__ import annotations

from attrs import frozen
from markupsafe import Markup

from ml4t_live_report.canvas import Ink


@frozen
class Key:
    """One line of a picture's key: a sign in a colour, and what it stands for."""

    sign: str
    ink: Ink
    text: str


@frozen
class Picture:
    """A chart of the page: `caption` says what it shows and how it was made.

    One without `svg` had nothing to draw: the caption says why.
    """

    title: str
    caption: str
    svg: Markup | None = None
    key: tuple[Key, ...] = ()
    is_open: bool = True
