"""The simulated TWS itself: its parts, its clients, and who answers what. It lives on one event loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from ml4t.live.times import NANOS
from ml4t_live_ib.simulator.config import SimulatorConfig
from ml4t_live_ib.simulator.desks.accounts import AccountDesk
from ml4t_live_ib.simulator.desks.data import DataDesk
from ml4t_live_ib.simulator.desks.orders import OrderDesk
from ml4t_live_ib.simulator.desks.past_ticks import PastTicksDesk
from ml4t_live_ib.simulator.desks.reference import ReferenceDesk
from ml4t_live_ib.simulator.faults import Faults
from ml4t_live_ib.simulator.link import Link
from ml4t_live_ib.simulator.protocol import answer_tables as answers
from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.stamps import Clock
from ml4t_live_ib.simulator.session import Session
from ml4t_live_ib.simulator.venue.account import Account
from ml4t_live_ib.simulator.venue.book import Book
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.market import Market
from ml4t_live_ib.simulator.venue.order import Execution, Order, Refused
from ml4t_live_ib.simulator.venue.tape import BAR_SECONDS
from ml4t_live_ib.simulator.venue.universe import Universe

_FARMS_ARE_WELL = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)

Handler = Callable[[Session, Values], Iterator[tuple[Message, Values]] | None]


@frozen
class Route:
    """Who answers a request, and the message that ends the answer."""

    handler: Handler
    end: Message | None = None


def _do_nothing(session: Session, values: Values) -> None:
    """Answer the cancellation of something that is answered once."""


class Tws:
    """One login with its accounts, books and market; clients come and go."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.faults = Faults()
        self.version = config.version
        self.pacing = config.pacing
        self.clock = Clock(config.timezone)
        self.link = Link()
        self.universe = Universe(config.prices, self.clock.at(time.time()).date())
        self.market = Market(self.universe, config)
        self.accounts = {name: Account(name, config.cash, self._price) for name in config.accounts}
        self.book = Book(self.market, self.accounts, depth=config.depth, fractional=config.fractional)
        self.book.listener = self
        self.data = DataDesk(self.market, self.link, self.clock, unsubscribed=config.unsubscribed, pacing=config.pacing)
        self.orders = OrderDesk(self.book, self.universe, self.link, self.faults, self.clock, self.ready)
        self.account_desk = AccountDesk(self.accounts, lambda holding: self._price(holding.contract), self.clock, self.ready)
        self.seen: dict[str, int] = {}
        """How often every request has arrived, by its name."""
        self.connected: set[Session] = set()
        self._clients: dict[int, Session] = {}
        self._numbers = 0
        self._rng = random.Random(f"{config.seed} line")  # noqa: S311 - chance, not secrets
        self._routes = self._make_routes()

    def _price(self, contract: Contract) -> float:
        return self.market.tape(contract).last

    def _make_routes(self) -> Mapping[str, Route]:
        orders, accounts, data = self.orders, self.account_desk, self.data
        reference = ReferenceDesk(self.universe, self.config.accounts, self.clock)
        cancel, nothing = Route(data.cancel), Route(_do_nothing)
        return {
            "placeOrder": Route(orders.place),
            "cancelOrder": Route(orders.cancel),
            "reqGlobalCancel": Route(orders.cancel_all),
            "reqIds": Route(orders.next_id),
            "reqOpenOrders": Route(orders.open_orders, answers.OPEN_ORDER_END),
            "reqAllOpenOrders": Route(orders.all_open_orders, answers.OPEN_ORDER_END),
            "reqAutoOpenOrders": Route(orders.bind_manual_orders),
            "reqCompletedOrders": Route(orders.completed_orders, answers.COMPLETED_ORDERS_END),
            "reqExecutions": Route(orders.executions, answers.EXECUTION_END),
            "reqPositions": Route(accounts.positions, answers.POSITION_END),
            "cancelPositions": Route(accounts.cancel_positions),
            "reqAccountUpdates": Route(accounts.updates, answers.ACCOUNT_END),
            "reqAccountUpdatesMulti": Route(accounts.multi, answers.ACCOUNT_MULTI_END),
            "cancelAccountUpdatesMulti": nothing,
            "reqAccountSummary": Route(accounts.summary, answers.ACCOUNT_SUMMARY_END),
            "cancelAccountSummary": nothing,
            "reqPnL": Route(accounts.pnl),
            "cancelPnL": nothing,
            "reqContractDetails": Route(reference.contract_details, answers.CONTRACT_END),
            "reqSecDefOptParams": Route(reference.option_chain, answers.OPTION_CHAIN_END),
            "reqMatchingSymbols": Route(reference.matching_symbols),
            "reqMarketRule": Route(reference.market_rule),
            "reqHeadTimeStamp": Route(reference.head_timestamp),
            "cancelHeadTimeStamp": nothing,
            "reqCurrentTime": Route(reference.current_time),
            "reqManagedAccts": Route(reference.managed_accounts),
            "reqMktData": Route(data.market_data),
            "cancelMktData": cancel,
            "reqRealTimeBars": Route(data.real_time_bars),
            "cancelRealTimeBars": cancel,
            "reqTickByTickData": Route(data.tick_by_tick),
            "cancelTickByTickData": cancel,
            "reqHistoricalData": Route(data.historical_data),
            "cancelHistoricalData": cancel,
            "reqHistoricalTicks": Route(PastTicksDesk(self.market, data, self.clock).historical_ticks),
            "reqMarketDataType": Route(data.market_data_type),
        }

    # --- clients

    @property
    def clock_text(self) -> str:
        """The time in the handshake."""
        return self.clock.greeting(time.time())

    def ready(self) -> list[Session]:
        """Return the clients that have introduced themselves."""
        return list(self._clients.values())

    def new_session(self) -> Session:
        """Return the handler of a new connection."""
        self._numbers += 1
        session = Session(self, self._numbers, self._rng)
        self.connected.add(session)
        return session

    def opened(self, session: Session) -> None:
        """Greet a client; a second one with the same id is told so and dropped."""
        if session.client_id in self._clients:
            session.error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
            session.close()
            return
        self._clients[session.client_id] = session
        session.send(answers.MANAGED_ACCOUNTS, {"accounts": ",".join(self.config.accounts)})
        session.send(answers.NEXT_VALID_ID, {"orderId": self.book.next_id(session.client_id)})
        if not self.link.is_up:
            session.error(-1, 1100, "Connectivity between IBKR and Trader Workstation has been lost.")
            return
        for code, text in _FARMS_ARE_WELL:
            session.error(-1, code, text)

    def received(self, session: Session, request: str, values: Values) -> None:
        """Answer a request; a refusal is an error under its id."""
        self.seen[request] = self.seen.get(request, 0) + 1
        if request in self.faults.unanswered:
            return
        route = self._routes[request]
        try:
            for message, answer in route.handler(session, values) or ():
                session.send(message, answer)
        except Refused as refusal:
            session.error(values.get("reqId") or -1, refusal.code, refusal.text)
            return
        if route.end is not None and request not in self.faults.without_end:
            session.send(route.end, values)

    def closed(self, session: Session) -> None:
        """Forget a connection and what it listened to; the books stay."""
        self.connected.discard(session)
        if self._clients.get(session.client_id) is session:
            del self._clients[session.client_id]
        self.data.forget(session)

    def notify(self, code: int, text: str) -> None:
        """Send a notice about no request to everybody."""
        for session in self.ready():
            session.error(-1, code, text)

    def flush(self) -> None:
        """Hand everything that was sent to the network."""
        for session in list(self.connected):
            session.flush()

    # --- news of the book

    def changed(self, order: Order) -> None:
        """An order changed."""
        self.orders.changed(order)

    def cancelled(self, order: Order) -> None:
        """An order was cancelled."""
        self.orders.cancelled(order)

    def executed(self, execution: Execution) -> None:
        """An order traded."""
        self.orders.executed(execution)
        self.account_desk.executed(execution)

    def charged(self, execution: Execution) -> None:
        """A commission is known."""
        self.orders.charged(execution)

    # --- time

    async def keep_moving(self) -> None:
        """Move prices and close bars for ever; a market that moves only when told to has nothing to do here."""
        loop = asyncio.get_running_loop()
        interval = self.config.interval / NANOS
        next_step = loop.time() + interval
        while True:
            now = time.time()
            next_bar = loop.time() + BAR_SECONDS - now % BAR_SECONDS + 0.001
            await asyncio.sleep(max(0.0, min(next_step, next_bar) - loop.time()))
            self.market.close_bars(time.time())
            if loop.time() >= next_step:
                self.market.step()
                next_step += interval
