"""What a day or a resume begins with after a restart: the latest prices, not those of the last fill."""

from __future__ import annotations

import pytest
from engine_kit import DAY, SECOND, START, Diary, limits, replay, trade
from typer.testing import CliRunner

from ml4t.live import LiveEngine
from ml4t.live.cli.app import app
from ml4t.live.model import Trade
from ml4t.live.testing import run_virtual

RISK = {"max_daily_loss": 1_000.0}


def buys(diary, data, broker):
    """Buy a hundred with the second event, and say with every later one whether new risk may be taken."""
    if len(diary.calls) == 2:
        broker.submit_order("A", 100)
    else:
        diary.orders.append(broker.submit_order("A", 1, order_type="limit", limit_price=1.0))


def asks(diary, data, broker):
    diary.orders.append(broker.submit_order("A", 1, order_type="limit", limit_price=1.0))


class Prints:
    """A trade of A every second at these prices, live."""

    historical = False
    symbols = ("A",)

    def __init__(self, clock, prices):
        self.clock, self.prices = clock, prices

    async def run(self, sink):
        for price in self.prices:
            sink.push(Trade("A", self.clock.now(), price, 1.0))
            await self.clock.sleep(1.0)


def live(folder, start, prices, act):
    """Run shadow mode on virtual time over these prices; return the codes of the orders."""
    diary = Diary(act)

    async def main(clock):
        feed = Prints(clock, prices)
        engine = LiveEngine(diary, None, feed, risk=limits(**RISK), state_dir=folder, clock=clock, seed=1)
        await engine.run()

    run_virtual(main, start=start)
    return [order.code for order in diary.orders]


def recorded(folder, days, act):
    """Run shadow mode over the prices of several days, one a second; return the codes of the orders."""
    events = [trade("A", day * DAY + n * SECOND, price) for day, prices in enumerate(days) for n, price in enumerate(prices)]
    diary = Diary(act)
    replay(diary, events, folder, risk=limits(**RISK))
    return [order.code for order in diary.orders]


UP = [100.0, 100.0, 100.0, *[150.0] * 30]
FALLS = [150.0, 145.0, 141.0, 139.0, 139.0]


def test_a_gain_of_the_days_before_is_no_loss_that_today_allows_after_a_restart_live(tmp_path):
    assert set(live(tmp_path, START, UP, buys)) == {""}
    assert live(tmp_path, START + DAY, FALLS, asks) == ["", "", "", "max_daily_loss", "max_daily_loss"]


def test_a_gain_of_the_days_before_is_no_loss_that_today_allows_after_a_restart_on_recorded_data(tmp_path):
    assert set(recorded(tmp_path, [UP], buys)) == {""}
    assert recorded(tmp_path, [UP, FALLS], asks) == ["", "", "", "max_daily_loss", "max_daily_loss"]


@pytest.mark.parametrize("how", ["live", "recorded"])
def test_a_resume_while_no_process_is_on_begins_the_limits_anew_from_what_the_account_is_worth(tmp_path, how):
    down = [100.0, 100.0, 100.0, *[85.0] * 30]
    if how == "live":
        assert live(tmp_path, START, down, buys)[-1] == "max_daily_loss"
    else:
        assert recorded(tmp_path, [down], buys)[-1] == "max_daily_loss"
    resume = ["resume", "--state-dir", str(tmp_path), "--by", "ann", "--reason", "looked at it"]
    assert CliRunner().invoke(app, resume).exit_code == 0
    after = [85.0, 84.0, 80.0, 74.0, 74.0]
    again = {
        "live": lambda: live(tmp_path, START + 60 * SECOND, after, asks),
        "recorded": lambda: recorded(tmp_path, [[*down, *after]], asks),
    }
    codes = again[how]()
    assert codes == ["", "", "", "max_daily_loss", "max_daily_loss"]
