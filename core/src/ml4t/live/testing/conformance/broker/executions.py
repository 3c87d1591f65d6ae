"""Executions: each counts once, at what holds of it in the end."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t.live.model import Fill, Order, OrderState
from ml4t.live.orders.executions import key_of
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, Line, connected, new_order, resting
from ml4t.live.testing.conformance.broker.orders import check_fill, same
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import within
from ml4t.live.testing.rig import BrokerRig

FIRST = 4.0
"""What the first of two partial fills trades."""
FEE = 1.25


@scenario()
async def two_partial_fills_are_two_fills(rig: BrokerRig) -> None:
    """An order that trades in two parts is told in two executions, and is filled by the second."""
    async with connected(rig, hold=True) as line:
        order = await _working(line)
        first = rig.venue.execute(order.order_id, FIRST, PRICE)
        half = await line.until_state(order, OrderState.PARTIALLY_FILLED)
        same(half.filled_quantity, FIRST, "what has traded after the first part")
        second = rig.venue.execute(order.order_id, QUANTITY - FIRST, PRICE + 1)
        done = await line.until_filled(order)
        if first == second or len({fill.execution_id for fill in line.fills}) != 2:
            raise NotConformant(f"two executions were told as {line.fills}")
        check_fill(line.fills[0], order, FIRST, PRICE)
        check_fill(line.fills[-1], order, QUANTITY - FIRST, PRICE + 1)
        same(done.average_price or 0.0, PRICE + 0.6, "the average price")


@scenario()
async def a_fill_before_the_acknowledgement_counts(rig: BrokerRig) -> None:
    """A venue that tells of an execution before it acknowledges the order is understood."""
    async with connected(rig) as line:
        rig.venue.execute_before_acknowledging()
        order = new_order(rig, line.broker)
        await line.submit(order)
        await line.until_filled(order)
        same(line.desk.portfolio.quantity(rig.symbol), QUANTITY, "the holding")


@scenario()
async def a_repeated_execution_counts_once(rig: BrokerRig) -> None:
    """An execution that is told twice has the same id both times."""
    async with connected(rig, hold=True) as line:
        order = await _working(line)
        execution = rig.venue.execute(order.order_id, FIRST, PRICE)
        await line.until_state(order, OrderState.PARTIALLY_FILLED)
        rig.venue.repeat(execution)
        rig.venue.execute(order.order_id, FIRST, PRICE)
        await line.until(
            lambda: line.now(order).filled_quantity >= 2 * FIRST, "an execution after one that was repeated has to be told"
        )
        same(line.now(order).filled_quantity, 2 * FIRST, "what has traded after an execution was repeated")


@scenario()
async def a_corrected_execution_takes_the_place_of_the_first(rig: BrokerRig) -> None:
    """A correction replaces the execution that it names, and adds nothing."""
    async with connected(rig, hold=True) as line:
        order = await _working(line)
        execution = rig.venue.execute(order.order_id, FIRST, PRICE)
        await line.until_state(order, OrderState.PARTIALLY_FILLED)
        rig.venue.correct(execution, PRICE - 1)
        await line.until(lambda: line.now(order).average_price != PRICE, "the correction has to be told")
        same(line.now(order).filled_quantity, FIRST, "what has traded after a correction")
        same(line.now(order).average_price or 0.0, PRICE - 1, "the average price after a correction")


@scenario()
async def a_late_fee_completes_the_execution(rig: BrokerRig) -> None:
    """An execution counts before its fee is known, and the fee is told under the same id when it comes."""
    async with connected(rig, hold=True) as line:
        order = await _working(line)
        execution = rig.venue.execute(order.order_id, FIRST, PRICE, commission=None)
        await line.until_state(order, OrderState.PARTIALLY_FILLED)
        rig.venue.charge(execution, FEE)
        await line.until(lambda: line.now(order).commission, "the fee has to be told")
        same(line.now(order).commission, FEE, "the fee (positive: it was paid)")
        same(line.now(order).filled_quantity, FIRST, "what has traded after the fee came")


@scenario()
async def an_execution_is_the_same_on_the_stream_and_in_a_snapshot(rig: BrokerRig) -> None:
    """Venue, account and execution id of a fill are the same wherever it is read, or it would count twice."""
    async with connected(rig, hold=True) as line:
        order = await _working(line)
        rig.venue.execute(order.order_id, FIRST, PRICE)
        await line.until_state(order, OrderState.PARTIALLY_FILLED)
        snapshot = await within(line.broker.snapshot(0), "snapshot")
        _check_same(line.fills, snapshot.fills)
    async with connected(rig, hold=True) as line:
        _check_same(line.snapshot.fills, snapshot.fills)


def _check_same(some: Sequence[Fill], others: Sequence[Fill]) -> None:
    keys = [sorted({key_of(fill) for fill in fills}) for fills in (some, others)]
    if keys[0] != keys[1] or not keys[0]:
        raise NotConformant(f"the same execution is {keys[0]} in one place and {keys[1]} in the other")


async def _working(line: Line) -> Order:
    order = resting(line.rig, line.broker)
    await line.submit(order)
    return order
