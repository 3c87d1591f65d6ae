"""What came, against what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from ml4t.live.report.outcomes import Outcomes
from ml4t.live.report.words import plural
from ml4t.live.times import format_duration
from ml4t_live_report.canvas import Ink, short, side_by_side
from ml4t_live_report.picture import Picture

TITLE = "Predicted moves, and what came"
DRAWN = 4
"""Models that are drawn, those with most forecasts."""
CAPTION = (
    "The mean move that followed predictions of about the same move, with the 95 % interval of that mean (as if no two "
    "forecasts overlapped); large dots stand for many forecasts. On the dashed line, what was predicted is what came; a flat "
    "row of dots means that predictions say nothing."
)


def outcomes_picture(found: Sequence[Outcomes]) -> Picture:
    """Return the picture, of models that predict different moves: one that always says the same has nothing to draw."""
    telling = sorted((each for each in found if len(each.bins) > 1), key=lambda each: -each.count)
    shown = telling[:DRAWN]
    if not shown:
        return Picture(TITLE, "No model has predicted different moves that were resolved.")
    canvas = side_by_side(len(shown))
    for each, panel in zip(shown, canvas.panels, strict=True):
        _draw(panel, each)
    rest = f" {plural(len(telling) - DRAWN, 'more model')} in the table." if len(telling) > DRAWN else ""
    return Picture(TITLE, CAPTION + rest, canvas.finish(" ".join(map(_says, shown)), "outcomes"))


def _draw(panel: Axes, each: Outcomes) -> None:
    ends = [each.bins[0].predicted, each.bins[-1].predicted]
    panel.plot(ends, ends, "--", color=Ink.MUTED, linewidth=1.0)
    panel.axhline(0.0, color=Ink.GRID, linewidth=1.0)
    most = max(moves.count for moves in each.bins)
    for moves in each.bins:
        if moves.low is not None and moves.high is not None:
            panel.plot([moves.predicted] * 2, [moves.low, moves.high], color=Ink.FIRST, linewidth=1.0)
        size = 3.0 + 8.0 * (moves.count / most) ** 0.5
        panel.plot(moves.predicted, moves.came, "o", color=Ink.FIRST, markersize=size, markeredgewidth=0)
    panel.set(xlabel="predicted move", ylabel="mean move that came")
    panel.set_title(f"{short(each.model)} {format_duration(each.horizon)}", fontsize=9)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value * 100:.3g}%")
    panel.locator_params(axis="x", nbins=5)


def _says(each: Outcomes) -> str:
    moves = "; ".join(f"predicted {m.predicted:+.2%}, came {m.came:+.2%}" for m in each.bins)
    return f"{each.model} {format_duration(each.horizon)} ahead: {moves}."
