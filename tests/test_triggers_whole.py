"""Triggers in the whole engine against their definitions: minute data of a live market, lines that are lost, crashes."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from ml4t.live import LiveEngine, LiveRiskConfig, Trade, TriggerSpec
from ml4t.live.config.settings import EngineSettings, MarketSettings
from ml4t.live.errors import FeedDisconnected
from ml4t.live.journal import JournalReader, StateDir
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.trigger import PriceMove
from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.trigger import TimeTrigger
from ml4t_live_trigger_volatility.config import VolatilityConfig
from ml4t_live_trigger_volatility.trigger import Volatility
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig
from ml4t_live_trigger_volume_spike.trigger import VolumeSpike

MINUTE, HOUR = 60 * NANOS, 3_600 * NANOS
START = 1_735_776_000 * NANOS
MINUTES = 300
DOWN = 11
"""Minutes between a crash and the next process."""
SYMBOLS = ("A", "B")


def market(symbol: str) -> list[Trade]:
    """A trade a minute, calm and wild by turns, and now and then a crowd."""
    rng, price, made = random.Random(symbol), 100.0, []
    for n in range(MINUTES):
        price *= 1 + rng.gauss(0, 0.006 if n // 25 % 4 == 1 else 0.0005)
        size = rng.choice((80.0, 100.0, 120.0)) * (5 if rng.random() < 0.04 else 1)
        made.append(Trade(symbol, START + (n + 1) * MINUTE, price, size))
    return made


MARKET = {symbol: market(symbol) for symbol in SYMBOLS}


class Street:
    """A live feed of that market, with its history; the line is lost every now and then."""

    historical = False
    symbols = SYMBOLS

    def __init__(self, clock: Any, minutes: int) -> None:
        self._clock, self._until = clock, clock.now() + minutes * MINUTE
        self._rng = random.Random(minutes)

    async def run(self, sink: Any) -> None:
        while (now := self._clock.now()) < self._until:
            await self._clock.sleep((MINUTE - now % MINUTE) / NANOS)
            moment = (now // MINUTE + 1) * MINUTE
            if self._rng.random() < 0.02:
                raise FeedDisconnected("somebody stumbled over the cable")
            for trades in MARKET.values():
                sink.push_many(trade for trade in trades if trade.event_time == moment)

    async def backfill(self, symbol: str, start: int, end: int) -> list[Trade]:
        return [trade for trade in MARKET[symbol] if start <= trade.event_time < end]


def triggers() -> list[TriggerSpec]:
    made: dict[str, Any] = {
        "moves": PriceMove(PriceMoveConfig(threshold=0.006)),
        "wild": Volatility(VolatilityConfig(threshold=0.002)),
        "crowd": VolumeSpike(VolumeSpikeConfig(baseline="rolling", multiple=3.0)),
        "clock": TimeTrigger(TimeTriggerConfig(every=7 * MINUTE)),
    }
    return [TriggerSpec(name, trigger, catch_up="all") for name, trigger in made.items()]


def live(folder: Path, begin: int, minutes: int, *, crash_after: int | None = None) -> Path:
    """Run live from `begin`; with `crash_after` minutes, return a copy of the folder as it was then."""
    copy = folder.with_name(f"{folder.name} crashed")

    async def main(clock: Any) -> None:
        engine = LiveEngine(
            None,
            None,
            Street(clock, minutes),
            risk=LiveRiskConfig(),
            triggers=triggers(),
            state_dir=folder,
            clock=clock,
            settings=EngineSettings(silence_seconds=1e6, durability="none", reconnect_attempts=None),
            market=MarketSettings(warmup=3 * HOUR),
        )
        if crash_after is None:
            await engine.run()
            return

        async def pull_the_plug() -> None:
            await clock.sleep(crash_after * 60 + 30)
            engine.core.journal.flush()
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("lock"))
            await engine.stop()

        await asyncio.gather(engine.run(), pull_the_plug())

    run_virtual(main, start=begin)
    return folder if crash_after is None else copy


def firings(folder: Path) -> dict[str, list[int]]:
    """When each trigger fired for each symbol, as the numbers of minutes; a firing that is recorded twice is there twice."""
    found: dict[str, list[int]] = {}
    with JournalReader(StateDir(folder, "shadow").journal) as reader:
        for record in reader.records("firing"):
            found.setdefault(f"{record.body['trigger']} {record.body['symbol']}".strip(), []).append(
                (record.body["time"] - START) // MINUTE
            )
    return {name: sorted(moments) for name, moments in found.items()}


# ------------------------------------------------------------------ the definitions, worked out from all the data


def moves(trades: list[Trade]) -> Iterator[bool]:
    start = trades[0].price
    for trade in trades:
        yield (fired := abs(trade.price / start - 1) >= 0.006)
        start = trade.price if fired else start


def wild(trades: list[Trade]) -> Iterator[bool]:
    on = False
    for n in range(len(trades)):
        closes = [trade.price for trade in trades[:n]]  # the candle of this minute is not closed
        changes = [after / before - 1 for before, after in pairwise(closes)]
        square = changes[0] ** 2 if changes else 0.0
        for change in changes[1:]:
            square += 2 / 61 * (change**2 - square)
        before, on = on, sqrt(square) >= (0.8 if on else 1.0) * 0.002
        yield on and not before


def crowd(trades: list[Trade]) -> Iterator[bool]:
    sizes, silent, last = [trade.size for trade in trades], False, None
    for n, size in enumerate(sizes):
        usual = sizes[max(1, n - 20) : n]
        ratio = size / fmean(usual) if usual else None
        silent = silent and last is not None and last >= 0.5 * 3.0
        yield (fired := ratio is not None and ratio >= 3.0 and not silent)
        silent, last = silent or fired, ratio


def defined() -> dict[str, list[int]]:
    kinds: dict[str, Callable[[list[Trade]], Iterator[bool]]] = {"moves": moves, "wild": wild, "crowd": crowd}
    found = {
        f"{name} {symbol}": [n for n, fired in enumerate(kind(trades), 1) if fired]
        for name, kind in kinds.items()
        for symbol, trades in MARKET.items()
    }
    first = next(n for n in range(MINUTES) if (START + n * MINUTE) % (7 * MINUTE) == 0)
    return found | {"clock": list(range(first, MINUTES + 1, 7))}


DEFINED = defined()


def test_the_data_say_something_about_every_trigger():
    assert all(len(moments) >= 2 for moments in DEFINED.values())
    assert len(DEFINED["moves A"]) > 20


def test_on_lines_that_are_lost_the_firings_are_those_of_the_definitions(tmp_path):
    assert firings(live(tmp_path / "run", START, MINUTES)) == DEFINED


@pytest.mark.parametrize("after", [2, 19, 63, 64, 130, 210])
def test_after_a_crash_anywhere_they_are_the_same_and_none_is_there_twice(tmp_path, after):
    crashed = live(tmp_path / "run", START, MINUTES, crash_after=after)
    again = START + (after + DOWN) * MINUTE + 30 * NANOS
    assert firings(live(crashed, again, MINUTES - after - DOWN - 1)) == DEFINED
