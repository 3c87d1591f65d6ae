"""Forecasts are stamped, kept once, resolved by the first price that counts, and scored as a search would score them."""

from __future__ import annotations

import math

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_kit import HOUR, START, Bench, forecast

from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal, RecordKind
from ml4t.live.ledger import Score
from ml4t.live.ledger import ledger as ledger_module
from ml4t.live.ledger.horizons import LATE
from ml4t.live.ledger.outcome import SIDEWAYS
from ml4t.live.model import Direction, Forecast, ForecastState


@pytest.fixture
def bench():
    bench = Bench()
    bench.price(100.0)
    return bench


def test_a_forecast_cannot_be_backdated_or_given_another_name(bench):
    bench.now += 5
    lie = forecast(
        issued_at=1,
        reference_price=1.0,
        reference_time=1,
        forecast_id="mine",
        model="somebody else",
        cause="another",
    )
    [issued] = bench.issue(lie, cause="firing-1")
    assert (issued.issued_at, issued.reference_price, issued.reference_time) == (START + 5, 100.0, START)
    assert (issued.model, issued.version, issued.cause) == ("m", "1", "firing-1")
    assert issued.forecast_id not in ("", "mine")
    assert issued.due == START + 5 + HOUR
    kind, subject, body, _ = bench.lines[-1]
    assert (kind, subject, body) == (RecordKind.FORECAST, issued.forecast_id, issued)
    [refitted] = bench.issue(forecast(version="99"), cause="firing-1")
    assert refitted.version == "99", "the version is the model's to say, and another version is another forecast"
    assert refitted.forecast_id != issued.forecast_id
    groups = {("", ""), ("symbol", "A"), ("trigger", "firing-1"), ("period", "2023-11")}
    assert {(group.by, group.value) for group in bench.ledger.board.scores} == groups
    assert {(group.model, group.horizon) for group in bench.ledger.board.scores} == {("m", HOUR)}


def test_the_first_price_at_or_after_the_horizon_resolves_it(bench):
    [issued] = bench.issue(forecast(direction=Direction.UP))
    bench.price(103.0, after=HOUR - 1)
    assert bench.ledger.open_count == 1
    bench.price(104.0, after=1)
    bench.price(150.0, after=1)
    [resolution] = bench.bodies("resolution")
    assert resolution.forecast_id == issued.forecast_id
    assert (resolution.state, resolution.price, resolution.price_time) == (ForecastState.RESOLVED, 104.0, START + HOUR)
    assert (resolution.direction_hit, resolution.absolute_error, resolution.naive_error) == (True, 1.0, 4.0)
    assert bench.ledger.open_count == 0
    assert bench.ledger.next_due == {}


@pytest.mark.parametrize(("late", "state"), [(LATE, ForecastState.RESOLVED), (LATE + 1, ForecastState.LATE)])
def test_a_price_long_after_the_horizon_resolves_it_as_late(bench, late, state):
    bench.issue(forecast())
    bench.price(104.0, after=HOUR + late)
    assert bench.bodies("resolution")[0].state is state


@pytest.mark.parametrize(
    ("price", "went"),
    [
        (101.0, Direction.UP),
        (99.0, Direction.DOWN),
        (100.0, Direction.SIDEWAYS),
        (100.0 * (1 + SIDEWAYS * 0.99), Direction.SIDEWAYS),
        (100.0 * (1 - SIDEWAYS * 1.01), Direction.DOWN),
    ],
)
@pytest.mark.parametrize("said", list(Direction))
def test_a_direction_is_right_or_wrong(bench, price, went, said):
    bench.issue(forecast(None, direction=said))
    bench.price(price, after=HOUR)
    [resolution] = bench.bodies("resolution")
    assert resolution.direction_hit is (said is went)
    assert resolution.absolute_error is None
    assert bench.ledger.by_model()["m"].hit_rate == float(said is went)


def test_each_symbol_waits_for_its_own_price(bench):
    bench.price(50.0, symbol="B")
    bench.issue(forecast(horizon=2 * HOUR), forecast(), forecast(55.0, symbol="B"))
    assert bench.ledger.next_due == {"A": START + HOUR, "B": START + HOUR}
    bench.price(101.0, after=HOUR)
    assert bench.ledger.next_due == {"A": START + 2 * HOUR, "B": START + HOUR}
    bench.price(60.0, after=2 * HOUR, symbol="B")
    assert bench.ledger.next_due == {"A": START + 2 * HOUR}
    bench.ledger.on_price("nobody", 1.0, bench.now, bench.now)
    assert len(bench.bodies("resolution")) == 2


def test_two_forecasts_of_one_horizon_in_one_answer_are_refused(bench):
    with pytest.raises(ValueError, match="m gave two forecasts of A over one horizon"):
        bench.issue(forecast(horizon=2 * HOUR), forecast(), forecast(110.0))
    assert bench.bodies("forecast") == []


def test_the_same_forecast_is_issued_once_even_after_it_is_resolved(bench):
    assert len(bench.issue(forecast(), cause="f1")) == 1
    bench.now += 7  # live, the answer to the same firing comes at another moment
    assert bench.issue(forecast(), cause="f1") == []
    bench.price(104.0, after=HOUR)
    assert bench.issue(forecast(), cause="f1") == []
    assert len(bench.issue(forecast(), cause="f2")) == 1
    assert len(bench.bodies("forecast")) == 2
    assert bench.ledger.by_model()["m"].issued == 2


@pytest.mark.parametrize("other", [{"cause": "f2"}, {"model": "n"}, {"version": "2"}])
def test_another_question_or_model_is_another_forecast(bench, other):
    [one] = bench.issue(forecast(), cause="f1")
    [two] = bench.issue(forecast(), **{"cause": "f1", **other})
    assert one.forecast_id != two.forecast_id
    assert len(bench.issue(forecast(horizon=HOUR + 1), cause="f1")) == 1


def test_without_a_firing_the_moment_tells_forecasts_apart(bench):
    assert len(bench.issue(forecast())) == 1
    assert bench.issue(forecast()) == []
    bench.now += 1
    assert len(bench.issue(forecast())) == 1


def test_memory_is_bounded(bench, monkeypatch):
    monkeypatch.setattr(ledger_module, "KNOWN", 10)
    for _ in range(30):
        bench.issue(forecast())
        bench.price(101.0, after=HOUR)
    assert len(bench.ledger._known) == 10
    assert bench.ledger._open == {}


GARBAGE = [
    ({"price": math.nan}, "the price nan"),
    ({"price": math.inf}, "the price inf"),
    ({"price": 0.0}, "the price 0.0"),
    ({"price": -1.0}, "the price -1.0"),
    ({"price": True}, "the price True"),
    ({"price": "105"}, "the price '105'"),
    ({"price": None}, "no price, direction, quantiles"),
    ({"price": None, "quantiles": {}}, "no price, direction, quantiles"),
    ({"price": None, "confidence": 0.5}, "no price, direction, quantiles"),
    ({"horizon": 0}, "the horizon 0"),
    ({"horizon": -HOUR}, "the horizon -"),
    ({"horizon": math.nan}, "the horizon nan"),
    ({"horizon": 3.6e12}, "the horizon 3600000000000.0"),
    ({"horizon": True}, "the horizon True"),
    ({"horizon": "1h"}, "the horizon '1h'"),
    ({"direction": "sidewards"}, "the direction 'sidewards', which is none of up, down, sideways"),
    ({"direction": 1}, "the direction 1"),
    ({"confidence": 1.01}, "the confidence 1.01"),
    ({"confidence": -0.1}, "the confidence -0.1"),
    ({"confidence": math.nan}, "the confidence nan"),
    ({"quantiles": {0.0: 90.0, 0.5: 100.0}}, "a quantile at 0"),
    ({"quantiles": {0.5: 100.0, 1.0: 110.0}}, "a quantile at 1"),
    ({"quantiles": {math.nan: 100.0}}, "the level nan"),
    ({"quantiles": {"0.5": 100.0}}, "the level '0.5'"),
    ({"quantiles": {0.1: 100.0, 0.9: 99.0}}, "fall from 100 at 0.1 to 99 at 0.9"),
    ({"quantiles": {0.9: 99.0, 0.1: 100.0}}, "fall from 100 at 0.1 to 99 at 0.9"),
    ({"quantiles": {0.5: math.nan}}, "the price at 0.5 nan"),
    ({"quantiles": {0.5: -1.0}}, "the price at 0.5 -1.0"),
    ({"quantiles": [0.5, 100.0]}, "the quantiles [0.5, 100.0]"),
    ({"symbol": "NEW"}, "no price has been seen"),
]


@pytest.mark.parametrize(("wrong", "words"), GARBAGE, ids=str)
def test_rubbish_is_refused_and_takes_the_rest_of_the_answer_with_it(bench, wrong, words):
    with pytest.raises(ValueError, match=r"^m ") as error:
        bench.issue(forecast(), attrs.evolve(forecast(), **wrong))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert bench.bodies("forecast") == []
    assert bench.ledger.open_count == 0
    assert bench.ledger.board.scores == {}
    assert len(bench.issue(forecast())) == 1


def test_what_makes_sense_is_kept_in_plain_numbers(bench):
    class Number(float):
        pass

    given_ = forecast(Number(105.0), direction="up", confidence=1, quantiles={0.9: Number(110.0), 0.1: 100})
    [issued] = bench.issue(given_)
    assert type(issued.price) is float
    assert issued.direction is Direction.UP
    assert list(issued.quantiles.items()) == [(0.1, 100.0), (0.9, 110.0)]
    assert issued.confidence == 1.0


def test_the_skill_of_no_change_is_0_and_that_of_a_prophet_1(bench):
    path = [101.0, 99.0, 104.0, 104.0, 90.0]
    for price in path:
        last = bench.market.price("A")
        bench.issue(forecast(last), model="naive")
        bench.issue(forecast(price), model="prophet")
        bench.issue(forecast(last + 2 * (last - price)), model="fool")
        bench.price(price, after=HOUR)
    scores = bench.ledger.by_model()
    assert scores["naive"].skill == 0.0
    assert scores["prophet"].skill == 1.0
    assert scores["fool"].skill == pytest.approx(-2.0)
    assert scores["prophet"].mean_absolute_error == 0.0


def test_without_anything_to_score_there_is_no_score():
    assert (Score().hit_rate, Score().mean_absolute_error, Score().skill) == (None, None, None)


forecasts = st.tuples(
    st.just("issue"),
    st.sampled_from(["m", "n"]),
    st.sampled_from("AB"),
    st.sampled_from([1, 3, 10]),
    st.none() | st.floats(50, 200),
    st.none() | st.sampled_from(list(Direction)),
)
moves = st.tuples(st.just("price"), st.sampled_from("AB"), st.floats(60, 180), st.integers(1, 4))
restarts = st.tuples(st.just("restart"))


@pytest.fixture(autouse=True, scope="module")
def few_between_notes():
    """So that restarts come between notes, on them, and after several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "NOTE_EVERY", 7)
        yield


@given(st.lists(forecasts | moves | restarts, max_size=60))
def test_running_scores_are_what_a_look_at_everything_gives(script):
    bench = Bench()
    for symbol in "AB":
        bench.price(100.0, symbol=symbol)
    issued, prices = [], []
    for step in script:
        match step:
            case ("issue", model, symbol, horizon, price, direction) if price is not None or direction is not None:
                issued += bench.issue(Forecast(symbol, horizon, price, direction), model=model)
            case ("price", symbol, price, after):
                bench.price(price, after=after, symbol=symbol)
                prices.append((symbol, bench.now, price))
            case ("restart",):
                bench.restart()
    for model in ("m", "n"):
        expected = Score()
        for f in issued:
            if f.model != model:
                continue
            expected.issued += 1
            after = [p for symbol, time, p in prices if symbol == f.symbol and time >= f.due and time > f.issued_at]
            if not after:
                continue
            expected.resolved += 1
            change = after[0] / f.reference_price - 1
            went = Direction.SIDEWAYS if abs(change) < SIDEWAYS else Direction.UP if change > 0 else Direction.DOWN
            if f.direction:
                expected.directions.count += 1
                expected.directions.hits += f.direction is went
            if f.price:
                expected.points.count += 1
                expected.points.absolute += abs(after[0] - f.price) / f.reference_price
                expected.points.naive += abs(change)
        found = bench.ledger.by_model().get(model, Score())
        assert (found.issued, found.resolved, found.open) == (expected.issued, expected.resolved, expected.open)
        assert found.directions == expected.directions
        for name in ("count", "absolute", "naive"):
            assert getattr(found.points, name) == pytest.approx(getattr(expected.points, name))
    assert len(issued) - bench.ledger.open_count == len(bench.bodies("resolution"))


def test_a_journal_gives_back_what_is_open_and_the_scores(tmp_path):
    with Journal(tmp_path / "j.sqlite3", SystemClock(), durability="write", inline=True) as journal:
        before = Bench()
        before.record = journal.append
        before.ledger = before.new_ledger()
        before.price(100.0, symbol="X|Y")
        before.issue(forecast(symbol="X|Y"), cause="f1")
        before.price(104.0, after=HOUR, symbol="X|Y")
        before.issue(forecast(horizon=3, symbol="X|Y", quantiles={0.5: 100.0}), cause="f2")
        journal.flush()
        after = Bench()
        after.market, after.now = before.market, before.now
        after.ledger = after.new_ledger()
        after.ledger.restore(journal, 10)
        total = after.ledger.board.total("m", HOUR)
        assert total.state() == before.ledger.board.total("m", HOUR).state()
    assert after.ledger.board.scores.keys() == before.ledger.board.scores.keys()
    assert after.ledger.next_due == before.ledger.next_due
    assert after.issue(forecast(symbol="X|Y"), cause="f1") == []
    assert after.issue(forecast(horizon=3, symbol="X|Y"), cause="f2") == []
    after.price(101.0, after=3, symbol="X|Y")
    assert after.ledger.by_model()["m"].resolved == 2
