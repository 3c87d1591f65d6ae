"""The execution agent in the real engine: what it buys, when it does not, and what stops it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from agents_kit import HOUR, MINUTE, START, Every, Script, quotes, run, spec, ticks
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live import LiveRiskConfig
from ml4t.live.contracts import OrderIntent
from ml4t.live.model import Direction, Distribution, Forecast
from ml4t_live_agents.config import ExecutionAgentConfig
from ml4t_live_agents.execution_agent import ExecutionAgent

TRIGGERS = {"minutely": Every(MINUTE), "often": Every(5 * MINUTE)}
FLAT = [100.0] * 120


def agent(**options):
    return ExecutionAgent(ExecutionAgentConfig(**{"max_value": 10_000.0, "cost": 0.0} | options))


def trade(folder, says, its=None, prices=FLAT, events=None, **rest):
    models = says if isinstance(says, dict) else {"model": says}
    specs = [spec(name, Script(of), "minutely", horizon=HOUR) for name, of in models.items()]
    specs.append(spec("agent", its or agent(), "often"))
    return run(folder, specs, events or ticks(prices), TRIGGERS, **rest)


def held(told):
    return {symbol: line["quantity"] for symbol, line in told.state["position"].items()}


def test_it_buys_what_is_expected_to_rise_up_to_its_value_and_sells_when_that_is_over(tmp_path):
    told = trade(tmp_path / "up", lambda _, n: 0.02)
    assert held(told) == {"A": 100.0}
    (bought,) = told.orders
    assert (bought.strategy, bought.quantity, bought.cause) == ("agent", 100.0, f"often:A:{START + 5 * MINUTE}")
    over = trade(tmp_path / "over", lambda _, n: 0.02 if n < 60 else -0.02)
    assert held(over) == {}
    assert [order.side.value for order in over.orders] == ["buy", "sell"]


def test_size_follows_what_is_left_after_costs(tmp_path):
    told = trade(tmp_path, lambda _, n: 0.0035, agent(cost=0.0005))
    assert held(told) == {"A": 50.0}, "0.35 % less a round trip of 0.1 % is half of 0.5 %"


def test_nothing_is_traded_that_does_not_pay_for_itself(tmp_path):
    assert trade(tmp_path / "cost", lambda _, n: 0.0009, agent(cost=0.0005)).orders == []
    wide = quotes(FLAT, spread=1.0)
    assert trade(tmp_path / "spread", lambda _, n: 0.009, events=wide).orders == []
    assert len(trade(tmp_path / "narrow", lambda _, n: 0.009, events=quotes(FLAT, spread=0.01)).orders) == 1
    assert trade(tmp_path / "absurd", lambda _, n: 3.0).orders == [], "nobody expects the fourfold in an hour"


def test_it_goes_short_only_when_it_may(tmp_path):
    assert trade(tmp_path / "no", lambda _, n: -0.02).orders == []
    assert held(trade(tmp_path / "yes", lambda _, n: -0.02, agent(allow_short=True))) == {"A": -100.0}


def test_the_weights_decide_whom_it_follows(tmp_path):
    class Critic:
        def forecast(self, request):
            from ml4t.live import Weight

            return Weight("bull", 0.0, "too cheerful")

    specs = [
        spec("bull", Script(lambda _, n: 0.05), "minutely", horizon=HOUR),
        spec("bear", Script(lambda _, n: -0.01), "minutely", horizon=HOUR),
        spec("agent", agent(), "often"),
    ]
    both = run(tmp_path / "both", specs, ticks(FLAT), TRIGGERS)
    assert held(both) == {"A": 100.0}, "the mean of the two is 2 %"
    silenced = run(tmp_path / "one", [spec("critic", Critic(), "minutely"), *specs], ticks(FLAT), TRIGGERS)
    assert held(silenced) == {}
    chosen = agent(models=("bear",), allow_short=True)
    assert held(run(tmp_path / "chosen", [*specs[:2], spec("agent", chosen, "often")], ticks(FLAT), TRIGGERS)) == {"A": -100.0}


def test_a_limit_stops_it_and_it_does_not_hammer_at_the_gate(tmp_path):
    risk = LiveRiskConfig(max_order_value=5_000.0, max_data_staleness_seconds=None)
    told = trade(tmp_path, lambda _, n: 0.02, agent(rest=30 * MINUTE), risk=risk)
    assert told.fills == []
    assert {(order.state.value, order.code) for order in told.orders} == {("rejected", "max_order_value")}
    times = [order.created_at for order in told.orders]
    assert all(after - before >= 30 * MINUTE for before, after in pairwise(times))
    assert len(told.orders) == 4


def test_it_never_holds_more_than_its_value_as_the_price_moves(tmp_path):
    prices = [100.0 + n / 4 for n in range(120)]
    told = trade(tmp_path, lambda _, n: 0.02, prices=prices)
    quantity = 0.0
    for fill in told.fills:
        quantity += fill.quantity if fill.side.value == "buy" else -fill.quantity
        assert quantity * prices[(fill.time - START) // MINUTE - 1] <= 10_000.0 + 1e-6
    assert held(told)["A"] * prices[-5] <= 10_000.0
    assert len(told.orders) > 1, "it sells some as the price rises"


def test_a_restart_orders_nothing_twice(tmp_path):
    def says(_, n):
        return 0.02 if n % 40 < 20 else -0.02

    whole = trade(tmp_path / "whole", says)
    for cut in (5, 6, 7, 63):
        folder = tmp_path / str(cut)
        trade(folder, says, prices=FLAT[:cut])
        parts = trade(folder, says)
        assert [o.order_id for o in parts.orders] == [o.order_id for o in whole.orders]
        assert held(parts) == held(whole)


def test_two_firings_at_one_moment_order_once():
    its = agent()
    request = requested({"A": [Forecast("A", HOUR, 102.0, model="m", issued_at=1, due_at=HOUR)]})

    async def both():
        return [await its.forecast(request), await its.forecast(request)]

    first, second = asyncio.run(both())
    assert first == [OrderIntent("A", 100.0)]
    assert second == []


def test_an_open_order_and_a_forecast_whose_time_is_nearly_over_keep_it_still():
    from ml4t.live.model import Order, OrderSide

    said = [Forecast("A", HOUR, 102.0, model="m", issued_at=0, due_at=HOUR)]
    open_order = Order("id", "A", OrderSide.BUY, 10.0)
    assert asyncio.run(agent().forecast(requested({"A": said}, orders=(open_order,)))) == []
    late = requested({"A": said}, time=50 * MINUTE)
    assert asyncio.run(agent().forecast(late)) == []
    assert asyncio.run(agent(min_left=0.1).forecast(late)) == [OrderIntent("A", 100.0)]


def test_every_kind_of_forecast_that_names_a_price_is_followed():
    for said in (
        {"price": 102.0},
        {"distribution": Distribution(102.0, 1.0)},
        {"quantiles": {0.1: 99.0, 0.5: 102.0, 0.9: 105.0}},
        {"samples": tuple(102.0 + n for n in range(-5, 6))},
    ):
        forecast = Forecast("A", HOUR, model="m", issued_at=0, due_at=HOUR, **said)
        assert agent().expected("A", 100.0, requested({"A": [forecast]})) == pytest.approx(0.02)
    only = Forecast("A", HOUR, model="m", direction=Direction.UP, issued_at=0, due_at=HOUR)
    assert agent().expected("A", 100.0, requested({"A": [only]})) is None


@given(
    held=st.integers(-300, 300),
    price=st.floats(0.01, 10_000.0),
    expected=st.one_of(st.none(), st.floats(-0.2, 0.2)),
    cost=st.floats(0.0, 0.01),
    short=st.booleans(),
    lot=st.sampled_from([0.001, 1.0, 10.0]),
)
def test_what_it_wants_is_never_more_than_it_may_and_never_on_the_wrong_side(held, price, expected, cost, short, lot):
    wanted = agent(allow_short=short, lot=lot).target(float(held), price, cost, expected)
    assert abs(wanted) * price <= 10_000.0 * (1 + 1e-9)
    if expected is None:
        assert wanted == 0.0
    else:
        assert wanted * expected >= 0.0
    if wanted < 0.0 <= held:
        assert short
    if held and wanted:
        assert held * wanted > 0.0, "it goes through zero in two steps"


def requested(forecasts, *, time=2, orders=()):
    from types import SimpleNamespace

    from ml4t.live.contracts import ForecastRequest

    view = SimpleNamespace(price=100.0, bid=None, ask=None)
    market = SimpleNamespace(get=lambda symbol: view)
    return ForecastRequest(("A",), HOUR, time, market, forecasts=forecasts, weights={"m": 1.0}, orders=orders)


def test_a_refusal_says_what_is_wrong():
    with pytest.raises(ValueError, match="'max_value' must be > 0"):
        ExecutionAgentConfig(max_value=0.0)
