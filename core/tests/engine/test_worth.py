"""What the account is worth is noted while it runs on live data, so that `status` in another process is current."""

from __future__ import annotations

import json

from engine_kit import limits
from typer.testing import CliRunner

from ml4t.live import LiveEngine
from ml4t.live.cli.app import app
from ml4t.live.model import Trade
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS

START = 1_735_776_000 * NANOS


class Falling:
    """A live feed whose prices fall, a print a second; nothing is recorded after the first order has filled."""

    historical = False
    symbols = ("A",)

    def __init__(self, clock):
        self.clock = clock

    async def run(self, sink):
        for number in range(60):
            sink.push(Trade("A", self.clock.now(), 100.0 - number, 1.0))
            await self.clock.sleep(1.0)


class BuyOnce:
    def on_data(self, timestamp, data, context, broker):
        if not broker.positions and not broker.pending_orders:
            broker.submit_order("A", 10)


def test_status_shows_the_losses_of_the_last_quarter_minute(tmp_path):
    async def session(clock):
        engine = LiveEngine(BuyOnce(), None, Falling(clock), risk=limits(max_daily_loss=5_000), state_dir=tmp_path, clock=clock)
        await engine.run()

    run_virtual(session, start=START)
    answer = json.loads(CliRunner().invoke(app, ["status", "--state-dir", str(tmp_path), "--json"]).stdout)
    assert answer["equity"] <= 100_000 - 10 * 40
    (loss,) = [line for line in answer["limits"] if line["limit"] == "max_daily_loss"]
    assert loss["value"] == 100_000 - answer["equity"]
    assert answer["positions"][0]["mark"] < 60.0
