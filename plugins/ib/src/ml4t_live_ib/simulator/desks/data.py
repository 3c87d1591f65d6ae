"""Market data as clients see it: subscriptions, and what is sent to them."""

from __future__ import annotations

import time
from collections.abc import Collection

from attrs import define

from ml4t_live_ib.simulator.desks.lookup import one_contract
from ml4t_live_ib.simulator.desks.pacing import Pacing
from ml4t_live_ib.simulator.link import Link
from ml4t_live_ib.simulator.protocol import ticks
from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.stamps import Clock
from ml4t_live_ib.simulator.session import Session
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.history import DAY, bar_start, bars, merge, span_of
from ml4t_live_ib.simulator.venue.market import Market
from ml4t_live_ib.simulator.venue.order import Refused
from ml4t_live_ib.simulator.venue.tape import BAR_SECONDS, PriceBar, Tape

LINES = 100
"""The market-data lines of a login."""

_TICK_BY_TICK = 3
_KINDS_OF_TICKS = frozenset({"Last", "AllLast", "BidAsk", "MidPoint"})
_WITHOUT_VOLUME = frozenset({"MIDPOINT", "BID", "ASK", "BID_ASK"})
_WHAT = frozenset({"MIDPOINT", "BID", "ASK", "TRADES", "ADJUSTED_LAST", "AGGTRADES"})
_NO_HISTORY = "Historical Market Data Service error message:"
_COMPETING = "No market data during competing live session"


@define(eq=False)
class Subscription:
    """Something that a client listens to. `what` is the message that asked: quote, bar, tick or history."""

    session: Session
    request_id: int
    contract: Contract
    what: str
    detail: str = ""
    data_type: int = ticks.LIVE
    seconds: int = BAR_SECONDS
    as_epoch: bool = False
    running: PriceBar | None = None


class DataDesk:
    """Takes requests for market data and serves the subscriptions."""

    def __init__(self, market: Market, link: Link, clock: Clock, *, unsubscribed: Collection[str], pacing: bool) -> None:
        self.unsubscribed = set(unsubscribed)
        """The symbols, as in a configuration, without a subscription to live data."""
        self.competing = False
        """While it is True, another session of the login has the market data."""
        self.stalled = False
        """While it is True, subscriptions are there and nothing comes."""
        self._market = market
        self._link = link
        self._clock = clock
        self._limits = pacing
        self._pacing = Pacing(pacing)
        self._by_contract: dict[int, dict[tuple[int, int], Subscription]] = {}
        self._by_request: dict[tuple[int, int], Subscription] = {}
        market.on_price.append(self._price_moved)
        market.on_bar.append(self._bar_closed)

    @property
    def subscriptions(self) -> list[Subscription]:
        """What is listened to."""
        return list(self._by_request.values())

    # --- requests

    def market_data(self, session: Session, values: Values) -> None:
        """Handle reqMktData."""
        contract = self._contract(values)
        data_type = ticks.LIVE
        if contract.name in self.unsubscribed:
            if session.market_data_type < ticks.DELAYED:
                raise Refused(354, f"Requested market data is not subscribed.{contract.symbol} {contract.exchange}/TOP/ALL")
            data_type = ticks.DELAYED
            text = "Requested market data is not subscribed. Displaying delayed market data."
            session.error(values["reqId"], 10167, text)
        tape = self._market.tape(contract)
        session.send_data(ticks.quote_parameters(values["reqId"], contract.min_tick, data_type))
        subscription = Subscription(session, values["reqId"], contract, "quote", data_type=data_type)
        self._send_quote(subscription, tape)
        if values["snapshot"]:
            session.send_data(ticks.snapshot_end(values["reqId"]))
        else:
            self._subscribe(subscription)

    def real_time_bars(self, session: Session, values: Values) -> None:
        """Handle reqRealTimeBars: every five seconds a bar."""
        contract = self._contract(values)
        self._check_kind(contract, values["whatToShow"], 420, "Invalid Real-time Query:", _WHAT)
        self._pacing.ask((contract.con_id, "bar", values["whatToShow"]), contract.con_id, BAR_SECONDS, 420)
        self._market.tape(contract)
        self._subscribe(Subscription(session, values["reqId"], contract, "bar", values["whatToShow"]))

    def tick_by_tick(self, session: Session, values: Values) -> None:
        """Handle reqTickByTickData."""
        contract = self._contract(values)
        if values["tickType"] not in _KINDS_OF_TICKS:
            raise Refused(321, f"Error validating request.-'b0' : cause - Tick type {values['tickType']!r} is unknown")
        if contract.name in self.unsubscribed:
            raise Refused(10189, "Failed to request tick-by-tick data:No market data permissions")
        if self._limits and sum(each.what == "tick" for each in self.subscriptions) >= _TICK_BY_TICK:
            raise Refused(10190, "Max number of tick-by-tick requests has been reached.")
        self._market.tape(contract)
        self._subscribe(Subscription(session, values["reqId"], contract, "tick", values["tickType"]))

    def historical_data(self, session: Session, values: Values) -> None:
        """Handle reqHistoricalData; with keepUpToDate it goes on."""
        what = values["whatToShow"]
        contract = self.past_of(values, _WHAT)
        tape = self._market.tape(contract)
        if values["keepUpToDate"] and values["endDateTime"]:
            raise Refused(321, "Error validating request.-'bH' : cause - End date not supported with keepUpToDate")
        span = span_of(values, tape, self._clock)
        asked = (contract.con_id, values["endDateTime"], values["duration"], values["barSize"], what)
        self._pacing.ask(asked, contract.con_id, span.seconds, 162)
        found = list(bars(tape, span, self._clock))
        if not found and not values["keepUpToDate"]:
            raise Refused(162, f"{_NO_HISTORY}HMDS query returned no data: {contract.name}")
        as_epoch = values["formatDate"] == 2
        rows = [(self._when(bar.time, span.seconds, as_epoch), _shown(bar, what)) for bar in found]
        first, end = self._clock.stamp(span.first * 10**9), self._clock.stamp(span.end * 10**9)
        session.send_data(ticks.historical_bars(values["reqId"], first, end, rows))
        if values["keepUpToDate"]:
            last = found[-1] if found else None
            self._subscribe(
                Subscription(
                    session, values["reqId"], contract, "history", what, seconds=span.seconds, as_epoch=as_epoch, running=last
                )
            )

    def past_of(self, values: Values, kinds: Collection[str]) -> Contract:
        """Return the contract of a request for something of its past. Raises `Refused` when that cannot be had."""
        contract = self._contract(values)
        self._check_kind(contract, values["whatToShow"], 162, _NO_HISTORY, kinds)
        if not self._link.is_up:
            raise Refused(162, f"{_NO_HISTORY}HMDS server disconnect occurred.")
        return contract

    def market_data_type(self, session: Session, values: Values) -> None:
        """Handle reqMarketDataType."""
        session.market_data_type = values["marketDataType"]

    def cancel(self, session: Session, values: Values) -> None:
        """Handle the cancellation of a subscription, of whatever kind."""
        subscription = self._by_request.pop((session.number, values["reqId"]), None)
        if subscription is None:
            session.error(values["reqId"], 300, f"Can't find EId with tickerId:{values['reqId']}")
        else:
            self._by_contract[subscription.contract.con_id].pop((session.number, values["reqId"]))

    def forget(self, session: Session) -> None:
        """Drop the subscriptions of a client that is gone."""
        self._drop([each for each in self.subscriptions if each.session is session])

    def lose_subscriptions(self) -> None:
        """Drop every subscription, as the vendor does when it reports 1101."""
        self._drop(self.subscriptions)

    def end(self, contract: Contract, code: int, text: str) -> None:
        """End what listens to a contract, with an error."""
        gone = [each for each in self.subscriptions if each.contract is contract]
        for each in gone:
            each.session.error(each.request_id, code, text)
        self._drop(gone)

    def _drop(self, gone: list[Subscription]) -> None:
        for each in gone:
            del self._by_request[each.session.number, each.request_id]
            del self._by_contract[each.contract.con_id][each.session.number, each.request_id]

    def compete(self, on: bool) -> None:
        """Let another session of the login take the market data, or give it back."""
        self.competing = on
        if on:
            for each in self.subscriptions:
                each.session.error(each.request_id, 10197, _COMPETING)

    def _contract(self, values: Values) -> Contract:
        contract = one_contract(self._market.universe, values)
        if self.competing:
            raise Refused(10197, _COMPETING)
        return contract

    def _check_kind(self, contract: Contract, what: str, code: int, prefix: str, kinds: Collection[str]) -> None:
        if what not in kinds:
            raise Refused(321, f"Error validating request.-'bW' : cause - What to show {what!r} is missing or incorrect")
        if contract.kind == "CASH" and what not in _WITHOUT_VOLUME:
            raise Refused(code, f"{prefix}No data of type {what} for {contract.name}; forex has MIDPOINT, BID and ASK")
        if contract.name in self.unsubscribed:
            raise Refused(code, f"{prefix}No market data permissions for {contract.primary} {contract.kind}")

    def _subscribe(self, subscription: Subscription) -> None:
        key = subscription.session.number, subscription.request_id
        if key in self._by_request:
            raise Refused(102, "Duplicate ticker ID.")
        if self._limits and len(self._by_request) >= LINES:
            raise Refused(101, "Max number of tickers has been reached.")
        self._by_request[key] = subscription
        self._by_contract.setdefault(subscription.contract.con_id, {})[key] = subscription

    # --- news

    @property
    def _flows(self) -> bool:
        return self._link.is_up and not self.competing and not self.stalled

    def _price_moved(self, tape: Tape) -> None:
        if not self._flows:
            return
        for each in self._by_contract.get(tape.contract.con_id, {}).values():
            if each.what == "quote":
                self._send_quote(each, tape)
            elif each.what == "tick":
                each.session.send_data(ticks.tick_by_tick(each.request_id, each.detail, tape, tape.second))

    def _send_quote(self, subscription: Subscription, tape: Tape) -> None:
        trades = subscription.contract.kind != "CASH"
        second = tape.second or int(time.time())
        data = ticks.quote(subscription.request_id, tape, second, subscription.data_type, trades=trades)
        subscription.session.send_data(data)

    def _bar_closed(self, tape: Tape, bar: PriceBar) -> None:
        if not self._flows:
            return
        for each in self._by_contract.get(tape.contract.con_id, {}).values():
            if each.what == "bar":
                each.session.send_data(ticks.real_time_bar(each.request_id, _shown(bar, each.detail)))
            elif each.what == "history":
                self._update_history(each, bar)

    def _update_history(self, each: Subscription, bar: PriceBar) -> None:
        start = bar_start(bar.time, each.seconds, self._clock)
        goes_on = each.running is not None and each.running.time == start
        each.running = merge(each.running if goes_on else None, bar, start)
        when = self._when(start, each.seconds, each.as_epoch)
        each.session.send_data(ticks.historical_update(each.request_id, when, _shown(each.running, each.detail)))

    def _when(self, second: int, seconds: int, as_epoch: bool) -> str:
        if seconds >= DAY:
            return f"{self._clock.at(second):%Y%m%d}"
        return str(second) if as_epoch else self._clock.stamp(second * 10**9)


def _shown(bar: PriceBar, what: str) -> PriceBar:
    """Return a bar as the vendor shows it: quotes have neither volume nor count."""
    return bar._replace(volume=-1.0, wap=-1.0, trades=-1) if what in _WITHOUT_VOLUME else bar
