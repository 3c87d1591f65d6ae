"""What the simulated exchange has taken and traded, in the framework's words and under our ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ml4t.live.model import Fill, Order, OrderSide, OrderState
from ml4t_live_alpaca.ids import ClientId
from ml4t_live_alpaca.simulator.books import Execution
from ml4t_live_alpaca.simulator.exchange import Exchange
from ml4t_live_alpaca.simulator.orders import VenueOrder
from ml4t_live_alpaca.states import STATES, order_type, time_in_force


class Statement:
    """The books of an exchange as its client should have them: a chain of replacements is one order."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands."""
        return [_order(order_id, links) for order_id, links in self._chains()]

    def fills(self) -> Sequence[Fill]:
        """Return what has traded, every execution once."""
        books = self._exchange.books
        owners = {link.id: order_id for order_id, links in self._chains() for link in links}
        return [_fill(each, owners[each.order.id], books.number) for each in books.executions.values()]

    def order(self, order_id: str) -> VenueOrder:
        """Return the first link of an order. Raises KeyError for one that was never taken."""
        order = self._exchange.by_client_id.get(order_id)
        if order is not None:
            return order
        for each, links in self._chains():
            if each == order_id:
                return links[0]
        raise KeyError(order_id)

    def execution(self, name: str) -> Execution:
        """Return an execution by the framework's id of it. Raises KeyError for one that there was not."""
        for each in self._exchange.books.executions.values():
            if each.name == name:
                return each
        raise KeyError(name)

    def _chains(self) -> Iterator[tuple[str, list[VenueOrder]]]:
        """Yield every order of ours with its links, the first one first."""
        orders = self._exchange.orders
        for order in orders.values():
            if order.replaces is None and order.parent is None:
                for order_id, first in zip(ClientId.parse(order.client_order_id).order_ids, [order, *order.legs], strict=False):
                    links = [first]
                    while links[-1].replaced_by is not None:
                        links.append(orders[links[-1].replaced_by])
                    yield order_id, links


def _order(order_id: str, links: Sequence[VenueOrder]) -> Order:
    head = links[-1]
    filled = sum(link.filled_qty for link in links)
    paid = sum(link.paid for link in links)
    earlier = filled - head.filled_qty
    return Order(
        order_id=order_id,
        symbol=head.symbol,
        side=OrderSide(head.side),
        quantity=float(earlier + (head.qty or 0)),
        order_type=order_type(head.type, head.time_in_force),
        limit_price=_float(head.limit_price),
        stop_price=None if head.type == "trailing_stop" else _float(head.stop_price),
        trail_amount=_float(head.trail_price),
        time_in_force=time_in_force(head.time_in_force),
        created_at=links[0].created_at,
        state=OrderState.PARTIALLY_FILLED if head.is_working and filled else STATES[head.status],
        venue_order_id=head.id,
        filled_quantity=float(filled),
        average_price=float(paid / filled) if filled else None,
        updated_at=head.updated_at,
    )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _fill(execution: Execution, order_id: str, account: str) -> Fill:
    return Fill(
        execution_id=execution.name,
        order_id=order_id,
        symbol=execution.order.symbol,
        side=OrderSide(execution.order.side),
        quantity=float(execution.qty),
        price=float(execution.price),
        time=execution.time,
        venue="alpaca",
        account=account,
        venue_order_id=execution.order.id,
    )
