"""The simulator as its users see it: started, steered and asked from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from ml4t.live.model import Fill, Order
from ml4t.live.testing.loop_thread import LoopThread
from ml4t.live.testing.port import Port
from ml4t_live_crypto.config import variable
from ml4t_live_crypto.simulator import statement
from ml4t_live_crypto.simulator.config import BinanceSimulatorConfig
from ml4t_live_crypto.simulator.faults import Loss, Scripted
from ml4t_live_crypto.simulator.orders import ZERO
from ml4t_live_crypto.simulator.pairs import QUOTE
from ml4t_live_crypto.simulator.server import SimulatedBinance
from ml4t_live_crypto.times import MILLISECOND, from_millis

T = TypeVar("T")

EXCHANGE = "binance"


class BinanceSimulator:
    """Binance's spot market on 127.0.0.1, with a thread of its own: REST and websockets on one port.

    It is what `ml4t-live simulate crypto` starts, a venue and a source for `ml4t.live.testing`, and a context manager. Pairs
    go by Binance's names here (`BTCUSDT`). Every method may be called from any thread, and returns when what it says has
    happened.
    """

    emits = "trades"
    """What `emit` lets happen: `trades` or `bars`."""

    def __init__(self, config: BinanceSimulatorConfig | None = None) -> None:
        self.config = config or BinanceSimulatorConfig()
        self._binance = SimulatedBinance(self.config)
        self._thread = LoopThread("binance simulator")
        self._port = Port()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Listen. Returns when clients can connect."""
        self._thread.start()
        try:
            self._thread.run(self._binance.open)
        except BaseException:
            self._thread.close()
            raise

    def close(self) -> None:
        """Stop, and leave nothing running; calling it twice is harmless."""
        if self._thread.running:
            self._call(lambda binance: binance.faults.mute(False))
            self._thread.run(self._binance.listener.close)
            self._thread.close()
            self._port.release()

    def __enter__(self) -> BinanceSimulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self._binance.listener.port

    @property
    def url(self) -> str:
        """What a feed or broker takes as `url`: each of Binance's hosts is a path here."""
        host, port = self.address
        return f"http://{host}:{port}/{{host}}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The API key and the secret key that it takes."""
        return self._binance.credentials

    @property
    def options(self) -> Mapping[str, Any]:
        """What a feed or broker table needs to reach it."""
        keys = {name: {"env": variable(EXCHANGE, name)} for name in ("api_key", "secret_key")}
        return {**keys, "exchange": EXCHANGE, "url": self.url}

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that `options` refers to."""
        names = [variable(EXCHANGE, name) for name in ("api_key", "secret_key")]
        return dict(zip(names, self.keys, strict=True))

    # ------------------------------------------------------------------ the connection

    @property
    def connections(self) -> int:
        """How many websockets are open."""
        return self._call(lambda binance: len(binance.streams.clients))

    @property
    def listens_to_account(self) -> bool:
        """Whether somebody has asked to be told of the account."""
        return self._call(lambda binance: any(client.of_account for client in binance.streams.clients))

    def drop(self, *, reset: bool = False) -> None:
        """Close every connection, with FIN or with RST, and take new ones."""
        self._call(lambda binance: binance.listener.drop(reset=reset))

    def mute(self, on: bool) -> None:
        """Keep connections open, answer pings, and send nothing else while it is on; what is muted is sent never."""
        self._call(lambda binance: binance.faults.mute(on))

    def mute_streams(self, on: bool) -> None:
        """Say nothing more on websockets while it is on, and answer requests."""
        self._call(lambda binance: setattr(binance.faults, "silent", on))

    def ignore_pings(self, on: bool) -> None:
        """Answer no ping while it is on."""
        self._call(lambda binance: setattr(binance.faults, "deaf", on))

    def restart(self) -> None:
        """Stop listening, drop everybody, and come back on the same address with the same books."""
        self._thread.run(self._binance.restart)

    def refuse_connections(self, on: bool) -> None:
        """Stop listening while it is on; who is connected stays."""
        if on:
            self._thread.run(self._binance.listener.stop)
            self._port.hold(self.address)
        else:
            self._port.release()
            self._thread.run(lambda: self._binance.listener.open(self._binance.listener.port))

    def skew_clock(self, seconds: float) -> None:
        """Let the venue's clock be that much ahead."""
        self._call(lambda binance: setattr(binance.faults, "clock_ahead", int(seconds * 1000)))

    # ------------------------------------------------------------------ orders

    @property
    def requests(self) -> int:
        """How many requests to submit or cancel orders have arrived."""
        return self._binance.requests

    def price(self, pair: str, price: float) -> None:
        """Let the market be there: market orders trade at it, resting orders when it touches them."""
        self._call(lambda binance: binance.trade(pair, price, 1.0))

    def hold(self, on: bool) -> None:
        """While it is on, orders are acknowledged and trade only by `execute`."""

        def change(binance: SimulatedBinance) -> None:
            binance.exchange.held = on
            for pair in binance.exchange.prices:
                binance.exchange.match(pair)

        self._call(change)

    def execute(self, order_id: str, quantity: float, price: float, *, commission: float | None = 0.0) -> str:
        """Trade that much of an order; return the execution's id. Without a commission it is the account's own rate."""

        def happen(binance: SimulatedBinance) -> str:
            fee = None if commission is None else Decimal(repr(commission))
            order = binance.exchange.by_client_id[order_id]
            amounts = Decimal(repr(quantity)), Decimal(repr(round(price, 8)))
            return binance.exchange.execute(order, *amounts, fee).name

        return self._call(happen)

    def charge(self, execution_id: str, commission: float) -> None:
        """Binance tells the fee with the execution, and takes no other. Raises NotImplementedError."""
        raise NotImplementedError("Binance tells the fee of an execution with it")

    def repeat(self, execution_id: str) -> None:
        """Send an execution again, as it was."""
        self._call(lambda binance: binance.exchange.repeat(binance.exchange.executions[execution_id]))

    def correct(self, execution_id: str, price: float) -> None:
        """Binance corrects no execution. Raises NotImplementedError."""
        raise NotImplementedError("Binance corrects no execution")

    def execute_before_acknowledging(self) -> None:
        """Execute the next order whole, and tell of it before it is acknowledged."""
        self._call(lambda binance: setattr(binance.faults, "fill_first", True))

    def reject_next(self, reason: str) -> None:
        """Turn the next order away for this reason."""
        self._call(lambda binance: binance.faults.rejections.append(reason))

    def lose_next_answer(self, how: Loss = Loss.ANSWER) -> None:
        """Take the next order, and send no answer and no news of it on this connection; questions are answered."""
        self._call(lambda binance: binance.faults.losses.append(how))

    def lose_next_request(self) -> None:
        """Swallow the next order as if it had never arrived."""
        self.lose_next_answer(Loss.REQUEST)

    def answer_next(self, path: str, body: Any, *, status: int = 400, stays: bool = False) -> None:
        """Answer the next request for a path, without `/api/v3/`, with this; `stays`: every one from now on."""
        self._call(lambda binance: binance.faults.scripted.append(Scripted(status, body, path, stays)))

    def answer_again(self) -> None:
        """Answer everything as usual again."""
        self._call(lambda binance: binance.faults.scripted.clear())

    def sync_partially(self, on: bool) -> None:
        """Break the balances off in the middle."""
        self._call(lambda binance: setattr(binance.faults, "partial", on))

    def delay(self, seconds: float) -> None:
        """Answer every request that much later."""
        self._call(lambda binance: setattr(binance.faults, "delay_seconds", seconds))

    # ------------------------------------------------------------------ books

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken, with our id and where it stands."""
        return self._call(lambda binance: [statement.order_of(each) for each in binance.exchange.orders.values()])

    def fills(self) -> Sequence[Fill]:
        """Return what has traded, every execution once."""
        return self._call(lambda binance: [statement.fill_of(each) for each in binance.exchange.executions.values()])

    def positions(self) -> Mapping[str, float]:
        """Return what is held, by pair."""

        def read(binance: SimulatedBinance) -> dict[str, float]:
            held = binance.exchange.balances.items()
            return {f"{asset}{QUOTE}": float(amount) for asset, amount in held if asset != QUOTE and amount}

        return self._call(read)

    def cash(self) -> float:
        """Return the USDT of the account."""
        return self._call(lambda binance: float(binance.exchange.balances.get(QUOTE, ZERO)))

    # ------------------------------------------------------------------ the market

    @property
    def subscriptions(self) -> frozenset[str]:
        """The pairs that somebody listens to now."""
        return self._call(lambda binance: binance.streams.pairs)

    def emit(self, pair: str, price: float, size: float = 1.0) -> int:
        """Let a trade or a candle of a minute happen, as `emits` says; return its event time, nanoseconds UTC."""

        def happen(binance: SimulatedBinance) -> int:
            if self.emits == "bars":
                return from_millis(binance.emit_candle(pair, "1m", price, size))
            record = binance.trade(pair, price, size)
            return from_millis(record["T"]) + int(record["a"]) % MILLISECOND

        return self._call(happen)

    def push(self, stream: str, data: Mapping[str, Any]) -> None:
        """Send data of a stream as they are."""
        self._call(lambda binance: binance.streams.push(stream, data))

    def page_history(self, size: int) -> None:
        """Let no page of trades, candles or executions be longer than this."""
        self._call(lambda binance: setattr(binance.api, "page", size))

    # ------------------------------------------------------------------ inside

    def _call(self, function: Callable[[SimulatedBinance], T]) -> T:
        return self._thread.call(lambda: function(self._binance))
