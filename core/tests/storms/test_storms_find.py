"""Storms find what they are for: with a promise broken on purpose, one of the first few breaks."""

from __future__ import annotations

import pytest
from storm import storm

from ml4t.live.engine.outbox import Outbox
from ml4t.live.engine.reconciliation import Reconciler
from ml4t.live.model import ALLOW, OrderState
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.executions import Executions
from ml4t.live.risk.checks.emergency import KillSwitch

ENOUGH = 12
"""Storms within which every one of these has to be found."""


def first_found(folder, words):
    """Return the seed of the first storm that says one of these words, 0 when none does."""
    for seed in range(1, ENOUGH + 1):
        if any(words in fault for fault in storm(seed, folder / str(seed), hours=20).faults):
            return seed
    return 0


def forget_fills(patch):
    patch.setattr(Executions, "recent", lambda *_: None)
    patch.setattr(Executions, "find", lambda *_: None)


def send_again(patch):
    say = Outbox._say

    def _say(outbox, orders, state, **rest):
        say(outbox, orders, state, **rest)
        if state is OrderState.UNKNOWN and not outbox.__dict__.setdefault("again", False):
            outbox.again = True
            outbox.submit(orders[0])

    patch.setattr(Outbox, "_say", _say)


def take_silence_for_no(patch):
    say = Outbox._say

    def _say(outbox, orders, state, **rest):
        say(outbox, orders, OrderState.REJECTED if state is OrderState.UNKNOWN else state, **rest)

    patch.setattr(Outbox, "_say", _say)


def forget_the_unknown(patch):
    def proved(book):
        return [order for order in book.open_orders if order.state is not OrderState.UNKNOWN]

    def working(book, symbol):
        mine = [order for order in proved(book) if order.symbol == symbol]
        buying = sum(order.remaining for order in mine if order.side.sign > 0)
        return buying, sum(order.remaining for order in mine) - buying

    patch.setattr(OrderBook, "working", working)
    patch.setattr(OrderBook, "open_count", property(lambda book: len(proved(book))))


def reconcile_never(patch):
    patch.setattr(Reconciler, "look", lambda self, snapshot, asked, *, when: [])


def ignore_the_switch(patch):
    patch.setattr(KillSwitch, "check", lambda self, order, view: ALLOW)


@pytest.mark.parametrize(
    ("bug", "words"),
    [
        (forget_fills, "records of it"),
        (send_again, "was sent 2 times"),
        (take_silence_for_no, "the venue never refused it"),
        (forget_the_unknown, "a limit was exceeded"),
        (reconcile_never, "neither ended nor explained"),
        (ignore_the_switch, "while the kill switch was on"),
    ],
)
def test_a_bug_is_found(bug, words, tmp_path, monkeypatch):
    bug(monkeypatch)
    assert first_found(tmp_path, words)
