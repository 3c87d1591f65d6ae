"""Whether charts can be drawn on this machine."""

from __future__ import annotations

import matplotlib as mpl

from ml4t_live_report.canvas import stacked


def charts_can_be_drawn() -> str:
    """Return a sentence when a chart comes out whole; raises what matplotlib raises when it cannot draw."""
    stacked(1.0).finish("a chart without anything", "test")
    return f"matplotlib {mpl.__version__} draws"
