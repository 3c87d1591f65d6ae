"""What the account was worth, and how far it was below its high."""

from __future__ import annotations

from ml4t.live.report.sampling import Axis, Point
from ml4t.live.report.words import money, percent
from ml4t_live_report.canvas import Ink, day_number, stacked, tell_time
from ml4t_live_report.picture import Picture

TITLE = "Equity and drawdown"


def equity_picture(equity: tuple[Point, ...], drawdown: tuple[Point, ...], axis: Axis) -> Picture:
    """Return the picture."""
    if len(equity) < 2:
        return Picture(TITLE, "There is no curve yet: the engine notes what the account is worth once a day of data.")
    canvas = stacked(3.6, (2.4, 1.2))
    upper, lower = canvas.panels
    upper.plot([day_number(t) for t, _ in equity], [value for _, value in equity], color=Ink.PRICE, linewidth=1.2)
    upper.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    times, falls = [day_number(t) for t, _ in drawdown], [fall for _, fall in drawdown]
    lower.fill_between(times, falls, 0.0, color=Ink.SELL, alpha=0.45, linewidth=0)
    lower.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}" if value else "0")
    lower.set_ylim(min(min(falls) * 1.1, -0.001), 0.0)
    tell_time(lower, axis.start, axis.end)
    deepest = min(falls)
    caption = f"What the account was worth, and how far that was below its highest so far: {percent(-deepest, 2)} at most."
    says = f"Equity from {money(equity[0][1])} to {money(equity[-1][1])}; the deepest drawdown is {percent(-deepest, 2)}."
    return Picture(TITLE, caption, canvas.finish(says, "equity"))
