"""What fills cost: each commission and slippage against arithmetic done by hand or by counting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.model import Fill, Order, OrderSide
from ml4t.live.orders.states import with_fill
from ml4t.live.shadow import commission as c
from ml4t.live.shadow import slippage as s
from ml4t.live.shadow.costs import Costs, costs_of
from ml4t.live.shadow.slippage import Touch

BUY, SELL = Order("o", "A", OrderSide.BUY, 100.0), Order("o", "A", OrderSide.SELL, 100.0)
TIERS = ((0.0, 0.002), (1_000.0, 0.001), (10_000.0, 0.0))

COMMISSIONS = [
    (c.NoCommission(), 100, 5_000, 0.0),
    (c.PercentageCommission(0.001), 100, 5_000, 5.0),
    (c.PerShareCommission(0.01, 0.5), 100, 5_000, 1.0),
    (c.PerShareCommission(0.001, 0.5), 100, 5_000, 0.5),
    (c.PerShareCommission(0.001, 0.5), 0, 0, 0.0),
    (c.FixedCommission(7.0), 100, 5_000, 7.0),
    (c.FixedCommission(7.0), 0, 0, 0.0),
    (c.TieredCommission(TIERS), 1, 500, 1.0),
    (c.TieredCommission(TIERS), 1, 1_000, 2.0),
    (c.TieredCommission(TIERS), 1, 3_000, 4.0),
    (c.TieredCommission(TIERS), 1, 1_000_000, 11.0),
]


@pytest.mark.parametrize(("model", "quantity", "notional", "due"), COMMISSIONS)
def test_commissions(model, quantity, notional, due):
    assert model.due(quantity, notional) == pytest.approx(due)


bands = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=4, unique_by=lambda band: band[0])


@given(st.integers(0, 9), bands, st.integers(0, 80))
def test_every_unit_of_money_pays_the_rate_of_the_band_it_is_in(first, rest, notional):
    tiers = ((0, first / 10), *((start, rate / 10) for start, rate in sorted(rest)))
    counted = sum([rate for start, rate in tiers if start <= unit][-1] for unit in range(notional))
    assert c.TieredCommission(tiers).due(1.0, notional) == pytest.approx(counted)


@pytest.mark.parametrize("tiers", [(), ((1.0, 0.1),), ((0.0, 0.1), (5.0, 0.1), (5.0, 0.2)), ((0.0, 1.0),), ((0.0, -0.1),)])
def test_tiers_that_make_no_sense(tiers):
    with pytest.raises(ValueError, match="tiers must"):
        c.TieredCommission(tiers)


models = st.sampled_from([model for model, *_ in COMMISSIONS])
parts = st.lists(st.tuples(st.floats(0.01, 50), st.floats(1, 200)), min_size=1, max_size=8)


@given(models, parts)
def test_the_parts_of_an_order_cost_what_the_whole_costs(model, parts):
    costs = Costs(model)
    order = Order("o", "A", OrderSide.BUY, 1_000.0)
    for number, (quantity, price) in enumerate(parts):
        charge = costs.charge(order, quantity, price)
        assert charge >= 0.0
        order = with_fill(order, Fill(f"x{number}", "o", "A", OrderSide.BUY, quantity, price, 1, charge))
    whole = model.due(sum(q for q, _ in parts), sum(q * p for q, p in parts))
    assert order.commission == pytest.approx(whole)


SLIPPAGES = [
    (s.NoSlippage(), Touch(100.0, 2.0, volume=1_000.0), 0.0),
    (s.PercentageSlippage(10), Touch(100.0), 0.1),
    (s.FixedSlippage(0.25), Touch(100.0), 0.25),
    (s.SpreadSlippage(), Touch(100.0), 0.0),
    (s.SpreadSlippage(), Touch(100.0, 2.0), 1.0),
    (s.SpreadSlippage(1.0), Touch(100.0, 2.0), 2.0),
    (s.SpreadSlippage(), Touch(101.0, 2.0, quoted=True), 0.0),
    (s.SpreadSlippage(1.0), Touch(101.0, 2.0, quoted=True), 1.0),
    (s.SpreadSlippage(0.2), Touch(101.0, 2.0, quoted=True), 0.0),
    (s.VolumeSlippage(0.1), Touch(100.0, volume=1_000.0), 1.0),
    (s.VolumeSlippage(0.1), Touch(100.0, volume=50.0), 10.0),
    (s.VolumeSlippage(0.1), Touch(100.0), 10.0),
]


@pytest.mark.parametrize(("model", "touch", "against"), SLIPPAGES)
def test_slippages(model, touch, against):
    """For 100 units."""
    costs = Costs(slippage=model)
    assert costs.slipped(BUY, 100.0, touch) == pytest.approx(touch.price + against)
    assert costs.slipped(SELL, 100.0, touch) == pytest.approx(touch.price - against)


def test_nobody_is_paid_less_than_nothing():
    assert Costs(slippage=s.FixedSlippage(5.0)).slipped(SELL, 1.0, Touch(3.0)) == 0.0


CHOICES = [
    ({}, c.PercentageCommission(0.0), s.PercentageSlippage(0.0)),
    ({"commission_rate": 0.001, "slippage_bps": 5.0}, c.PercentageCommission(0.001), s.PercentageSlippage(5.0)),
    ({"commission": "none", "slippage": "none"}, c.NoCommission(), s.NoSlippage()),
    (
        {"commission": "per_share", "commission_per_share": 0.01, "commission_minimum": 1.0},
        c.PerShareCommission(0.01, 1.0),
        s.PercentageSlippage(0.0),
    ),
    ({"commission": "tiered", "commission_tiers": TIERS}, c.TieredCommission(TIERS), s.PercentageSlippage(0.0)),
    (
        {"commission": "fixed", "commission_per_trade": 2.0, "slippage": "fixed", "slippage_per_unit": 0.1},
        c.FixedCommission(2.0),
        s.FixedSlippage(0.1),
    ),
    ({"slippage": "spread", "slippage_spread_share": 1.0}, c.PercentageCommission(0.0), s.SpreadSlippage(1.0)),
    ({"slippage": "volume", "slippage_impact": 0.1}, c.PercentageCommission(0.0), s.VolumeSlippage(0.1)),
]


@pytest.mark.parametrize(("options", "commission", "slippage"), CHOICES)
def test_the_configuration_chooses(options, commission, slippage):
    assert costs_of(ShadowSettings(**options)) == Costs(commission, slippage)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"commission_per_share": 0.01}, 'write commission = "per_share"'),
        ({"commission": "fixed", "commission_rate": 0.01}, 'write commission = "percentage"'),
        ({"slippage": "none", "slippage_bps": 1.0}, 'write slippage = "percentage"'),
        ({"commission": "tiered"}, "commission_tiers must begin at 0"),
        ({"slippage": "volume", "slippage_impact": 1.0}, "slippage_impact"),
        ({"max_volume_share": 0.0}, "max_volume_share"),
        ({"max_volume_share": 1.5}, "max_volume_share"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ShadowSettings(**options)


def test_slippage_by_spread_and_volume_behind_the_desk(make):
    exchange = make(costs=Costs(c.PerShareCommission(0.01, 1.0), s.SpreadSlippage(0.5)))
    exchange.quote(99.0, 101.0, 1)
    bought, sold = exchange.broker.submit_order("A", 10), exchange.broker.submit_order("A", -300)
    exchange.trade(100.0, 2)
    assert exchange.state(bought).average_price == 101.0
    assert (exchange.state(sold).average_price, exchange.state(sold).commission) == (99.0, 3.0)
    quoted = exchange.broker.submit_order("A", 10)
    exchange.quote(99.5, 100.5, 3)
    assert exchange.state(quoted).average_price == 100.5

    exchange = make(costs=Costs(slippage=s.VolumeSlippage(0.1)))
    order = exchange.broker.submit_order("A", 10)
    exchange.trade(100.0, 4, size=100.0)
    assert exchange.state(order).average_price == pytest.approx(101.0)
    exchange.agree()
