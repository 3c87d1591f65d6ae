"""The simulator as its users see it: started, steered and asked from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ml4t.live.testing.loop_thread import LoopThread
from ml4t.live.testing.port import Port
from ml4t.live.times import NANOS
from ml4t_live_databento.config import KEY_VARIABLE
from ml4t_live_databento.sdk import Code
from ml4t_live_databento.simulator.config import DatabentoSimulatorConfig
from ml4t_live_databento.simulator.encoding import SERIES, TICKS
from ml4t_live_databento.simulator.gateway import HOST, SimulatedGateway
from ml4t_live_databento.simulator.history import refusal

T = TypeVar("T")


class DatabentoSimulator:
    """Databento's live gateway on 127.0.0.1 and its history beside it, with a thread of its own.

    It is what `ml4t-live simulate databento` starts, a source for `ml4t.live.testing`, and a context manager. Every method may
    be called from any thread, and returns when what it says has happened.
    """

    emits = "trades"
    """What `emit` lets happen, as a schema: `trades`, or bars such as `ohlcv-1s`."""

    def __init__(self, config: DatabentoSimulatorConfig | None = None) -> None:
        self.config = config or DatabentoSimulatorConfig()
        self._gateway = SimulatedGateway(self.config)
        self._thread = LoopThread("databento simulator")
        self._port = Port()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Listen. Returns when clients can connect. Raises ConfigError when the port is taken."""
        self._thread.start()
        try:
            self._thread.run(self._gateway.open)
        except BaseException:
            self._thread.close()
            raise

    def close(self) -> None:
        """Stop, and leave nothing running; calling it twice is harmless."""
        if self._thread.running:
            self._thread.run(self._gateway.close)
            self.drop()
            self._thread.close()
            self._port.release()

    def __enter__(self) -> DatabentoSimulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return HOST, self._gateway.port

    @property
    def key(self) -> str:
        """The API key that it takes."""
        return self._gateway.key

    @property
    def options(self) -> Mapping[str, Any]:
        """What a feed table needs to reach it."""
        host, port = self.address
        return {"api_key": {"env": KEY_VARIABLE}, "gateway": f"{host}:{port}", "history_url": self.history_url}

    @property
    def history_url(self) -> str:
        """Where history is."""
        return f"http://{HOST}:{self._gateway.history.port}"

    @property
    def environ(self) -> Mapping[str, str]:
        """The variable that `options` refers to."""
        return {KEY_VARIABLE: self.key}

    # ------------------------------------------------------------------ the connection

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._call(lambda gateway: len(gateway.clients))

    @property
    def lines(self) -> Sequence[str]:
        """What clients have said, one control line each."""
        return self._call(lambda gateway: list(gateway.lines))

    @property
    def backlog(self) -> int:
        """How many bytes the slowest client has left to read, beside what sockets hold."""
        return self._call(lambda gateway: max((client.backlog for client in gateway.clients), default=0))

    def drop(self, *, reset: bool = False) -> None:
        """Close every connection, with FIN or with RST, and take new ones."""
        self._call(lambda gateway: gateway.drop(reset=reset))

    def mute(self, on: bool) -> None:
        """Keep connections open, send heartbeats, and nothing else while it is on; what is muted is sent never."""
        self._call(lambda gateway: setattr(gateway.faults, "muted", on))

    def silence(self, on: bool) -> None:
        """Send no heartbeats while it is on."""
        self._call(lambda gateway: setattr(gateway.faults, "heartless", on))

    def restart(self) -> None:
        """Stop listening, drop everybody, and come back on the same address with the same market."""
        self._thread.run(self._gateway.restart)

    def refuse_connections(self, on: bool) -> None:
        """Stop listening while it is on; who is connected stays."""
        if on:
            self._thread.run(self._gateway.stop)
            self._port.hold(self.address)
        else:
            self._port.release()
            self._thread.run(self._gateway.listen)

    def refuse_logins(self, words: str) -> None:
        """Refuse every login with these words; empty: take them again."""
        self._call(lambda gateway: setattr(gateway.faults, "refuse_logins", words))

    def hang_logins(self, on: bool) -> None:
        """Take what a client says at its login, and never answer, while it is on."""
        self._call(lambda gateway: setattr(gateway.faults, "hang_logins", on))

    def skew_clock(self, seconds: float) -> None:
        """Let the gateway's clock be that much ahead."""
        self._call(lambda gateway: setattr(gateway.faults, "ahead", round(seconds * NANOS)))

    def forget_before(self, moment: int) -> None:
        """Let no replay go further back than this, nanoseconds UTC."""
        self._call(lambda gateway: setattr(gateway.faults, "forgotten", moment))

    def refuse_replays(self, words: str) -> None:
        """Refuse every replay with these words; empty: take them again."""
        self._call(lambda gateway: setattr(gateway.faults, "refuse_replays", words))

    # ------------------------------------------------------------------ history

    @property
    def downloads(self) -> Sequence[Mapping[str, str]]:
        """What was asked for of history, one form each."""
        return self._call(lambda gateway: list(gateway.history.asked))

    def refuse_download(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        """Refuse the next download with an HTTP status, and after those that are to be refused already."""
        answer = refusal(status, message, retry_after=retry_after)
        self._call(lambda gateway: gateway.history.faults.refusals.append(answer))

    def cut_download(self, after: int, *, quietly: bool = False) -> None:
        """Break the next download off after so many bytes; `quietly`: end it there as if it was whole."""
        self._call(lambda gateway: gateway.history.faults.cuts.append((after, quietly)))

    def hang_downloads(self, on: bool) -> None:
        """Take requests for history, and never answer, while it is on."""
        self._call(lambda gateway: setattr(gateway.history.faults, "hang", on))

    # ------------------------------------------------------------------ the market

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that somebody listens to now."""

        def asked(gateway: SimulatedGateway) -> frozenset[str]:
            streaming = (client for client in gateway.clients if client.streaming)
            return frozenset().union(*(each.symbols for client in streaming for each in client.subscriptions))

        return self._call(asked)

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade or a bar happen, as `emits` says; return its event time, nanoseconds UTC."""
        interval = SERIES[self.emits].interval

        def happen(gateway: SimulatedGateway) -> int:
            if interval == TICKS:
                it = gateway.tape.trade(symbol, price, size)
                gateway.happen(it)
            else:
                it = gateway.tape.bar(symbol, interval, price, size)
                gateway.bars(interval, [it], it.time + interval)
            return it.time

        return self._call(happen)

    def burst(self, symbol: str, prices: Sequence[float], *, at_once: bool = False) -> list[int]:
        """Let one trade happen at each price, in one go; return their event times. `at_once`: all at that of the last trade."""

        def happen(gateway: SimulatedGateway) -> list[int]:
            trades = [gateway.tape.trade(symbol, price, 1.0, at_once=at_once) for price in prices]
            for trade in trades:
                gateway.happen(trade)
            return [trade.time for trade in trades]

        return self._call(happen)

    def end_interval(self, end: int) -> None:
        """Say that all bars of the interval that `emits` names and that ended at `end` have been sent."""
        self._call(lambda gateway: gateway.bars(SERIES[self.emits].interval, [], end))

    def remap(self, symbol: str) -> None:
        """Let a symbol stand for another instrument from now on."""
        self._call(lambda gateway: gateway.remap(symbol))

    def instrument(self, symbol: str) -> int:
        """Return the id of the instrument that a symbol stands for."""
        return self._call(lambda gateway: gateway.instruments[symbol])

    def fail(self, code: Code, text: str) -> None:
        """Send an error to everybody."""
        self._each(lambda client: client.tell_error(code, text))

    def tell(self, code: Code, text: str) -> None:
        """Send a message that is no error to everybody."""
        self._each(lambda client: client.tell(code, text))

    def push(self, *records: bytes) -> None:
        """Send bytes as they are to everybody, in one segment."""
        self._each(lambda client: client.send(b"".join(records)))

    # ------------------------------------------------------------------ inside

    def _each(self, act: Callable[[Any], object]) -> None:
        self._call(lambda gateway: [act(client) for client in gateway.clients if client.streaming])

    def _call(self, function: Callable[[SimulatedGateway], T]) -> T:
        return self._thread.call(lambda: function(self._gateway))
