"""The simulator as its users see it: started, steered and asked from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from ml4t.live.model import Fill, Order
from ml4t.live.testing.loop_thread import LoopThread
from ml4t.live.testing.port import Port
from ml4t.live.times import NANOS
from ml4t_live_alpaca.config import KEY_VARIABLE, SECRET_VARIABLE
from ml4t_live_alpaca.simulator.config import AlpacaSimulatorConfig
from ml4t_live_alpaca.simulator.faults import Loss, Scripted
from ml4t_live_alpaca.simulator.server import SimulatedAlpaca

T = TypeVar("T")


class AlpacaSimulator:
    """Alpaca on 127.0.0.1, with a thread of its own: REST, order updates and market data on one port.

    It is what `ml4t-live simulate alpaca` starts, a venue and a source for `ml4t.live.testing`, and a context manager. Every
    method may be called from any thread, and returns when what it says has happened.
    """

    emits = "bars"
    """What `emit` lets happen: `bars` or `trades`."""

    def __init__(self, config: AlpacaSimulatorConfig | None = None) -> None:
        self.config = config or AlpacaSimulatorConfig()
        self._alpaca = SimulatedAlpaca(self.config)
        self._thread = LoopThread("alpaca simulator")
        self._port = Port()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Listen. Returns when clients can connect."""
        self._thread.start()
        try:
            self._thread.run(self._alpaca.open)
        except BaseException:
            self._thread.close()
            raise

    def close(self) -> None:
        """Stop, and leave nothing running; calling it twice is harmless."""
        if self._thread.running:
            self._thread.run(self._alpaca.listener.stop)
            self.drop()
            self._thread.close()
            self._port.release()

    def __enter__(self) -> AlpacaSimulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self._alpaca.listener.port

    @property
    def url(self) -> str:
        """What a feed or broker takes as `url`."""
        host, port = self.address
        return f"http://{host}:{port}"

    @property
    def keys(self) -> tuple[str, str]:
        """The API key and the secret key that it takes."""
        return self._alpaca.keys

    @property
    def options(self) -> Mapping[str, Any]:
        """What a feed or broker table needs to reach it."""
        return {"api_key": {"env": KEY_VARIABLE}, "secret_key": {"env": SECRET_VARIABLE}, "url": self.url}

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that `options` refers to."""
        return dict(zip((KEY_VARIABLE, SECRET_VARIABLE), self.keys, strict=True))

    # ------------------------------------------------------------------ the connection

    @property
    def connections(self) -> int:
        """How many websockets are listening, to order updates or to the market."""
        return self._call(lambda alpaca: len(alpaca.updates.listening) + len(alpaca.market.subscribers))

    def drop(self, *, reset: bool = False) -> None:
        """Close every connection, with FIN or with RST, and take new ones."""
        self._call(lambda alpaca: alpaca.listener.drop(reset=reset))

    def mute(self, on: bool) -> None:
        """Keep connections open, answer pings, and send nothing else while it is on; what is muted is sent never."""
        self._call(lambda alpaca: alpaca.faults.mute(on))

    def restart(self) -> None:
        """Stop listening, drop everybody, and come back on the same address with the same books."""
        self._thread.run(self._alpaca.restart)

    def refuse_connections(self, on: bool) -> None:
        """Stop listening while it is on; who is connected stays."""
        if on:
            self._thread.run(self._alpaca.listener.stop)
            self._port.hold(self.address)
        else:
            self._port.release()
            self._thread.run(lambda: self._alpaca.listener.open(self._alpaca.listener.port))

    # ------------------------------------------------------------------ orders

    @property
    def requests(self) -> int:
        """How many requests to submit, replace or cancel an order have arrived."""
        return self._alpaca.requests

    def price(self, symbol: str, price: float) -> None:
        """Let the market be there: market orders trade at it, resting orders when it touches them."""
        self._call(lambda alpaca: alpaca.trade(symbol, price, 1.0))

    def hold(self, on: bool) -> None:
        """While it is on, orders are acknowledged and trade only by `execute`."""

        def change(alpaca: SimulatedAlpaca) -> None:
            alpaca.exchange.held = on
            for symbol in alpaca.exchange.prices:
                alpaca.exchange.match(symbol)

        self._call(change)

    def execute(self, order_id: str, quantity: float, price: float, *, commission: float | None = 0.0) -> str:
        """Trade that much of an order; return the execution's id. Alpaca tells no fee of an execution: it shows in cash."""
        return self._call(lambda alpaca: alpaca.execute(order_id, quantity, price, commission or 0.0))

    def execute_after(self, path: str, order_id: str, quantity: float, price: float) -> None:
        """Trade that much of an order as soon as the next question for `path` has been answered."""

        def script(alpaca: SimulatedAlpaca) -> None:
            alpaca.faults.afterwards.append((path, lambda: alpaca.execute(order_id, quantity, price)))

        self._call(script)

    def charge(self, execution_id: str, commission: float) -> None:
        """Take the fee of an execution from the cash of the account, which is all that Alpaca does."""
        self._call(lambda alpaca: alpaca.exchange.books.charge(Decimal(str(commission))))

    def repeat(self, execution_id: str) -> None:
        """Send an execution again, as it was."""
        self._call(lambda alpaca: alpaca.repeat(alpaca.statement.execution(execution_id)))

    def tell(self, event: str, order_id: str, **more: str) -> None:
        """Send an update about an order as it stands, whether or not what it tells of has happened."""

        def say(alpaca: SimulatedAlpaca) -> None:
            alpaca.updates.tell(event, alpaca.exchange.head(alpaca.statement.order(order_id)), **more)

        self._call(say)

    def correct(self, execution_id: str, price: float) -> None:
        """Send a correction of an execution: it traded at this price."""
        self._call(lambda alpaca: alpaca.correct(alpaca.statement.execution(execution_id), Decimal(str(price))))

    def execute_before_acknowledging(self) -> None:
        """Execute the next order whole, and tell of it before it is acknowledged."""
        self._call(lambda alpaca: setattr(alpaca.faults, "fill_first", True))

    def reject_next(self, reason: str) -> None:
        """Turn the next order away for this reason."""
        self._call(lambda alpaca: alpaca.faults.rejections.append(reason))

    def lose_next_answer(self, how: Loss = Loss.ANSWER) -> None:
        """Take the next order, and send no answer and no news of it on this connection; questions are answered."""
        self._call(lambda alpaca: alpaca.faults.losses.append(how))

    def lose_next_request(self) -> None:
        """Swallow the next order as if it had never arrived."""
        self.lose_next_answer(Loss.REQUEST)

    def answer_next(self, status: int, body: dict[str, Any], *, method: str = "", path: str = "") -> None:
        """Answer the next request of a method and a path, which may be the beginning of one, with this."""
        self._call(lambda alpaca: alpaca.faults.scripted.append(Scripted(status, body, method, path)))

    def sync_partially(self, on: bool) -> None:
        """Break the list of positions off in the middle."""
        self._call(lambda alpaca: setattr(alpaca.faults, "partial", on))

    def delay(self, seconds: float) -> None:
        """Answer every request that much later."""
        self._call(lambda alpaca: setattr(alpaca.faults, "delay_seconds", seconds))

    def skew_clock(self, seconds: float) -> None:
        """Let the clock that it shows to clients be that much ahead."""
        self._call(lambda alpaca: setattr(alpaca.api, "clock_ahead", int(seconds * NANOS)))

    def disturb(self, *, duplicates: float = 0.0, swaps: float = 0.0) -> None:
        """Send updates twice, or after the one that follows them, with these probabilities."""

        def change(alpaca: SimulatedAlpaca) -> None:
            alpaca.faults.duplicates, alpaca.faults.swaps = duplicates, swaps
            alpaca.updates.flush()

        self._call(change)

    def reject_later(self, order_id: str) -> None:
        """Turn an order away that had been taken."""
        self._call(lambda alpaca: alpaca.exchange.reject(alpaca.exchange.head(alpaca.statement.order(order_id))))

    def expire(self, order_id: str) -> None:
        """Let an order expire."""
        self._call(lambda alpaca: alpaca.exchange.expire(alpaca.exchange.head(alpaca.statement.order(order_id))))

    def end_day(self) -> None:
        """Let every day order expire."""
        self._call(lambda alpaca: alpaca.exchange.end_day())

    def auction(self, time_in_force: str) -> None:
        """Hold the opening (`opg`) or the closing auction (`cls`)."""
        self._call(lambda alpaca: alpaca.exchange.auction(time_in_force))

    def regular_hours(self, on: bool) -> None:
        """Open or close the market; outside of regular hours only extended-hours orders and crypto trade."""

        def change(alpaca: SimulatedAlpaca) -> None:
            alpaca.exchange.open = on
            for symbol in alpaca.exchange.prices:
                alpaca.exchange.match(symbol)

        self._call(change)

    # ------------------------------------------------------------------ books

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands; a chain of replacements is one order."""
        return self._call(lambda alpaca: alpaca.statement.orders())

    def fills(self) -> Sequence[Fill]:
        """Return what has traded, every execution once."""
        return self._call(lambda alpaca: alpaca.statement.fills())

    def positions(self) -> Mapping[str, float]:
        """Return what is held, by symbol."""
        return self._call(
            lambda alpaca: {symbol: float(held.qty) for symbol, held in alpaca.exchange.books.holdings.items() if held.qty}
        )

    def cash(self) -> float:
        """Return the cash of the account."""
        return self._call(lambda alpaca: float(alpaca.exchange.books.cash))

    # ------------------------------------------------------------------ the market

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that somebody listens to now."""
        return self._call(lambda alpaca: alpaca.market.symbols)

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade or a bar happen, as `emits` says; return its event time, nanoseconds UTC."""

        def happen(alpaca: SimulatedAlpaca) -> int:
            if self.emits == "trades":
                record = alpaca.trade(symbol, price, size)
            else:
                record = alpaca.tape.bar(symbol, price, size)
                alpaca.market.push(record)
            time: int = record["t"]
            return time

        return self._call(happen)

    def push(self, *records: dict[str, Any]) -> None:
        """Send market-data records as they are, with `t` in nanoseconds UTC, in one frame."""
        self._call(lambda alpaca: alpaca.market.push(*records))

    def record(self, *bars: dict[str, Any]) -> None:
        """Let bars be in the history that nobody was told of, with `t` in nanoseconds UTC."""

        def note(alpaca: SimulatedAlpaca) -> None:
            for bar in bars:
                alpaca.tape.of(bar["S"]).bars.append(bar)

        self._call(note)

    def fail_market(self, code: int) -> None:
        """Send an error of Alpaca's numbers to whoever listens to the market, and hang up."""
        self._call(lambda alpaca: alpaca.market.fail(code))

    def refuse_subscriptions(self, code: int) -> None:
        """Answer every subscription with an error; 0 takes them again."""
        self._call(lambda alpaca: setattr(alpaca.market, "refuse_with", code))

    def limit_symbols(self, count: int) -> None:
        """Let a channel have no more symbols than this, as a free plan does; 0 takes any number."""
        self._call(lambda alpaca: setattr(alpaca.market, "symbol_limit", count))

    def page_history(self, size: int) -> None:
        """Let no page of market history be longer than this."""
        self._call(lambda alpaca: setattr(alpaca.api, "page_limit", size))

    # ------------------------------------------------------------------ inside

    def _call(self, function: Callable[[SimulatedAlpaca], T]) -> T:
        return self._thread.call(lambda: function(self._alpaca))
