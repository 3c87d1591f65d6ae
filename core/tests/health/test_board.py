"""Conditions: the whole from its parts, what flaps told once, and lines that stay away."""

from __future__ import annotations

import pytest

from ml4t.live.health import Board, Condition, Level, worst
from ml4t.live.health.board import AWAY_SECONDS, CALM
from ml4t.live.health.window import Window
from ml4t.live.times import NANOS


@pytest.mark.parametrize(
    ("conditions", "level"),
    [
        ([], Level.OK),
        ([Condition("a"), Condition("b")], Level.OK),
        ([Condition("a"), Condition("b", Level.DEGRADED, essential=True)], Level.DEGRADED),
        ([Condition("agent", Level.DOWN), Condition("b")], Level.DEGRADED),
        ([Condition("agent", Level.DEGRADED), Condition("feed", Level.DOWN, essential=True)], Level.DOWN),
    ],
)
def test_the_whole_is_down_only_with_what_it_needs(conditions, level):
    assert worst(conditions) is level


class Told:
    """A board, and what it told."""

    def __init__(self):
        self.said = []
        self.board = Board(lambda c: self.said.append((c.part, c.level.value, c.since)))
        self.now = 0

    def look(self, *conditions):
        self.now += 1
        self.board.note(conditions, self.now)


def test_a_change_is_told_once_and_what_is_well_from_the_start_is_not():
    told = Told()
    told.look(Condition("feed"))
    told.look(Condition("feed", Level.DEGRADED, "late"))
    told.look(Condition("feed", Level.DEGRADED, "later"))
    told.look(Condition("feed", Level.DOWN, "gone"))
    assert told.said == [("feed", "degraded", 2), ("feed", "down", 4)]
    [feed] = told.board.conditions
    assert (feed.level, feed.why, feed.since) == (Level.DOWN, "gone", 4)
    assert told.board.level is Level.DEGRADED  # it is not essential


def test_better_counts_when_looks_in_a_row_agree():
    told = Told()
    bad, good = Condition("feed", Level.DOWN, "gone"), Condition("feed")
    told.look(bad)
    for _ in range(4):  # it flaps
        for _ in range(CALM - 1):
            told.look(good)
        told.look(bad)
    assert told.said == [("feed", "down", 1)]
    for _ in range(CALM):
        told.look(good)
    assert told.said == [("feed", "down", 1), ("feed", "ok", told.now)]


def test_a_line_that_is_lost_is_degraded_at_first_and_then_down():
    board = Board(lambda _: None)
    seconds = NANOS
    assert board.away("feed", 100 * seconds) is Level.DEGRADED
    board.note([], 100 * seconds)
    assert board.away("feed", 105 * seconds) is Level.DEGRADED
    board.note([], 105 * seconds)
    assert board.away("feed", round((100 + AWAY_SECONDS) * seconds)) is Level.DOWN
    board.note([], 130 * seconds)
    board.note([], 135 * seconds)  # it was there
    assert board.away("feed", 140 * seconds) is Level.DEGRADED


def test_a_window_forgets():
    window = Window(seconds=10)
    assert window.change((3.0,), 0) == (3.0,)  # what was counted before the first look counts too
    assert window.change((5.0,), 4 * NANOS) == (5.0,)
    assert window.change((5.0,), 10 * NANOS) == (2.0,)
    assert window.change((6.0,), 14 * NANOS) == (1.0,)
    assert window.change((6.0,), 30 * NANOS) == (0.0,)
