"""What a symbol has earned outlives its position, a restart, and a comparison with the venue's books."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import HOUR, Diary, run_list, trade

from ml4t.live.portfolio import Portfolio


def test_what_a_flat_symbol_has_earned_survives_a_restart(tmp_path):
    def trade_twice(diary, data, broker):
        if len(diary.calls) == 1:
            broker.submit_order("A", 10)
        elif len(diary.calls) == 2:
            broker.close_position("A")

    events = [trade("A", number * HOUR, price) for number, price in enumerate([100.0, 100.0, 110.0, 110.0])]
    first = asyncio.run(run_list(Diary(trade_twice), events[:3], tmp_path))
    assert first.core.desk.portfolio.realised == {"A": pytest.approx(100.0)}
    again = asyncio.run(run_list(Diary(), events, tmp_path))
    assert again.core.desk.portfolio.realised == {"A": pytest.approx(100.0)}
    assert again.core.desk.portfolio.positions == {}


def test_restored_books_know_what_flat_symbols_earned_and_open_ones_keep_their_own():
    books = Portfolio()
    books.restore(50.0, {}, 2.0, {"A": 7.0})
    assert (books.realised_pnl("A"), books.quantity("A"), books.equity) == (7.0, 0.0, 50.0)
