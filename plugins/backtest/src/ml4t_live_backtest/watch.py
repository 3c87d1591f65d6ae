"""Looks, after each timestamp, whether the desk has the same orders open as the broker of the backtest."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any

from ml4t.live.model import Order as LiveOrder
from ml4t.live.orders.states import DUST
from ml4t_live_backtest.book import GatedOrderBook
from ml4t_live_backtest.divergence import RELATIVE
from ml4t_live_backtest.strategy import HostedStrategy


class WatchedStrategy(HostedStrategy):
    """A hosted strategy whose two books of open orders are compared as it runs."""

    difference = ""
    """How they came to differ first, in words; empty when they never did."""

    def _run(self, step: Callable[..., Any], *given: Any) -> Any:
        try:
            return super()._run(step, *given)
        finally:
            if self._book is not None and not self.difference:
                self.difference = _difference(self._book, given[0] if given else "the start or end")


def _difference(book: GatedOrderBook, moment: Any) -> str:
    ours = {order.order_id: _terms_of(order) for order in book.desk.pending_orders}
    pending = [order for order in book.broker.pending_orders if not _is_dust(book, order)]
    theirs = {book.ours.get(order.order_id, order.order_id): _their_terms(book, order) for order in pending}
    if ours == theirs:
        return ""
    only_ours = [terms for order_id, terms in ours.items() if not _same(terms, theirs.get(order_id))]
    only_theirs = [terms for order_id, terms in theirs.items() if not _same(terms, ours.get(order_id))]
    if not only_ours and not only_theirs:
        return ""
    return f"at {moment} the desk has open {only_ours}, and the backtest {only_theirs}"


def _is_dust(book: GatedOrderBook, order: Any) -> bool:
    """Return whether what is left of an order is what floats leave when they do not add up: the desk calls that filled."""
    left = book.fill_engine.get_effective_quantity(order)
    return bool(left <= (order.filled_quantity + left) * DUST)


def _same(terms: tuple[Any, ...], others: tuple[Any, ...] | None) -> bool:
    return others is not None and terms[:-1] == others[:-1] and isclose(terms[-1], others[-1], rel_tol=RELATIVE)


def _terms_of(order: LiveOrder) -> tuple[Any, ...]:
    return order.symbol, order.side.name, order.order_type.name, order.remaining


def _their_terms(book: GatedOrderBook, order: Any) -> tuple[Any, ...]:
    remaining = book.fill_engine.get_effective_quantity(order)
    return order.asset, order.side.name, order.order_type.name, remaining
