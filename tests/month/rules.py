"""When the triggers of the month have to fire, by their definitions alone: no code of theirs, no state that is carried over."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import attrs
from street import BARS, DAY, HOUR, MINUTE, SYMBOLS, Market, sessions

from ml4t.live import TriggerSpec
from ml4t.live.triggers.compound import AllOf
from ml4t.live.triggers.config import WithinConfig
from ml4t_live_trigger_manual.config import ManualConfig
from ml4t_live_trigger_manual.trigger import Manual
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.trigger import PriceMove
from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.trigger import TimeTrigger
from ml4t_live_trigger_volatility.config import VolatilityConfig
from ml4t_live_trigger_volatility.trigger import Volatility
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig
from ml4t_live_trigger_volume_spike.trigger import VolumeSpike

MOVE, FALL, SPIKE, STORM = 0.03, 0.03, 4.0, 0.007
COOLDOWN, WITHIN, WARMUP, LOOKBACK = 3 * HOUR, 4 * HOUR, 25, 20


def triggers(step: int) -> list[TriggerSpec]:
    """Return the triggers of a run, one of every kind and two compounds of kinds."""
    wild = STORM * (step / (30 * MINUTE)) ** 0.5
    bars = frozenset(BARS)
    return [
        TriggerSpec("hourly", TimeTrigger(TimeTriggerConfig(every=HOUR, calendar="XNYS", only="hours"))),
        TriggerSpec("before close", TimeTrigger(TimeTriggerConfig(session=("close-10m",), calendar="XNYS")), catch_up="once"),
        TriggerSpec("morning", TimeTrigger(TimeTriggerConfig(cron="40 9 * * mon-fri", timezone="America/New_York"))),
        TriggerSpec("moves", PriceMove(PriceMoveConfig(threshold=MOVE)), cooldown=COOLDOWN, catch_up="all"),
        TriggerSpec(
            "falls", PriceMove(PriceMoveConfig(threshold=FALL, direction="down", reference="previous_close")), catch_up="once"
        ),
        TriggerSpec(
            "volume",
            VolumeSpike(VolumeSpikeConfig(multiple=SPIKE, baseline="rolling", candles=step, lookback=LOOKBACK)),
            symbols=bars,
            warmup=WARMUP,
        ),
        TriggerSpec(
            "stormy",
            Volatility(VolatilityConfig(threshold=wild, estimator="realised", candles=step, lookback=LOOKBACK)),
            symbols=bars,
            warmup=WARMUP,
        ),
        TriggerSpec("by hand", Manual(ManualConfig()), catch_up="once"),
        TriggerSpec("both", AllOf(WithinConfig(of=("moves", "volume"), within=WITHIN))),
    ]


@attrs.frozen
class Due:
    """A moment at which a trigger's condition is met; `held_back` is why it must not fire, empty when it must."""

    trigger: str
    symbol: str
    moment: int
    held_back: str = ""


def due(market: Market, since: int, until: int) -> Iterator[Due]:
    """Iterate over all that has to fire in a run over (since, until], of time and of data."""
    for name, moments in _moments().items():
        yield from (Due(name, "", moment) for moment in moments if since < moment <= until)
    for symbol in SYMBOLS:
        yield from _of_symbol(market, symbol)


def _moments() -> dict[str, list[int]]:
    """Return the moments of the time triggers: New York is five hours behind UTC all month."""
    midnights = {open_ // DAY * DAY for open_, _ in sessions()}
    holidays = [day * DAY for day in range(min(midnights) // DAY, max(midnights) // DAY + 3)]
    weekdays = [at for at in holidays if datetime.fromtimestamp(at / 1e9, UTC).weekday() < 5]
    return {
        "hourly": [midnight + hour * HOUR for midnight in midnights for hour in range(15, 21)],
        "before close": [close - 10 * MINUTE for _, close in sessions()],
        "morning": [midnight + 14 * HOUR + 40 * MINUTE for midnight in weekdays],
    }


def _of_symbol(market: Market, symbol: str) -> Iterator[Due]:
    tape = [(moment, price, volume) for moment, price, volume, _ in market.tape(symbol)]
    moves = list(_cooled(Due("moves", symbol, moment) for moment in _moves(tape)))
    yield from moves
    yield from (Due("falls", symbol, moment) for moment in _falls(tape, bars=symbol in BARS))
    if symbol not in BARS:
        return
    wild = STORM * (market.step / (30 * MINUTE)) ** 0.5
    warm = tape[WARMUP - 1][0]
    volume = [Due("volume", symbol, at, "" if at >= warm else "warmup") for at in _spikes([v for *_, v in tape], tape)]
    yield from volume
    yield from (Due("stormy", symbol, at, "" if at >= warm else "warmup") for at in _storms(tape, wild))
    fired = sorted((each.moment, each.trigger) for each in (*moves, *volume) if not each.held_back)
    yield from (Due("both", symbol, moment) for moment in _both(fired))


def _moves(tape: list[tuple[int, float, float]]) -> Iterator[int]:
    """A move from where the last one ended, of the threshold or more."""
    start = tape[0][1]
    for moment, price, _ in tape:
        if abs(price / start - 1) >= MOVE:
            start = price
            yield moment


def _cooled(found: Iterator[Due]) -> Iterator[Due]:
    last = None
    for each in found:
        if last is not None and each.moment - last < COOLDOWN:
            yield attrs.evolve(each, held_back="cooldown")
        else:
            last = each.moment
            yield each


def _falls(tape: list[tuple[int, float, float]], *, bars: bool) -> Iterator[int]:
    """A fall below the close of the day before; the next one only after half of it has been made good, or on another day.

    What is printed at the close or later is of the next day; a bar that ends there is of this one.
    """
    closes = [close for _, close in sessions()]
    by_day: dict[int, list[tuple[int, float]]] = {}
    for moment, price, _ in tape:
        by_day.setdefault(bisect_right(closes, moment - bars), []).append((moment, price))
    days = list(by_day.values())
    for before, day in pairwise(days):
        close, armed = before[-1][1], True
        for moment, price in day:
            fall = 1 - price / close
            if fall < FALL / 2:
                armed = True
            if fall >= FALL and armed:
                armed = False
                yield moment


def _spikes(volumes: list[float], tape: list[tuple[int, float, float]]) -> Iterator[int]:
    """A candle of many times the mean of those before it; the next only after a candle of less than half of that."""
    told, ratio = False, None
    for number, volume in enumerate(volumes):
        before = volumes[1:number][-LOOKBACK:]  # the first has none before it, and counts in no mean
        if ratio is None or ratio < SPIKE / 2:
            told = False
        ratio = volume / statistics.fmean(before) if before else None
        if ratio is not None and ratio >= SPIKE and not told:
            told = True
            yield tape[number][0]


def _storms(tape: list[tuple[int, float, float]], wild: float) -> Iterator[int]:
    """The deviation of the last returns reaches the threshold; the next time only after it was a fifth lower."""
    changes = [after[1] / before[1] - 1 for before, after in pairwise(tape)]
    on = False
    for number in range(2, len(tape)):
        deviation = statistics.stdev(changes[max(0, number - LOOKBACK) : number])
        if on:
            on = deviation >= 0.8 * wild
        elif deviation >= wild:
            on = True
            yield tape[number][0]


def _both(fired: list[tuple[int, str]]) -> Iterator[int]:
    """A firing of one and one of the other, not used before, within the time."""
    waiting: dict[str, int] = {}
    used = -1
    for moment, trigger in fired:
        waiting[trigger] = moment
        pair = [at for at in waiting.values() if used < at and moment - at <= WITHIN]
        if len(pair) == 2:
            used = moment
            yield moment
