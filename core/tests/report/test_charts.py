"""The chart of a symbol, against the records that it is made of."""

from __future__ import annotations

import attrs
import pytest
from report_kit import DAY, START, fill, firing, forecast, note_forecasts

from ml4t.live.journal import StatePut
from ml4t.live.market import MarketState
from ml4t.live.model import Bar
from ml4t.live.report.charts import ChartRoom, busiest_symbols
from ml4t.live.report.sampling import Axis

AXIS = Axis(START, START + 100 * DAY, 100)


def charts(reader, *symbols, models=(("m", DAY),), triggers=("t",)):
    room = ChartRoom(AXIS, symbols, models, triggers)
    for tracked in reader.every_forecast():
        room.add_forecast(tracked)
    room.read(reader)
    return room.charts()


def test_prices_are_those_of_forecasts_outcomes_fills_and_candles(desk):
    told = [forecast(n, at=START + n * 10 * DAY, reference=100.0 + n, price=101.0 + n) for n in range(3)]
    note_forecasts(desk, told, [90.0, 91.0, None])
    market = MarketState(candles=[DAY])
    market.apply(Bar("A", START + 50 * DAY, 60.0, 70.0, 60.0, 65.0, 5.0, DAY), START + 51 * DAY)
    market.apply(Bar("A", START + 51 * DAY, 66.0, 66.0, 66.0, 66.0, 5.0, DAY), START + 52 * DAY)
    kept = StatePut("market", "A", market.symbols["A"].state())
    at = START + 40 * DAY
    desk.note(at, "fill", "e1", fill(1, "A", "buy", 5, 80.0, at), state=[kept])
    named = attrs.evolve(firing("t", at, "A"), values={"price": 77.0})
    for body in (named, attrs.evolve(named, symbol="B", values={"price": 1.0}), firing("t", at, "A")):
        desk.note(at, "firing", "t", body)
    (chart,) = charts(desk.read(), "A")
    assert {price for _, price in chart.prices} == {100.0, 101.0, 102.0, 90.0, 91.0, 80.0, 60.0, 70.0, 65.0, 66.0, 77.0}
    assert chart.observed == 13
    assert (chart.predictions[0].model, chart.predictions[0].count) == ("m", 3)
    assert chart.predictions[0].points == tuple((each.due, each.price) for each in told)


def test_a_price_after_a_split_is_drawn_as_it_was(desk):
    told = forecast(1, price=110.0)
    desk.note(told.issued_at, "forecast", "f1", told)
    from ml4t.live.ledger.outcome import resolve

    desk.note(told.due, "resolution", "f1", resolve(told, 26.0, told.due, told.due, split=4.0))
    (chart,) = charts(desk.read(), "A")
    assert chart.prices[-1] == (told.due, 26.0)


def test_fills_of_one_column_and_side_are_one_trade_at_their_average(desk):
    at = START + 10 * DAY
    for number, (side, size, price) in enumerate([("buy", 1, 10.0), ("buy", 3, 20.0), ("sell", 2, 30.0)]):
        desk.note(at, "fill", f"e{number}", fill(number, "A", side, size, price, at))
    (chart,) = charts(desk.read(), "A")
    bought, sold = chart.trades
    assert (bought.count, bought.quantity, bought.price) == (2, 4, pytest.approx(17.5))
    assert (sold.count, sold.quantity, sold.price) == (1, 2, 30.0)


def test_a_firing_without_a_symbol_concerns_them_all(desk):
    for at, symbol in ((START + DAY, ""), (START + 9 * DAY, "A"), (START + 19 * DAY, "B")):
        desk.note(at, "firing", "t", firing("t", at, symbol))
    desk.note(START + 20 * DAY, "firing", "u", firing("u", START + 20 * DAY))
    a, b = charts(desk.read(), "A", "B")
    assert ([each.count for each in a.firings], [each.count for each in b.firings]) == ([2], [2])
    assert a.firings[0].spans == ((START + DAY, START + 2 * DAY), (START + 9 * DAY, START + 10 * DAY))


def test_what_traded_most_comes_first_then_what_was_forecast_then_what_fired(desk):
    note_forecasts(desk, [forecast(1, symbol="C"), forecast(2, symbol="D"), forecast(3, symbol="D")], [None] * 3)
    desk.note(START + DAY, "firing", "t", firing("t", START, "E"))
    assert busiest_symbols(desk.read(), {"A": 5.0, "B": 7.0}) == ["B", "A", "D", "C", "E"]
