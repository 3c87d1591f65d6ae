"""Adapters for the toy venue that are wrong in one way each, with the scenario that has to find it: orders and executions."""

from __future__ import annotations

import asyncio
import time
import uuid
from math import copysign
from typing import Any

import attrs
from toy_broker import ToyBroker

from ml4t.live.contracts import BrokerSnapshot, OrderUpdate
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Account, OrderSide, OrderState, OrderType

WRONG: dict[type[ToyBroker], tuple[str, ...]] = {}
"""Each wrong adapter, and the scenarios that must find it."""


def found_by(*scenarios: str) -> Any:
    def note(kind: type[ToyBroker]) -> type[ToyBroker]:
        WRONG[kind] = scenarios
        return kind

    return note


# ------------------------------------------------------------------ orders


@found_by("an_order_without_an_answer_is_unknown_and_then_found", "an_order_that_never_arrived_is_unknown_and_then_given_up")
class ResubmitsAfterATimeOut(ToyBroker):
    async def submit(self, order):
        try:
            async with asyncio.timeout(0.3):
                return await super().submit(order)
        except TimeoutError:
            return await super().submit(order)


@found_by("a_sell_order_sells", "every_order_type_arrives_as_it_was_meant")
class OnlyEverBuys(ToyBroker):
    async def submit(self, order):
        return await super().submit(attrs.evolve(order, side=OrderSide.BUY))


@found_by("every_order_type_arrives_as_it_was_meant", "a_stop_order_waits_for_its_price")
class TakesAStopForALimit(ToyBroker):
    async def submit(self, order):
        if order.order_type is OrderType.STOP:
            order = attrs.evolve(order, order_type=OrderType.LIMIT, limit_price=order.stop_price, stop_price=None)
        return await super().submit(order)


@found_by("every_time_in_force_arrives_as_it_was_meant")
class ForgetsTheTimeInForce(ToyBroker):
    async def submit(self, order):
        return await super().submit(attrs.evolve(order, time_in_force="gtc"))


@found_by("a_fraction_arrives_as_it_was_meant")
class RoundsUpToWholeUnits(ToyBroker):
    async def submit(self, order):
        return await super().submit(attrs.evolve(order, quantity=float(-(-order.quantity // 1))))


@found_by("a_cancel_ends_a_working_order")
class PretendsToCancel(ToyBroker):
    async def cancel(self, order):
        self._sink.order(OrderUpdate(order.order_id, OrderState.CANCELLED, time.time_ns()))


@found_by("an_order_of_an_earlier_connection_trades_and_is_cancelled", "an_order_of_an_earlier_connection_is_replaced")
class KnowsOnlyItsOwnOrders(ToyBroker):
    def __init__(self, *args):
        super().__init__(*args)
        self.mine = set()

    async def submit(self, order):
        self.mine.add(order.order_id)
        return await super().submit(order)

    async def cancel(self, order):
        if order.order_id not in self.mine:
            raise BrokerRefused("no such order here", code="unknown")
        await super().cancel(order)

    async def replace(self, order, **terms):
        if order.order_id not in self.mine:
            raise BrokerRefused("no such order here", code="unknown")
        await super().replace(order, **terms)


@found_by("what_traded_while_away_is_in_the_next_snapshot")
class TellsFillsOfThisConnectionOnly(ToyBroker):
    async def connect(self):
        self.since = time.time_ns()
        return await super().connect()

    async def snapshot(self, since):
        snapshot = await super().snapshot(since)
        return attrs.evolve(snapshot, fills=[fill for fill in snapshot.fills if fill.time >= self.since])


@found_by("a_correction_while_away_holds_in_the_next_snapshot")
class TellsCorrectionsAsMoreFills(ToyBroker):
    async def snapshot(self, since):
        snapshot = await super().snapshot(since)
        return attrs.evolve(snapshot, fills=[attrs.evolve(fill, corrects="") for fill in snapshot.fills])


@found_by("a_limit_order_waits_for_its_price")
class SendsEverythingAtTheMarket(ToyBroker):
    async def submit(self, order):
        return await super().submit(attrs.evolve(order, order_type=OrderType.MARKET, limit_price=None))


@found_by("a_stop_limit_order_waits_for_its_price")
class DropsTheLimitOfAStop(ToyBroker):
    async def submit(self, order):
        if order.order_type is OrderType.STOP_LIMIT:
            order = attrs.evolve(order, order_type=OrderType.STOP, limit_price=None)
        return await super().submit(order)


@found_by("a_cancel_after_a_partial_fill_keeps_what_has_traded")
class TakesAPartlyFilledOrderThatEndsForFilled(ToyBroker):
    def _update(self, said):
        update = super()._update(said)
        ended = update.state is OrderState.CANCELLED and update.filled_quantity
        return attrs.evolve(update, state=OrderState.FILLED) if ended else update


@found_by("a_cancel_of_a_finished_order_changes_nothing")
class LetsTheErrorOfALateCancelOut(ToyBroker):
    async def cancel(self, order):
        try:
            await super().cancel(order)
        except BrokerRefused as error:
            raise ValueError(str(error)) from None


@found_by("a_replace_changes_the_order_in_place", "a_replace_of_a_finished_order_changes_nothing")
class ReplacesByANewOrder(ToyBroker):
    async def replace(self, order, *, quantity, limit_price, stop_price):
        await super().submit(
            attrs.evolve(order, order_id=order.order_id + "r", quantity=quantity, limit_price=limit_price, amendment=None)
        )


@found_by("a_replace_after_a_partial_fill_counts_what_has_traded")
class ReplacesWhatIsLeft(ToyBroker):
    async def replace(self, order, *, quantity, limit_price, stop_price):
        left = quantity - order.filled_quantity
        await super().replace(order, quantity=left, limit_price=limit_price, stop_price=stop_price)


@found_by("a_bracket_is_three_orders_that_end_together")
class ForgetsThatOneExitCancelsTheOther(ToyBroker):
    async def submit_bracket(self, entry, take_profit, stop_loss):
        return await self._submit([entry, attrs.evolve(take_profit, oco_group=""), attrs.evolve(stop_loss, oco_group="")])


@found_by("a_cancel_of_an_entry_ends_its_bracket")
class HearsOfEntriesOnly(ToyBroker):
    def _pushed(self, message):
        if message["push"] != "order" or not message["order"]["parent_id"]:
            super()._pushed(message)


@found_by("of_a_pair_one_order_cancels_the_other")
class SendsAPairAsTwoOrders(ToyBroker):
    async def submit_oco(self, first, second):
        return await self._submit([attrs.evolve(first, oco_group=""), attrs.evolve(second, oco_group="")])


# ------------------------------------------------------------------ executions


class Alters(ToyBroker):
    """One whose fills go through `alter` on their way to core; None keeps them."""

    def alter(self, fill):
        return fill

    def _pushed(self, message):
        if message["push"] == "fill":
            message = message | {"fill": self.alter(message["fill"])}
            if message["fill"] is None:
                return
        super()._pushed(message)


@found_by("two_partial_fills_are_two_fills")
class DropsTheSecondPartialFill(Alters):
    def __init__(self, *args):
        super().__init__(*args)
        self._seen = set()

    def alter(self, fill):
        known = fill["order_id"] in self._seen
        self._seen.add(fill["order_id"])
        return None if known else fill


@found_by("a_repeated_execution_counts_once", "an_execution_is_the_same_on_the_stream_and_in_a_snapshot")
class MakesUpExecutionIds(Alters):
    def alter(self, fill):
        return fill | {"execution_id": uuid.uuid4().hex}


@found_by("an_execution_is_the_same_on_the_stream_and_in_a_snapshot")
class NamesTheVenueOnTheStreamOnly(Alters):
    def alter(self, fill):
        return fill | {"venue": "toy-stream"}


@found_by("a_corrected_execution_takes_the_place_of_the_first")
class AddsCorrections(Alters):
    def alter(self, fill):
        return fill | {"corrects": ""}


@found_by("a_late_fee_completes_the_execution")
class IgnoresFees(Alters):
    def alter(self, fill):
        return fill | {"commission": 0.0}


@found_by("a_late_fee_completes_the_execution")
class TakesFeesForIncome(Alters):
    def alter(self, fill):
        return fill | {"commission": -fill["commission"]}


@found_by("a_market_order_fills")
class TellsTimeInMilliseconds(Alters):
    def alter(self, fill):
        return fill | {"time": fill["time"] // 1_000_000}


@found_by("a_fill_before_the_acknowledgement_counts")
class DropsFillsOfOrdersItDoesNotKnow(Alters):
    def __init__(self, *args):
        super().__init__(*args)
        self._known = set()

    def alter(self, fill):
        return fill if fill["order_id"] in self._known else None

    async def submit(self, order):
        venue_order_id = await super().submit(order)
        self._known.add(order.order_id)
        return venue_order_id


# ------------------------------------------------------------------ refusals and doubts


@found_by("a_reject_is_a_refusal_with_its_reason")
class TakesARejectForUnknown(ToyBroker):
    async def submit(self, order):
        try:
            return await super().submit(order)
        except BrokerRefused as error:
            raise OutcomeUnknown(str(error)) from None


@found_by("a_reject_is_a_refusal_with_its_reason")
class KeepsTheReasonToItself(ToyBroker):
    async def submit(self, order):
        try:
            return await super().submit(order)
        except BrokerRefused:
            raise BrokerRefused("order rejected") from None


@found_by("a_lost_answer_is_no_refusal")
class TakesATimeOutForAReject(ToyBroker):
    async def submit(self, order):
        try:
            async with asyncio.timeout(0.3):
                return await super().submit(order)
        except TimeoutError:
            raise BrokerRefused("the venue has not answered in time") from None


@found_by("a_submit_on_a_lost_line_is_no_refusal", "a_line_that_breaks_in_mid_submit_leaves_the_outcome_unknown")
class TakesALostLineForAReject(ToyBroker):
    async def submit(self, order):
        try:
            return await super().submit(order)
        except (OutcomeUnknown, BrokerConnectionError) as error:
            raise BrokerRefused(str(error)) from None


@found_by("no_order_is_lost_or_doubled_when_the_line_breaks_in_mid_submit")
class FindsNothingThatIsNotOpen(ToyBroker):
    """It takes an order that has traded for one that never was."""

    async def find(self, order):
        found = await super().find(order)
        return found if found is not None and found.state.is_open else None

    async def snapshot(self, since):
        return attrs.evolve(await super().snapshot(since), fills=())


@found_by("a_duplicate_id_is_the_order_that_is_there", "a_duplicate_id_after_a_reconnect_is_the_order_that_is_there")
class TakesADuplicateForAReject(ToyBroker):
    async def _submit(self, orders):
        names = ("order_id", "symbol", "side", "quantity", "order_type", "limit_price", "time_in_force")
        said = [{name: getattr(order, name) for name in names} for order in orders]
        return list((await self._ask("submit", orders=said))["numbers"])


@found_by("find_tells_how_an_order_stands")
class FindsWorkingOrdersOnly(ToyBroker):
    async def find(self, order):
        found = await super().find(order)
        return found if found is not None and found.state is OrderState.WORKING else None


# ------------------------------------------------------------------ books


@found_by("an_account_has_a_name_and_a_kind")
class KnowsNoKindOfAccount(ToyBroker):
    async def snapshot(self, since):
        snapshot = await super().snapshot(since)
        return attrs.evolve(snapshot, account=attrs.evolve(snapshot.account, kind=""))


@found_by("a_partial_start_is_refused")
class TakesNoAnswerForNoOrders(ToyBroker):
    async def snapshot(self, since):
        try:
            return await super().snapshot(since)
        except BrokerConnectionError:
            answer = await self._ask("snapshot", since=since)
            return BrokerSnapshot(Account("t-1", "paper", "USD", answer["cash"], 0.0, time.time_ns()), (), ())


@found_by("a_short_position_is_negative")
class KnowsNoShorts(ToyBroker):
    async def snapshot(self, since):
        snapshot = await super().snapshot(since)
        return attrs.evolve(snapshot, positions=[attrs.evolve(p, quantity=abs(p.quantity)) for p in snapshot.positions])


@found_by("a_fill_while_away_is_booked", "a_snapshot_is_the_venues_books")
class TellsFillsOnTheStreamOnly(ToyBroker):
    async def snapshot(self, since):
        return attrs.evolve(await super().snapshot(since), fills=())


@found_by("a_snapshot_is_the_venues_books")
class RoundsCash(ToyBroker):
    async def snapshot(self, since):
        snapshot = await super().snapshot(since)
        account = snapshot.account
        return attrs.evolve(snapshot, account=attrs.evolve(account, cash=copysign(account.cash // 1_000 * 1_000, account.cash)))
