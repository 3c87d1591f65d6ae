"""The price of a symbol with firings, trades and forecasts."""

from __future__ import annotations

from matplotlib.axes import Axes

from ml4t.live.model import OrderSide
from ml4t.live.report.charts import SymbolChart, Trades
from ml4t.live.report.sampling import Axis
from ml4t.live.report.words import plural, quantity
from ml4t.live.times import format_duration
from ml4t_live_report.canvas import SERIES, Ink, day_number, short, stacked, tell_time
from ml4t_live_report.picture import Key, Picture

SIGNS = {OrderSide.BUY: ("^", "▲", Ink.BUY, "bought"), OrderSide.SELL: ("v", "▼", Ink.SELL, "sold")}
LANE = 0.24
"""Inches that the firings of one trigger take."""


def prices_picture(chart: SymbolChart, axis: Axis, number: int, *, is_open: bool) -> Picture:
    """Return the picture of one symbol; `number` tells it from the others."""
    if not chart.prices:
        return Picture(chart.symbol, "The journal holds no price of it.", is_open=is_open)
    lanes = LANE * len(chart.firings) + 0.12 if chart.firings else 0.0
    canvas = stacked(2.9 + lanes, (2.9, lanes) if lanes else (2.9,))
    upper = canvas.panels[0]
    upper.plot([day_number(t) for t, _ in chart.prices], [price for _, price in chart.prices], color=Ink.PRICE, linewidth=1.0)
    _draw_predictions(upper, chart)
    for side in SIGNS:
        _draw_trades(upper, [each for each in chart.trades if each.side is side], side)
    upper.margins(y=0.08)
    if lanes:
        _draw_firings(canvas.panels[1], chart)
    tell_time(canvas.panels[-1], axis.start, axis.end)
    return Picture(
        chart.symbol, _caption(chart, axis), canvas.finish(_says(chart), f"price{number}"), tuple(_key(chart)), is_open=is_open
    )


def _draw_predictions(panel: Axes, chart: SymbolChart) -> None:
    for told, ink in zip(chart.predictions, SERIES, strict=False):
        times, prices = zip(*told.points, strict=True)
        panel.plot([day_number(t) for t in times], prices, "o", color=ink, markersize=2.4, alpha=0.6, markeredgewidth=0)


def _draw_trades(panel: Axes, trades: list[Trades], side: OrderSide) -> None:
    marker, _, ink, _ = SIGNS[side]
    times, prices = [day_number(each.time) for each in trades], [each.price for each in trades]
    panel.plot(times, prices, marker, color=ink, markersize=6.5, markeredgecolor=Ink.PAPER, markeredgewidth=0.6)


def _draw_firings(panel: Axes, chart: SymbolChart) -> None:
    for place, each in enumerate(chart.firings):
        spans = [(day_number(start), day_number(end) - day_number(start)) for start, end in each.spans]
        panel.broken_barh(spans, (place - 0.35, 0.7), color=Ink.MUTED, linewidth=0)
    panel.set_yticks(range(len(chart.firings)), [short(each.trigger) for each in chart.firings])
    panel.set_ylim(len(chart.firings) - 0.5, -0.5)
    panel.grid(visible=False, axis="y")


def _key(chart: SymbolChart) -> list[Key]:
    key = [Key("━", Ink.PRICE, "price")]
    for side, (_, sign, ink, word) in SIGNS.items():
        trades = [each for each in chart.trades if each.side is side]
        if trades:
            count, size = sum(each.count for each in trades), sum(each.quantity for each in trades)
            key.append(Key(sign, ink, f"{word} {quantity(size)} in {plural(count, 'fill')}"))
    for told, ink in zip(chart.predictions, SERIES, strict=False):
        key.append(Key("●", ink, f"{told.model} {format_duration(told.horizon)} ahead, where it saw the price then"))
    if chart.firings:
        fired = ", ".join(f"{each.trigger} {each.count:,}" for each in chart.firings)
        key.append(Key("▮", Ink.MUTED, f"firings: {fired}"))
    return key


def _caption(chart: SymbolChart, axis: Axis) -> str:
    return (
        f"{plural(chart.observed, 'price')} that the journal holds (of forecasts, outcomes, fills, firings, candles), drawn by "
        f"the first, lowest, highest and last in each of {axis.count} columns of time; of trades and forecasts in one column, "
        "the mean. Times are UTC."
    )


def _says(chart: SymbolChart) -> str:
    low, high = min(price for _, price in chart.prices), max(price for _, price in chart.prices)
    fills = sum(each.count for each in chart.trades)
    firings = sum(each.count for each in chart.firings)
    first, last = chart.prices[0][1], chart.prices[-1][1]
    return (
        f"Price of {chart.symbol} between {low:.6g} and {high:.6g}, from {first:.6g} to {last:.6g}, "
        f"with {plural(fills, 'fill')} and {plural(firings, 'firing')}."
    )
