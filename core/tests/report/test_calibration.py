"""Calibration and outcomes of forecasters whose certainty is known."""

from __future__ import annotations

import random

import pytest
from report_kit import DAY, START, forecast, note_forecasts

from ml4t.live.model import Direction, Distribution
from ml4t.live.report.calibration import calibrations
from ml4t.live.report.outcomes import BINS, MoveBins, OutcomeRoom
from ml4t.live.report.tables.calibration import directions_table, pit_table

COUNT = 3_000
SCALE = 2.0


def known(desk, says):
    """Write forecasts that `says` makes of chance, and return the calibration of their model."""
    rng = random.Random(7)
    told, prices = [], []
    for number in range(COUNT):
        each, price = says(number, rng)
        told.append(each)
        prices.append(price)
    note_forecasts(desk, told, prices)
    return calibrations(desk.read())


def coin(claims):
    """A forecaster whose direction is right as often as `truth`, and which claims `claims(truth)`."""

    def says(number, rng):
        truth = rng.choice([0.55, 0.65, 0.75, 0.85, 0.95])
        right = rng.random() < truth
        told = forecast(number, at=START + number * DAY, direction=Direction.UP, confidence=claims(truth))
        return told, 101.0 if right else 99.0

    return says


def normal(width):
    """A forecaster of a distribution that is `width` times as wide as what comes."""

    def says(number, rng):
        told = forecast(number, at=START + number * DAY, distribution=Distribution(100.0, SCALE * width))
        return told, rng.gauss(100.0, SCALE)

    return says


def test_a_calibrated_forecaster_lies_on_the_diagonal(desk):
    (found,) = known(desk, coin(lambda truth: truth))
    assert found.calibrated is True
    assert len(found.directions) == 5
    for claim in found.directions:
        assert abs(claim.came - claim.claimed) < 4 * (claim.claimed * (1 - claim.claimed) / claim.count) ** 0.5
    assert sum(claim.count for claim in found.directions) == COUNT


def test_an_overconfident_one_lies_below_it(desk):
    (found,) = known(desk, coin(lambda truth: min(0.99, truth + 0.15)))
    assert found.calibrated is False
    assert found.overconfidence > 0.1
    assert all(claim.high < claim.claimed for claim in found.directions if claim.claimed < 0.98)


def test_the_pit_of_a_calibrated_forecaster_is_flat(desk):
    (found,) = known(desk, normal(1.0))
    even = COUNT / len(found.pit)
    assert sum(found.pit) == COUNT
    assert all(abs(count - even) < 4.5 * even**0.5 for count in found.pit)
    assert pit_table([found]).rows[0][-1] == "yes"


def test_the_pit_of_an_overconfident_one_is_a_u_and_of_a_modest_one_a_hill(desk, tmp_path):
    (found,) = known(desk, normal(0.5))
    even = COUNT / len(found.pit)
    assert found.pit[0] > 2 * even < found.pit[-1]
    assert found.pit[10] < 0.7 * even
    assert pit_table([found]).rows[0][-1] == "overconfident"


def test_a_modest_pit_is_a_hill(desk):
    (found,) = known(desk, normal(2.0))
    even = COUNT / len(found.pit)
    assert found.pit[0] < 0.3 * even > found.pit[-1]
    assert found.pit[10] > 1.3 * even
    assert pit_table([found]).rows[0][-1] == "too modest"


def test_quantiles_are_compared_level_by_level(desk):
    levels = {0.1: 100.0 - 1.2815515655 * SCALE, 0.5: 100.0, 0.9: 100.0 + 1.2815515655 * SCALE}

    def says(number, rng):
        return forecast(number, at=START + number * DAY, quantiles=levels), rng.gauss(100.0, SCALE)

    (found,) = known(desk, says)
    assert [claim.claimed for claim in found.quantiles] == [0.1, 0.5, 0.9]
    assert all(claim.low <= claim.claimed <= claim.high for claim in found.quantiles)


def test_who_says_nothing_of_its_certainty_is_left_out(desk):
    assert known(desk, lambda number, _: (forecast(number, at=START + number * DAY, price=101.0), 100.0)) == ()
    assert not directions_table(()).is_worth_showing


def test_outcomes_are_means_by_predicted_move(desk):
    told = [forecast(n, at=START + n * DAY, price=100.0 + (n % 4)) for n in range(40)]
    note_forecasts(desk, told, [100.0 + 2 * (n % 4) + (1 if n < 20 else -1) for n in range(40)])
    room = OutcomeRoom()
    for tracked in desk.read().every_forecast():
        room.add(tracked)
    (found,) = room.outcomes()
    assert (found.model, found.horizon, found.count) == ("m", DAY, 40)
    assert [round(each.predicted, 6) for each in found.bins] == [0.0, 0.01, 0.02, 0.03]
    assert [round(each.came, 6) for each in found.bins] == [0.0, 0.02, 0.04, 0.06]
    assert all(each.low < each.came < each.high and each.count == 10 for each in found.bins)


def test_bins_widen_instead_of_growing_in_number():
    rng = random.Random(3)
    bins, moves = MoveBins(), [(rng.gauss(0, 0.001) * 10 ** rng.randrange(4), rng.gauss(0, 1)) for _ in range(5_000)]
    for predicted, came in moves:
        bins.add(predicted, came)
    found = list(bins.bins())
    assert len(found) <= BINS
    assert sum(each.count for each in found) == len(moves)
    assert sum(each.count * each.predicted for each in found) == pytest.approx(sum(p for p, _ in moves))
    assert sum(each.count * each.came for each in found) == pytest.approx(sum(c for _, c in moves))
    assert [each.predicted for each in found] == sorted(each.predicted for each in found)


def test_one_alone_has_no_interval():
    bins = MoveBins()
    bins.add(0.01, 0.02)
    (one,) = bins.bins()
    assert (one.count, one.predicted, one.came, one.low, one.high) == (1, 0.01, 0.02, None, None)
