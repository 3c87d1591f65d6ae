"""Kills of one symbol or one strategy, and what throws them by itself."""

from __future__ import annotations

import asyncio
import json

import pytest
from engine_kit import Diary, limits, read, run_list, trade
from typer.testing import CliRunner

from ml4t.live import LiveEngine
from ml4t.live.cli.app import app
from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.engine.control import Command
from ml4t.live.model import OrderState
from ml4t.live.testing import Faults, SimulatedVenue, run_virtual
from ml4t.live.times import NANOS

START = 1_735_776_000 * NANOS
S = OrderState


def both(diary, data, broker):
    """Let a limit order rest in each symbol, once, and then ask for one more of each."""
    kind = {"order_type": "limit", "limit_price": 1.0}
    diary.orders.append([broker.submit_order(symbol, 1, **kind) for symbol in "AB"])


def ticks(*numbers):
    return [trade(symbol, number * NANOS) for number in numbers for symbol in "AB"]


def codes(diary):
    return [[order.code for order in pair] for pair in diary.orders]


async def killed_at(tmp_path, **scope):
    """Run six seconds of two symbols, and kill a scope in the middle."""
    diary = Diary(both)

    def act(diary_, data, broker):
        both(diary_, data, broker)
        if len(diary_.orders) == 4:
            engine.kill("enough", by="ann", **scope)

    diary.act = act

    class Feed:
        symbols = ("A", "B")
        historical = True

        async def run(self, sink):
            sink.push_many(ticks(*range(1, 9)))

    engine = LiveEngine(diary, None, Feed(), risk=limits(), state_dir=tmp_path)
    await engine.run()
    return diary, engine


def test_a_kill_of_a_symbol_withdraws_and_refuses_its_orders_and_no_others(tmp_path):
    diary, engine = asyncio.run(killed_at(tmp_path, symbol="A"))
    before, after = diary.orders[:4], diary.orders[4:]
    state = engine.core.desk.orders.get
    assert {state(pair[0].order_id).state for pair in before} == {S.CANCELLED}
    assert {state(pair[1].order_id).state for pair in before} == {S.WORKING}
    assert {pair[0].code for pair in after} == {"kill_switch"}
    assert "symbol:A" in after[0][0].reason
    assert {pair[1].code for pair in after} == {""}


def test_a_kill_of_a_strategy_stops_its_orders(tmp_path):
    diary, engine = asyncio.run(killed_at(tmp_path, strategy="Diary"))
    assert codes(diary)[-1] == ["kill_switch", "kill_switch"]
    assert engine.core.desk.orders.open_count == 0
    other = asyncio.run(killed_at(tmp_path / "other", strategy="Somebody"))[0]
    assert codes(other)[-1] == ["", ""]


def test_it_holds_over_a_restart_is_shown_and_ends_for_that_scope_by_name(tmp_path):
    asyncio.run(killed_at(tmp_path, symbol="A"))
    run = CliRunner()
    assert "Stopped: symbol:A, by ann" in run.invoke(app, ["status", "--state-dir", str(tmp_path)]).stdout
    again = Diary(both)
    asyncio.run(run_list(again, ticks(*range(1, 10)), tmp_path))
    assert codes(again)[-1] == ["kill_switch", ""]
    resume = ["resume", "--state-dir", str(tmp_path), "--by", "ann", "--reason", "mended", "--json"]
    assert json.loads(run.invoke(app, [*resume, "--symbol", "B"]).stdout)["changed"] is False
    assert json.loads(run.invoke(app, [*resume, "--symbol", "A"]).stdout)["changed"] is True
    free = Diary(both)
    asyncio.run(run_list(free, ticks(*range(1, 11)), tmp_path))
    assert codes(free)[-1] == ["", ""]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["kill", "--symbol", "A", "--strategy", "S"], "one of them"),
        (["kill", "--strategy", "S", "--flatten"], "positions belong to the account"),
    ],
)
def test_a_scope_that_cannot_be_is_refused(tmp_path, arguments, word):
    done = CliRunner().invoke(app, [*arguments, "--state-dir", str(tmp_path), "--reason", "x", "--by", "ann"])
    assert word in str(done.exception) + done.output


def test_a_scope_in_a_file_that_makes_no_sense_is_none():
    with pytest.raises(ValueError, match="symbol:AAPL"):
        Command(action="kill", reason="x", by="y", scope="AAPL")


def test_flattening_a_symbol_leaves_the_others(tmp_path):
    def act(diary, data, broker):
        if len(diary.calls) == 2:
            for symbol in "AB":
                broker.submit_order(symbol, 10)
        if len(diary.calls) == 6:
            engine.kill("out of it", by="ann", symbol="A", flatten=True)

    class Feed:
        symbols = ("A", "B")
        historical = True

        async def run(self, sink):
            sink.push_many(ticks(*range(1, 12)))

    engine = LiveEngine(Diary(act), None, Feed(), risk=limits(), state_dir=tmp_path)
    asyncio.run(engine.run())
    assert {symbol: p.quantity for symbol, p in engine.core.desk.portfolio.positions.items()} == {"B": 10.0}


def test_refusals_of_the_venue_in_a_row_stop_the_symbol_until_somebody_resumes(tmp_path):
    placed = []

    class Feed:
        symbols = ("A",)
        historical = False

        def __init__(self, clock):
            self.clock = clock

        async def run(self, sink):
            for number in range(8):
                sink.push(trade("A", number * NANOS))
                await self.clock.sleep(1.0)

    class Buyer:
        def on_data(self, timestamp, data, context, broker):
            placed.append(broker.submit_order("A", 1))

    async def session(clock):
        venue = SimulatedVenue(lambda _: 100.0, clock, seed=1, faults=Faults(reject=1.0))
        risk = limits(execution_mode="paper", max_consecutive_rejects=3)
        await LiveEngine(Buyer(), venue, Feed(clock), risk=risk, state_dir=tmp_path, clock=clock).run()

    run_virtual(session, start=START)
    assert [order.code for order in placed] == ["", "", "", *["kill_switch"] * 5]
    story = read(tmp_path / "paper" / "journal.sqlite3")
    (kill,) = story.bodies("kill_switch")
    assert (kill["scope"], kill["by"], kill["via"]) == ("symbol:A", "latch", "limit")
    assert "refused 3 orders for A in a row" in kill["reason"]


def test_a_strategy_that_trades_too_often_is_stopped(tmp_path):
    def act(diary, data, broker):
        diary.orders.append(broker.submit_order("A", 1))

    diary = Diary(act)
    events = [trade("A", number * NANOS) for number in range(8)]
    asyncio.run(run_list(diary, events, tmp_path, risk=limits(max_strategy_fills_per_minute=3)))
    stopped = [order.code for order in diary.orders]
    assert stopped[0] == ""
    assert stopped[-1] == "kill_switch"
    (kill,) = read(tmp_path / "shadow" / "journal.sqlite3").bodies("kill_switch")
    assert kill["scope"] == "strategy:Diary"


def test_a_latch_that_cancels_the_order_it_is_filling_leaves_it_cancelled(tmp_path):
    """What remains of an order in parts is withdrawn by the very fill that stops the strategy."""

    def act(diary, data, broker):
        if len(diary.calls) == 1:
            diary.orders.append(broker.submit_order("A", 10))

    diary = Diary(act)
    events = [trade("A", number * NANOS, size=1.0) for number in range(8)]
    shadow = ShadowSettings(max_volume_share=1.0)
    risk = limits(max_strategy_fills_per_minute=1)
    engine = asyncio.run(run_list(diary, events, tmp_path, risk=risk, shadow=shadow))
    order = engine.core.desk.orders.get(diary.orders[0].order_id)
    assert (order.state, order.filled_quantity) == (S.CANCELLED, 2.0)
    assert engine.core.desk.orders.open_count == 0


def test_one_symbol_that_is_to_be_flat_is_emptied_by_the_next_start(tmp_path):
    def buy(diary, data, broker):
        if len(diary.calls) == 2:
            for symbol in "AB":
                broker.submit_order(symbol, 10)

    asyncio.run(run_list(Diary(buy), ticks(1, 2, 3, 4), tmp_path))
    asked = ["flatten", "--symbol", "A", "--state-dir", str(tmp_path), "--reason", "out", "--by", "ann"]
    assert "The next start empties the position in A." in CliRunner().invoke(app, asked).stdout
    engine = asyncio.run(run_list(Diary(), ticks(*range(1, 12)), tmp_path))
    assert {symbol: p.quantity for symbol, p in engine.core.desk.portfolio.positions.items()} == {"B": 10.0}


@pytest.mark.parametrize(
    ("symbol", "says"),
    [("A", ""), ("AAPI", "Nothing here has ordered or forecast AAPI so far; did you mean AAPL?"), ("ZZ", "ZZ so far.")],
)
def test_a_symbol_that_nobody_has_traded_is_stopped_with_a_warning(tmp_path, symbol, says):
    def buy(diary, data, broker):
        for known in ("A", "AAPL"):
            broker.submit_order(known, 1)

    asyncio.run(run_list(Diary(buy), [trade(known, NANOS) for known in ("A", "AAPL")], tmp_path))
    asked = ["kill", "--symbol", symbol, "--state-dir", str(tmp_path), "--reason", "odd", "--by", "ann"]
    told = CliRunner().invoke(app, asked).stdout
    assert f"The kill switch of symbol:{symbol} is ON" in told
    assert says in told
    assert ("Nothing here" in told) is bool(says)
