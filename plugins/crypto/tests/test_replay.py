"""Frames as Binance sends them, recorded, and sent again by the simulator: what is heard is what they contain."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from crypto_kit import Ears, feeding, until

from ml4t.live.errors import ConfigError
from ml4t_live_crypto.rig import Unified, binance, feed_at
from ml4t_live_crypto.times import numbered

SPOT = "ETH/USDT"
START = 1_700_000_000_000
FRAMES = 200
SPACING_MILLIS = 20
SPEED = 20.0


def trade(number: int) -> dict[str, object]:
    """Return a trade in the shape of Binance's documentation: three share a millisecond, and the ids pass a million."""
    happened = START + number // 3
    price, size = f"{100 + number % 7 / 10:.8f}", f"{0.5 + number % 3:.8f}"
    return {
        "e": "aggTrade", "E": happened + 5, "s": "ETHUSDT", "a": 999_952 + number, "p": price, "q": size, "f": 100 + number,
        "l": 105 + number, "T": happened, "m": number % 2 == 0, "M": True,
    }  # fmt: skip


def quote(number: int) -> dict[str, object]:
    """Return the best bid and ask as Binance tells of them: without a word on what it is."""
    return {"u": 400 + number, "s": "ETHUSDT", "b": f"{99 + number}.5", "B": "31.2", "a": f"{100 + number}.5", "A": "40.6"}


def written(path, frames):
    """Write a recording, and return where it is."""
    lines = [json.dumps({"at": START + number * SPACING_MILLIS, "frame": each}) for number, each in enumerate(frames)]
    path.write_text("\n".join(lines))
    return str(path)


def test_recorded_trades_are_heard_trade_for_trade_and_not_before_their_time(tmp_path):
    frames = [trade(number) for number in range(FRAMES)]

    async def run():
        with binance(replay=written(tmp_path / "trades.jsonl", frames), replay_speed=SPEED) as simulator:
            ears, began = Ears(), time.monotonic()
            async with feeding(feed_at(Unified(simulator), SPOT, silence_seconds=30.0), ears):
                await until(lambda: len(ears.events) == FRAMES)
                assert time.monotonic() - began >= (FRAMES - 1) * SPACING_MILLIS / 1000 / SPEED
        heard = [(each.trade_id, each.price, each.size, each.event_time) for each in ears.events]
        contained = [(str(f["a"]), float(f["p"]), float(f["q"]), numbered(f["T"], str(f["a"]))) for f in frames]
        assert heard == contained
        assert heard == sorted(heard, key=lambda each: each[3])

    asyncio.run(run())


def test_recorded_quotes_are_told_apart_from_trades(tmp_path):
    async def run():
        frames = [trade(0), quote(0), trade(1), quote(1)]
        with binance(replay=written(tmp_path / "quotes.jsonl", frames)) as simulator:
            ears = Ears()
            feed = feed_at(Unified(simulator), SPOT, data_type="quotes", silence_seconds=30.0)
            async with feeding(feed, ears):
                await until(lambda: len(ears.events) == 2)
                assert [(each.bid, each.ask, each.bid_size) for each in ears.events] == [
                    (99.5, 100.5, 31.2),
                    (100.5, 101.5, 31.2),
                ]

    asyncio.run(run())


def test_a_recording_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"replay: .*nosuch.jsonl cannot be read"):
        binance(replay=str(tmp_path / "nosuch.jsonl"))
