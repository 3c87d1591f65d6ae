"""BarBuffer: one group per bar time, in time order, never twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.bars import BarBuffer
from ml4t.live.model import Bar
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS


def bar(symbol, minute, close=1.0, **more):
    return Bar(symbol, minute * MINUTE, close, close, close, close, 1.0, **{"interval": MINUTE, **more})


def shape(groups):
    return [(moment // MINUTE, "".join(group)) for moment, group in groups]


def feed(buffer, bars):
    return [shape(buffer.add(one)) for one in bars]


def test_releases_when_every_symbol_is_there():
    buffer = BarBuffer(["A", "B"])
    assert feed(buffer, [bar("B", 0), bar("A", 0)]) == [[], [(0, "AB")]]
    assert shape(buffer.close()) == []


def test_hands_over_the_bars_themselves_under_their_start():
    buffer = BarBuffer(["A"])
    one = bar("A", 3)
    assert list(buffer.add(one)) == [(3 * MINUTE, {"A": one})]


def test_live_waits_for_the_time_out_after_the_end_of_the_bar():
    buffer = BarBuffer(["A", "B"], timeout_seconds=2)
    buffer.add(bar("A", 0))
    assert buffer.due == MINUTE + 2 * NANOS
    assert shape(buffer.flush(MINUTE + 2 * NANOS - 1)) == []
    assert shape(buffer.flush(MINUTE + 2 * NANOS)) == [(0, "A")]
    assert shape(buffer.flush(10 * MINUTE)) == []


def test_live_a_later_bar_of_one_symbol_releases_nothing():
    buffer = BarBuffer(["A", "B"])
    assert feed(buffer, [bar("A", 0), bar("A", 1)]) == [[], []]
    assert feed(buffer, [bar("B", 0)]) == [[(0, "AB")]]


def test_live_a_full_group_releases_the_ones_before_it_in_order():
    buffer = BarBuffer(["A", "B"])
    feed(buffer, [bar("A", 1), bar("A", 0), bar("A", 2)])
    assert feed(buffer, [bar("B", 2)]) == [[(0, "A"), (1, "A"), (2, "AB")]]


def test_ordered_releases_as_soon_as_time_moves_on():
    buffer = BarBuffer(["A", "B", "C"], ordered=True)
    assert feed(buffer, [bar("A", 0), bar("C", 0), bar("A", 2)]) == [[], [], [(0, "AC")]]
    assert shape(buffer.close()) == [(2, "A")]


def test_ordered_releases_a_full_group_without_waiting():
    buffer = BarBuffer(["A", "B"], ordered=True)
    assert feed(buffer, [bar("A", 0), bar("B", 0)]) == [[], [(0, "AB")]]


def test_ordered_one_bar_may_release_two_groups():
    buffer = BarBuffer(["A", "B"], ordered=True)
    assert feed(buffer, [bar("A", 0), bar("A", 1), bar("B", 1)]) == [[], [(0, "A")], [(1, "AB")]]


@pytest.mark.parametrize("ordered", [True, False])
def test_late_bar_is_counted_and_never_released(ordered):
    buffer = BarBuffer(["A"], ordered=ordered)
    assert feed(buffer, [bar("A", 5), bar("B", 5), bar("B", 4), bar("A", 5)]) == [[(5, "A")], [], [], []]
    assert buffer.late == 3
    assert shape(buffer.close()) == []


def test_unknown_symbols_join():
    buffer = BarBuffer(["A"])
    assert feed(buffer, [bar("B", 0), bar("A", 0)]) == [[], [(0, "AB")]]
    assert feed(buffer, [bar("A", 1), bar("B", 1)]) == [[], [(1, "AB")]]


def test_without_symbols_the_first_group_shows_who_there_is():
    buffer = BarBuffer()
    assert feed(buffer, [bar("A", 0), bar("B", 0)]) == [[], []]
    assert shape(buffer.flush(MINUTE + 2 * NANOS)) == [(0, "AB")]
    assert feed(buffer, [bar("A", 1), bar("B", 1)]) == [[], [(1, "AB")]]


def test_without_symbols_in_a_replay_the_next_bar_shows_who_there_is():
    buffer = BarBuffer(ordered=True)
    assert feed(buffer, [bar("A", 0), bar("A", 1), bar("LISTED", 1)]) == [[], [(0, "A")], []]
    assert shape(buffer.close()) == [(1, "ALISTED")]


def test_a_stranger_in_a_replay_ends_the_guessing_who_is_last():
    buffer = BarBuffer(["A", "Z"], ordered=True)
    assert feed(buffer, [bar("A", 0), bar("B", 0), bar("Z", 0), bar("ZZ", 0)]) == [[], [], [], []]
    assert feed(buffer, [bar("A", 1)]) == [[(0, "ABZZZ")]]


def test_a_second_bar_of_a_waiting_time_replaces_the_first():
    buffer = BarBuffer(["A", "B"])
    feed(buffer, [bar("A", 0, 1.0), bar("A", 0, 2.0)])
    ((_, group),) = buffer.add(bar("B", 0))
    assert group["A"].close == 2.0


def test_running_bars_are_left_out():
    buffer = BarBuffer(["A"])
    assert feed(buffer, [bar("A", 0, complete=False)]) == [[]]
    assert shape(buffer.close()) == []


def test_symbols_come_in_order_whatever_came_first():
    buffer = BarBuffer("CAB")
    feed(buffer, [bar("B", 0), bar("C", 0)])
    assert feed(buffer, [bar("A", 0)]) == [[(0, "ABC")]]


def test_senseless_time_out_is_refused():
    with pytest.raises(ValueError, match="zero or more seconds"):
        BarBuffer(timeout_seconds=-1)


@given(
    st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 12), st.booleans()), max_size=60),
    st.sets(st.sampled_from("ABCD")),
    st.booleans(),
)
def test_order_and_conservation(steps, symbols, ordered):
    buffer = BarBuffer(symbols, ordered=ordered)
    groups, kept, late = [], {}, 0
    for symbol, minute, flush in steps:
        released = groups[-1][0] if groups else -1
        one = bar(symbol, minute)
        late += one.event_time <= released
        if one.event_time > released:
            kept[symbol, one.event_time] = one
        groups += buffer.add(one)
        if flush:
            groups += buffer.flush(minute * MINUTE)
    groups += buffer.close()
    times = [moment for moment, _ in groups]
    assert times == sorted(set(times))
    assert {(s, moment): b for moment, group in groups for s, b in group.items()} == kept
    assert buffer.late == late


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ABC")), max_size=40, unique=True))
def test_sorted_data_lose_nothing(rows):
    buffer = BarBuffer(ordered=True)
    groups = [group for minute, symbol in sorted(rows) for group in buffer.add(bar(symbol, minute))]
    groups += buffer.close()
    assert buffer.late == 0
    assert [(m, s) for m, symbols in shape(groups) for s in symbols] == sorted(rows)
