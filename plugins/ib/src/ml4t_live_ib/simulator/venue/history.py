"""Historical bars: what a request asks for, and the bars that answer it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from attrs import frozen

from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.stamps import Clock
from ml4t_live_ib.simulator.venue.order import Refused
from ml4t_live_ib.simulator.venue.tape import BAR_SECONDS, PriceBar, Tape

_UNITS = {"sec": 1, "secs": 1, "min": 60, "mins": 60, "hour": 3600, "hours": 3600, "day": 86400}
_SIZES = {5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 28800, 86400}
_DURATIONS = {"S": 1, "D": 86400, "W": 7 * 86400, "M": 30 * 86400, "Y": 365 * 86400}
_MOST_BARS = 20_000
DAY = 86400


@frozen
class Span:
    """The bars that are asked for: their length in seconds, and where they start and end, seconds since 1970 UTC."""

    seconds: int
    first: int
    end: int


def span_of(values: Values, tape: Tape, clock: Clock) -> Span:
    """Return what a request asks for. Raises `Refused` with 321 when it makes no sense."""
    seconds = _bar_seconds(values["barSize"])
    duration = _duration_seconds(values["duration"])
    if values["endDateTime"]:
        try:
            end = clock.parse(values["endDateTime"])
        except ValueError:
            raise Refused(10314, "End Date/Time: The date, time, or time-zone entered is invalid.") from None
    else:
        end = max(int(time.time()) + 1, tape.bars[-1].time + BAR_SECONDS if tape.bars else 0)
    if duration / seconds > _MOST_BARS:
        raise Refused(321, "Error validating request.-'bH' : cause - Historical data request for too many bars")
    return Span(seconds, end - duration, end)


def _bar_seconds(text: str) -> int:
    number, _, unit = text.partition(" ")
    seconds = int(number) * _UNITS.get(unit, 0) if number.isdigit() else 0
    if seconds not in _SIZES:
        raise Refused(321, f"Error validating request.-'bH' : cause - Historical data bar size setting is invalid: {text!r}")
    return seconds


def _duration_seconds(text: str) -> int:
    number, _, unit = text.partition(" ")
    if not number.isdigit() or unit not in _DURATIONS or not int(number):
        raise Refused(321, f"Error validating request.-'bH' : cause - Historical data duration is invalid: {text!r}")
    return int(number) * _DURATIONS[unit]


def bars(tape: Tape, span: Span, clock: Clock) -> Iterator[PriceBar]:
    """Yield the bars of a span, oldest first; those of a day begin at the midnight of the clock's zone."""
    border = bar_start(tape.begin, span.seconds, clock)
    start = bar_start(span.first, span.seconds, clock)
    if start < span.first and span.seconds < DAY:
        start += span.seconds
    while start < min(border, span.end):
        # 26 hours after a midnight is the next day, however long the day is.
        stop = start + span.seconds if span.seconds < DAY else bar_start(start + 26 * 3600, DAY, clock)
        yield tape.past(start, stop - start)
        start = stop
    running: PriceBar | None = None
    for bar in tape.history(max(start, border), span.end):
        bucket = bar_start(bar.time, span.seconds, clock)
        if running is not None and running.time != bucket:
            yield running
            running = None
        running = merge(running, bar, bucket)
    if running is not None:
        yield running


def bar_start(second: int, seconds: int, clock: Clock) -> int:
    """Return when the bar that a moment lies in begins."""
    if seconds < DAY:
        return second - second % seconds
    midnight = clock.at(second).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return int(midnight.timestamp())


def merge(bar: PriceBar | None, more: PriceBar, start: int) -> PriceBar:
    """Return a bar that goes on with another one."""
    if bar is None:
        return more._replace(time=start)
    volume = bar.volume + more.volume
    wap = (bar.wap * bar.volume + more.wap * more.volume) / volume if volume else more.wap
    high, low = max(bar.high, more.high), min(bar.low, more.low)
    return PriceBar(start, bar.open, high, low, more.close, volume, wap, bar.trades + more.trades)
