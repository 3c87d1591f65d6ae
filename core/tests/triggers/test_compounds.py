"""Compound triggers against their definitions, over random firings, saved and taken back at any moment."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.market import MarketState
from ml4t.live.model import Firing
from ml4t.live.times import NANOS
from ml4t.live.triggers.compound import AllOf, AnyOf, Then
from ml4t.live.triggers.config import AnyConfig, WithinConfig

MARKET = MarketState()
NAMES = ("a", "b", "c")


@st.composite
def histories(draw, symbols=("X", "Y")):
    """Firings in the order of time, several of them at one moment now and then."""
    steps = draw(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(NAMES), st.sampled_from(symbols)), max_size=25))
    now, made = 0, []
    for wait, name, symbol in steps:
        now += wait
        made.append(Firing("", symbol, trigger=name, time=now * NANOS))
    return made


def played(make, history, cuts=()):
    """Return when and for what it fires; at the `cuts` another process goes on with what the one before has saved."""
    trigger, fired = make(), []
    for number, firing in enumerate(history):
        if number in cuts:
            kept, trigger = json.loads(json.dumps(trigger.state(""))), make()
            trigger.restore("", kept)
        fired += [(number, each.symbol) for each in trigger.on_firing(firing, MARKET)]
    return fired


def all_of(history, names, within):
    """Every name has fired for the symbol (or for all) within the time up to now, and since the last time that counted."""
    fired, spent = [], {}
    for number, last in enumerate(history):
        near = [firing for firing in history[: number + 1] if last.time - firing.time <= within]
        known = dict.fromkeys(firing.symbol for firing in near if firing.symbol)
        for symbol in [last.symbol] if last.symbol else [*known] or [""]:
            counts = [f for f in near if f.symbol in {symbol, ""} and f.time > spent.get(symbol, -1)]
            if all(any(firing.trigger == name for firing in counts) for name in names):
                spent[symbol] = last.time
                fired.append((number, symbol))
    return fired


def then(history, names, within):
    """Among the firings of the symbol since the last time there are some with the names in order, the last of them now."""
    fired, begun = [], {}
    for number, last in enumerate(history):
        numbers = [n for n in range(begun.get(last.symbol, 0), number) if history[n].symbol == last.symbol]
        chains = (
            [*chain, number]
            for chain in combinations(numbers, len(names) - 1)
            if all(history[n].trigger == name for n, name in zip([*chain, number], names, strict=True))
        )
        if any(last.time - history[chain[0]].time <= within for chain in chains):
            begun[last.symbol] = number + 1
            fired.append((number, last.symbol))
    return fired


WITHIN = st.integers(1, 12).map(lambda seconds: seconds * NANOS)
CUTS = st.sets(st.integers(0, 24))


def test_a_symbol_of_which_nothing_counts_any_more_is_none_that_a_firing_for_all_concerns():
    history = [
        Firing("", symbol, trigger=name, time=at * NANOS) for symbol, name, at in (("X", "a", 0), ("", "a", 1), ("", "b", 2))
    ]
    assert played(lambda: AllOf(WithinConfig(of=("a", "b"), within=NANOS)), history) == [(2, "")]


@given(histories(symbols=("X", "Y", "")), st.sampled_from([("a", "b"), ("c", "a", "b")]), WITHIN, CUTS)
def test_all_of_them_close_together(history, names, within, cuts):
    wanted = all_of(history, names, within)
    assert sorted(played(lambda: AllOf(WithinConfig(of=names, within=within)), history, cuts)) == sorted(wanted)


@given(histories(), st.sampled_from([("a", "b"), ("b", "a", "c"), ("a", "a")]), WITHIN, CUTS)
def test_one_after_the_other(history, names, within, cuts):
    assert played(lambda: Then(WithinConfig(of=names, within=within)), history, cuts) == then(history, names, within)


@given(histories(symbols=("",)), st.sampled_from([("a", "b"), ("b", "a", "c")]), WITHIN, CUTS)
def test_one_after_the_other_of_what_concerns_no_symbol(history, names, within, cuts):
    assert played(lambda: Then(WithinConfig(of=names, within=within)), history, cuts) == then(history, names, within)


@given(histories(symbols=("X", "")))
def test_any_of_them(history):
    trigger = AnyOf(AnyConfig(of=NAMES))
    assert all([each.symbol for each in trigger.on_firing(firing, MARKET)] == [firing.symbol] for firing in history)


@pytest.mark.parametrize("kind", [AllOf, Then])
def test_what_it_remembers_does_not_grow(kind):
    trigger = kind(WithinConfig(of=("a", "b"), within=10 * NANOS))
    for number in range(2_000):
        trigger.on_firing(Firing("", f"S{number}", trigger="a", time=number * NANOS), MARKET)
    assert len(json.dumps(trigger.state(""))) < 1_000
