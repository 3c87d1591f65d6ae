from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.orders.identity import LENGTH, decision_id

words = st.text(max_size=6)
decisions = st.tuples(words, words, words, st.integers(0, 2**63), st.integers(0, 1000))


@given(decisions)
def test_an_id_follows_from_the_decision_alone_and_suits_every_venue(decision):
    made = decision_id(*decision)
    assert made == decision_id(*decision)
    assert re.fullmatch("[a-z][a-z0-9]*", made)
    assert len(made) == LENGTH


@given(decisions, decisions)
def test_different_decisions_have_different_ids(one, other):
    assert (decision_id(*one) == decision_id(*other)) is (one == other)


@pytest.mark.parametrize("place", range(5))
def test_every_part_counts(place):
    decision = ["run", "strategy", "AAPL", 1, 0]
    other = list(decision)
    other[place] = other[place] + 1 if place > 2 else other[place] + "x"
    assert decision_id(*decision) != decision_id(*other)


def test_no_part_can_pose_as_two():
    assert decision_id("a\x1fb", "c", "S", 1, 0) != decision_id("a", "b\x1fc", "S", 1, 0)
    assert decision_id("a", "b'", "', 'S", 1, 0) != decision_id("a", "b', '", "'S", 1, 0)


def test_an_odd_symbol_still_has_an_id():
    assert len(decision_id("run", "s", "\udc80", 1, 0)) == LENGTH


def test_the_id_does_not_change_between_releases():
    """A restart on a new release must find the orders of the old one."""
    assert decision_id("run", "strategy", "AAPL", 1_700_000_000_000_000_000, 0) == "mb92aabddfda5eba9cf52835"
