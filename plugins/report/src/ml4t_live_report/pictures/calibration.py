"""Whether what models say of their own certainty comes true."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from ml4t.live.report.calibration import Calibration, Claim
from ml4t.live.report.words import certainty, percent
from ml4t.live.times import format_duration
from ml4t_live_report.canvas import Ink, side_by_side
from ml4t_live_report.picture import Picture

SMALLEST, LARGEST = 3.0, 11.0
"""Diameters of dots, for bins with few and with many forecasts (points)."""

CAPTION = (
    "Dots on the dashed line are calibrated: what was called 70 % came true in 70 % of the cases. Bars are 95 % intervals "
    "(Wilson's, as if no two forecasts overlapped), large dots stand for many forecasts. "
)
PIT_CAPTION = (
    "Prices should fall into every part of the forecast distributions equally often (the dashed line): a U is overconfident, a "
    "hill too modest."
)


def calibration_picture(found: Calibration, number: int, *, is_open: bool) -> Picture:
    """Return the picture of one model and horizon; `number` tells it from the others."""
    drawers: list[Callable[[Axes], None]] = []
    if found.directions:
        drawers.append(lambda panel: _reliability(panel, found.directions, "confidence in a direction", "came true"))
    if found.quantiles:
        drawers.append(lambda panel: _reliability(panel, found.quantiles, "level of the quantile", "prices at or below"))
    if found.pit:
        drawers.append(lambda panel: _pit(panel, found.pit))
    canvas = side_by_side(len(drawers))
    for draw, panel in zip(drawers, canvas.panels, strict=True):
        draw(panel)
    title = f"{found.model}, {format_duration(found.horizon)} ahead"
    caption = (CAPTION if found.directions or found.quantiles else "") + (PIT_CAPTION if found.pit else "")
    return Picture(title, caption, canvas.finish(_says(found, title), f"calibration{number}"), is_open=is_open)


def _reliability(panel: Axes, claims: Sequence[Claim], claimed: str, came: str) -> None:
    panel.plot([0, 1], [0, 1], "--", color=Ink.MUTED, linewidth=1.0)
    most = max(claim.count for claim in claims)
    for claim in claims:
        size = SMALLEST + (LARGEST - SMALLEST) * (claim.count / most) ** 0.5
        panel.plot([claim.claimed] * 2, [claim.low, claim.high], color=Ink.FIRST, linewidth=1.0)
        panel.plot(claim.claimed, claim.came, "o", color=Ink.FIRST, markersize=size, markeredgewidth=0)
    panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=claimed, ylabel=came, aspect="equal")
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _pit(panel: Axes, slots: Sequence[int]) -> None:
    even = sum(slots) / len(slots)
    places = [(place + 0.5) / len(slots) for place in range(len(slots))]
    panel.bar(places, [count / even for count in slots], width=0.9 / len(slots), color=Ink.FIRST, linewidth=0)
    panel.axhline(1.0, linestyle="--", color=Ink.MUTED, linewidth=1.0)
    panel.set(xlim=(0, 1), xlabel="part of the distribution (PIT)", ylabel="prices, against an even share")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _says(found: Calibration, title: str) -> str:
    claims = [f"called {percent(c.claimed)}, came true {percent(c.came)}" for c in (*found.directions, *found.quantiles)]
    word = certainty(found.calibrated, found.overconfidence)
    return f"Calibration of {title}: {'; '.join(claims) or 'a histogram of where prices fell'}. Calibrated: {word}."
