"""The simulator as its users see it: started, steered and asked from any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from ml4t.live.model import Fill, Order
from ml4t.live.testing.loop_thread import LoopThread
from ml4t.live.testing.port import Port
from ml4t_live_okx.config import VARIABLES
from ml4t_live_okx.simulator.config import OKXSimulatorConfig
from ml4t_live_okx.simulator.faults import Loss, Scripted
from ml4t_live_okx.simulator.instruments import Listed
from ml4t_live_okx.simulator.listener import hang_up
from ml4t_live_okx.simulator.orders import Execution
from ml4t_live_okx.simulator.server import SimulatedOKX
from ml4t_live_okx.times import from_millis, trade_time

T = TypeVar("T")


class OKXSimulator:
    """OKX on 127.0.0.1, with a thread of its own: REST and the three websockets on one port.

    It is what `ml4t-live simulate okx` starts, a venue and a source for `ml4t.live.testing`, and a context manager. Every
    method may be called from any thread, and returns when what it says has happened.
    """

    emits = "trades"
    """What `emit` lets happen: `trades` or `bars`."""

    def __init__(self, config: OKXSimulatorConfig | None = None) -> None:
        self.config = config or OKXSimulatorConfig()
        self._okx = SimulatedOKX(self.config)
        self._thread = LoopThread("okx simulator")
        self._port = Port()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Listen. Returns when clients can connect."""
        self._thread.start()
        try:
            self._thread.run(self._okx.open)
        except BaseException:
            self._thread.close()
            raise

    def close(self) -> None:
        """Stop, and leave nothing running; calling it twice is harmless."""
        if self._thread.running:
            self._call(lambda okx: okx.faults.mute(False))
            self._thread.run(self._okx.listener.close)
            self._thread.close()
            self._port.release()

    def __enter__(self) -> OKXSimulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self._okx.listener.port

    @property
    def url(self) -> str:
        """What a feed or broker takes as `url`."""
        host, port = self.address
        return f"http://{host}:{port}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The API key, the secret key and the passphrase that it takes."""
        return self._okx.credentials

    @property
    def options(self) -> Mapping[str, Any]:
        """What a feed or broker table needs to reach it."""
        return {**{name: {"env": variable} for name, variable in VARIABLES.items()}, "url": self.url}

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that `options` refers to."""
        return dict(zip(VARIABLES.values(), self.keys, strict=True))

    # ------------------------------------------------------------------ the connection

    @property
    def connections(self) -> int:
        """How many websockets are open."""
        return self._call(lambda okx: len(okx.sockets.clients))

    @property
    def accepted(self) -> int:
        """How many websockets there have been, those that are open included."""
        return self._call(lambda okx: okx.sockets.accepted)

    def drop(self, *, reset: bool = False) -> None:
        """Close every connection, with FIN or with RST, and take new ones."""
        self._call(lambda okx: okx.listener.drop(reset=reset))

    def mute(self, on: bool) -> None:
        """Keep connections open, answer pings, and send nothing else while it is on; what is muted is sent never."""
        self._call(lambda okx: okx.faults.mute(on))

    def ignore_pings(self, on: bool) -> None:
        """Answer no ping while it is on."""
        self._call(lambda okx: setattr(okx.faults, "deaf", on))

    def restart(self) -> None:
        """Stop listening, drop everybody, and come back on the same address with the same books."""
        self._thread.run(self._okx.restart)

    def refuse_connections(self, on: bool) -> None:
        """Stop listening while it is on; who is connected stays."""
        if on:
            self._thread.run(self._okx.listener.stop)
            self._port.hold(self.address)
        else:
            self._port.release()
            self._thread.run(lambda: self._okx.listener.open(self._okx.listener.port))

    def announce_upgrade(self) -> None:
        """Tell everybody with notice 64008 that the connection will be closed for an upgrade."""
        self._call(lambda okx: okx.sockets.notify_upgrade())

    def drop_announced(self, count: int) -> None:
        """Close the oldest websockets, as an upgrade does half a minute after its notice."""

        def close(okx: SimulatedOKX) -> None:
            for client in okx.sockets.clients[:count]:
                hang_up(client.transport)

        self._call(close)

    def skew_clock(self, seconds: float) -> None:
        """Let the venue's clock be that much ahead."""
        self._call(lambda okx: setattr(okx.faults, "clock_ahead", int(seconds * 1000)))

    # ------------------------------------------------------------------ orders

    @property
    def requests(self) -> int:
        """How many requests to submit, amend or cancel orders have arrived."""
        return self._okx.requests

    def price(self, symbol: str, price: float) -> None:
        """Let the market be there: market orders trade at it, resting orders when it touches them."""
        self._call(lambda okx: okx.market.trade(symbol, price, 1.0))

    def hold(self, on: bool) -> None:
        """While it is on, orders are acknowledged and trade only by `execute`."""

        def change(okx: SimulatedOKX) -> None:
            okx.exchange.held = on
            for symbol in okx.exchange.prices:
                okx.exchange.match(symbol)
                okx.algos.move(symbol)

        self._call(change)

    def execute(self, order_id: str, quantity: float, price: float, *, commission: float | None = 0.0) -> str:
        """Trade that much of an order; return the execution's id. Without a commission it is the account's own rate."""

        def happen(okx: SimulatedOKX) -> str:
            order = okx.algos.named(order_id)
            size = Decimal(repr(quantity)) / order.listed.contract
            fee = None if commission is None else Decimal(repr(commission))
            return okx.exchange.execute(order, size, Decimal(repr(round(price, 8))), fee).name

        return self._call(happen)

    def execute_after(self, path: str, order_id: str, quantity: float, price: float) -> None:
        """Trade that much of an order as soon as the next question for `path` has been answered."""

        def happen(okx: SimulatedOKX) -> None:
            order = okx.algos.named(order_id)
            okx.exchange.execute(order, Decimal(repr(quantity)) / order.listed.contract, Decimal(repr(price)))

        self._call(lambda okx: okx.faults.afterwards.append((path, lambda: happen(okx))))

    def charge(self, execution_id: str, commission: float) -> None:
        """OKX tells the fee with the execution, and takes no other. Raises NotImplementedError."""
        raise NotImplementedError("OKX tells the fee of an execution with it")

    def repeat(self, execution_id: str) -> None:
        """Send an execution again, as it was."""

        def say(okx: SimulatedOKX) -> None:
            execution = okx.exchange.books.executions[execution_id]
            okx.sockets.push_order(execution.order.id, execution.order.instrument_type, _as_it_was(execution))

        self._call(say)

    def correct(self, execution_id: str, price: float) -> None:
        """OKX corrects no execution. Raises NotImplementedError."""
        raise NotImplementedError("OKX corrects no execution")

    def execute_before_acknowledging(self) -> None:
        """Execute the next order whole, and tell of it before it is acknowledged."""
        self._call(lambda okx: setattr(okx.faults, "fill_first", True))

    def reject_next(self, reason: str) -> None:
        """Turn the next order away for this reason."""
        self._call(lambda okx: okx.faults.rejections.append(reason))

    def lose_next_answer(self, how: Loss = Loss.ANSWER) -> None:
        """Take the next order, and send no answer and no news of it on this connection; questions are answered."""
        self._call(lambda okx: okx.faults.losses.append(how))

    def lose_next_request(self) -> None:
        """Swallow the next order as if it had never arrived."""
        self.lose_next_answer(Loss.REQUEST)

    def answer_next(self, path: str, body: dict[str, Any], *, status: int = 200, stays: bool = False) -> None:
        """Answer the next request for a path, without `/api/v5/`, with this; `stays`: every one from now on."""
        self._call(lambda okx: okx.faults.scripted.append(Scripted(status, body, path, stays)))

    def answer_again(self) -> None:
        """Answer everything as usual again."""
        self._call(lambda okx: okx.faults.scripted.clear())

    def sync_partially(self, on: bool) -> None:
        """Break the balances and the positions off in the middle."""
        self._call(lambda okx: setattr(okx.faults, "partial", on))

    def delay(self, seconds: float) -> None:
        """Answer every request that much later."""
        self._call(lambda okx: setattr(okx.faults, "delay_seconds", seconds))

    def disturb(self, *, duplicates: float = 0.0, swaps: float = 0.0) -> None:
        """Send updates of orders twice, or after the one that follows them, with these probabilities."""

        def change(okx: SimulatedOKX) -> None:
            okx.faults.duplicates, okx.faults.swaps = duplicates, swaps
            okx.sockets.flush()

        self._call(change)

    def cancel_as_venue(self, order_id: str, source: str = "2") -> None:
        """Cancel an order for the venue's own reason; 2 is a liquidation, in OKX's numbers."""
        self._call(lambda okx: okx.exchange.end(okx.algos.named(order_id), source=source))

    # ------------------------------------------------------------------ books

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands."""
        return self._call(lambda okx: okx.statement.orders())

    def fills(self) -> Sequence[Fill]:
        """Return what has traded, every execution once."""
        return self._call(lambda okx: okx.statement.fills())

    def positions(self) -> Mapping[str, float]:
        """Return what is held, by symbol, in coins."""
        return self._call(lambda okx: okx.statement.positions())

    def cash(self) -> float:
        """Return the cash of the account."""
        return self._call(lambda okx: okx.statement.cash())

    def algos(self) -> Sequence[Mapping[str, Any]]:
        """Return every algo order as the API says it."""
        return self._call(lambda okx: [algo.as_json() for algo in okx.algos.all.values()])

    def bodies(self) -> Sequence[Mapping[str, Any]]:
        """Return every order as the API says it."""
        return self._call(lambda okx: [order.as_json() for order in okx.exchange.orders.values()])

    # ------------------------------------------------------------------ the market

    @property
    def listed(self) -> Mapping[str, Listed]:
        """What is listed, by its id."""
        return self._okx.exchange.catalogue

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that somebody listens to now."""
        return self._call(lambda okx: okx.sockets.symbols)

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade or a candle of a minute happen, as `emits` says; return its event time, nanoseconds UTC.

        `size` is in coins.
        """

        def happen(okx: SimulatedOKX) -> int:
            size_there = size / float(okx.exchange.catalogue[symbol].contract)
            if self.emits == "bars":
                return from_millis(okx.market.emit_candle(symbol, "1m", price, size_there))
            record = okx.market.trade(symbol, price, size_there)
            return trade_time(record["ts"], record["tradeId"])

        return self._call(happen)

    def push(self, channel: str, symbol: str, *data: Any) -> None:
        """Send data of a channel as they are, in one frame."""
        self._call(lambda okx: okx.sockets.push(channel, symbol, list(data)))

    def push_frames(self, frames: Iterable[Mapping[str, Any]]) -> None:
        """Send frames as they are to whoever is subscribed to what they are about."""

        def send(okx: SimulatedOKX) -> None:
            for frame in frames:
                okx.sockets.push_raw(frame)

        self._call(send)

    def push_funding(self, symbol: str) -> None:
        """Send the mark price and the funding rate of a swap."""
        self._call(lambda okx: okx.market.push_funding(symbol))

    def refuse_subscriptions(self, code: str = "", words: str = "") -> None:
        """Answer every subscription with an error; without a code it takes them again."""
        self._call(lambda okx: setattr(okx.sockets, "refuse_subscriptions", (code, words) if code else None))

    def page_history(self, size: int) -> None:
        """Let no page of trades, candles, orders or fills be longer than this."""

        def change(okx: SimulatedOKX) -> None:
            okx.history.page = okx.api.page = size

        self._call(change)

    # ------------------------------------------------------------------ inside

    def _call(self, function: Callable[[SimulatedOKX], T]) -> T:
        return self._thread.call(lambda: function(self._okx))


def _as_it_was(execution: Execution) -> dict[str, Any]:
    """Return the update that told of an execution, as the order stood then."""
    order = execution.order
    there = order.last, order.filled, order.state, order.said
    order.last, order.filled, order.said = execution, execution.cumulative, {}
    order.state = "filled" if execution.cumulative >= order.size else "partially_filled"
    said = order.as_push()
    order.last, order.filled, order.state, order.said = there
    return said
