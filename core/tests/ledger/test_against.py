"""Evidence that a model is worse than naive: what a critic may disable it by, however often it looks."""

from __future__ import annotations

import random

from ledger_kit import HOUR, Bench
from test_skill import SIGMA, coin, follow, fool, prophet, says, walk

from ml4t.live.ledger.evidence import SURE
from ml4t.live.ledger.past import PastScores
from ml4t.live.ledger.scores import Score
from ml4t.live.model import Direction, Forecast


def test_there_is_evidence_against_a_fool_and_none_against_a_prophet():
    known = follow({"prophet": prophet, "fool": fool}, [c for c in walk(1, 300) if abs(c) > 0.0006])
    assert known.total("fool").e_against > SURE
    assert known.total("fool").e_value <= 1
    assert known.total("prophet").e_against <= 1
    past = PastScores(known.ledger.board)["fool", HOUR]
    assert past.e_against == known.total("fool").e_against
    assert 0 < past.effective <= past.resolved
    again = Score.from_state(known.total("fool").state())
    assert again.e_against == known.total("fool").e_against


def test_a_coin_that_knows_that_it_is_one_is_not_taken_for_worse_than_naive():
    def honest(price, change, rng):
        said = coin(price, change, rng)
        return says(direction=said.direction, confidence=0.5)

    passed = 0
    for seed in range(40):
        bench = follow({"coin": honest}, walk(100 + seed, 200), seed=seed)
        passed += bench.total("coin").e_against >= SURE
    assert passed <= 3, "at most one in twenty, and three in forty are not refuted by that"


def test_where_most_moves_are_too_small_a_direction_is_not_worse_for_coming_true_less_than_every_other_time():
    """Nine moves in ten are sideways: naming one is right at most one time in twenty, and that is what is usual."""

    def sideways(seed):
        rng = random.Random(seed)
        return [rng.gauss(0.0, SIGMA) if rng.random() < 0.1 else 0.0 for _ in range(600)]

    def up(_price, _change, _rng):
        return says(direction=Direction.UP)

    score = follow({"up": up}, sideways(4)).total("up")
    assert score.hit_rate < 0.15
    assert score.e_against < SURE


def test_one_who_overstates_his_moves_is_worse_than_naive():
    assert follow({"coin": coin}, walk(5, 600)).total("coin").e_against > SURE


def test_nothing_is_said_before_there_is_something_to_say():
    bench = Bench()
    bench.price(100.0)
    bench.issue(Forecast("A", HOUR, 101.0))
    assert bench.total().e_against is None
    assert bench.total().effective_count is None
