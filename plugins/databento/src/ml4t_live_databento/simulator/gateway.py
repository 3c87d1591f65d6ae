"""The simulated gateway: one port, one thread, any dataset. Beside it is what serves history."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from pathlib import Path

from attrs import define
from databento_dbn import SymbolMappingMsg

from ml4t.live.errors import ConfigError
from ml4t.live.testing.loop_thread import stop_accepting
from ml4t.live.times import NANOS
from ml4t_live_databento.simulator import encoding
from ml4t_live_databento.simulator.client import Client
from ml4t_live_databento.simulator.config import DatabentoSimulatorConfig
from ml4t_live_databento.simulator.encoding import Happened
from ml4t_live_databento.simulator.frames import frames_in, instruments_in, is_recording
from ml4t_live_databento.simulator.history import History
from ml4t_live_databento.simulator.tape import INTERVALS, Tape
from ml4t_live_databento.simulator.walk import market_of

FIRST_INSTRUMENT = 5_000
KEPT = 24 * 3_600 * NANOS
"""How far back a replay goes."""
HOST = "127.0.0.1"


@define
class Faults:
    """What goes wrong now."""

    muted: bool = False
    heartless: bool = False
    hang_logins: bool = False
    refuse_logins: str = ""
    refuse_replays: str = ""
    forgotten: int = 0
    """What was before is replayed no more, nanoseconds UTC."""
    ahead: int = 0
    """How far the gateway's clock is ahead, nanoseconds."""


class SimulatedGateway:
    """Serves a market. Everything below runs on the simulator's own thread."""

    def __init__(self, config: DatabentoSimulatorConfig) -> None:
        self.config = config
        self.rng = random.Random(config.seed)  # noqa: S311 - a simulation is reproduced by its seed
        self.key = f"db-{self.rng.getrandbits(116):029x}"
        self.faults = Faults()
        self.tape = Tape(time.time_ns)
        if is_recording(config.replay):
            self.instruments = instruments_in(Path(config.replay))
        else:
            self.instruments = {symbol: FIRST_INSTRUMENT + number for number, symbol in enumerate(config.symbols)}
        self.history = History(self)
        self.clients: list[Client] = []
        self.listened = asyncio.Event()
        """Set when a client has begun to listen."""
        self.lines: list[str] = []
        """What clients have said, one control line each."""
        self.port = config.port
        self._sessions = 0
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ends = dict.fromkeys(INTERVALS, 0)

    # ------------------------------------------------------------------ life

    async def open(self) -> None:
        """Listen, and let time go by. Raises ConfigError when the port is taken."""
        await self.listen()
        await self.history.open(HOST)
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._beat(), name="heartbeats"))
        if not self.config.still:
            market = self._send_again(Path(self.config.replay)) if is_recording(self.config.replay) else self._walk()
            self._tasks.append(loop.create_task(market, name="prices"))

    async def listen(self) -> None:
        """Take connections."""
        try:
            self._server = await asyncio.start_server(self._accept, HOST, self.port)
        except OSError as error:
            raise ConfigError([f"port = {self.port}: {error.strerror}; take another one, or 0 for any that is free"]) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            await stop_accepting(self._server.sockets)
            self._server.close()
            self._server = None

    async def close(self) -> None:
        """Take neither connections nor requests for history any more."""
        await self.stop()
        await self.history.stop()

    async def restart(self) -> None:
        """Hang up on everybody, and come back on the same port with the same market."""
        await self.stop()
        self.drop()
        await self.listen()

    def drop(self, *, reset: bool = False) -> None:
        """Hang up on everybody."""
        for client in list(self.clients):
            client.close(reset=reset)

    def now(self) -> int:
        """Return the gateway's time, nanoseconds UTC."""
        return time.time_ns() + self.faults.ahead

    @property
    def kept_from(self) -> int:
        """How far back a replay goes, nanoseconds UTC."""
        return max(self.now() - KEPT, self.faults.forgotten)

    def next_number(self) -> int:
        """Return the number of a new session."""
        self._sessions += 1
        return self._sessions

    # ------------------------------------------------------------------ the market

    def happen(self, it: Happened, interval: int = encoding.TICKS) -> None:
        """Tell whoever asked for it what has happened."""
        for client in self.clients:
            client.hear(it, interval)

    def bars(self, interval: int, bars: Iterable[Happened], end: int) -> None:
        """Tell of the bars of an interval, and that there are no more."""
        for bar in bars:
            self.happen(bar, interval)
        for client in self.clients:
            client.end_interval(interval, end)

    def remap(self, symbol: str) -> None:
        """Let a symbol stand for another instrument from now on, as a continuous future does when it rolls."""
        self.instruments[symbol] = max(self.instruments.values()) + 1
        for client in self.clients:
            for subscription in client.subscriptions if client.streaming else ():
                if symbol in subscription.symbols:
                    record = encoding.mapping(symbol, self.instruments[symbol], subscription.stype_in, self.now())
                    client.send(record)

    # ------------------------------------------------------------------ inside

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(self, reader, writer)
        self.clients.append(client)
        try:
            await client.serve()
        except (ConnectionError, ValueError, KeyError):
            pass  # a client that is gone, or that said what no client says: it is hung up on
        finally:
            self.clients.remove(client)
            writer.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            now = asyncio.get_running_loop().time()
            for client in self.clients:
                client.beat(now)

    async def _walk(self) -> None:
        for trades in market_of(self.config, self.rng):
            await asyncio.sleep(self.config.tick / NANOS)
            now = time.time_ns()
            for interval in INTERVALS:
                end = now // interval * interval
                if end > self._ends[interval]:
                    self._ends[interval] = end
                    self.bars(interval, self.tape.close(interval, end), end)
            for symbol, price, size in trades:
                trade = self.tape.trade(symbol, price, size)
                self.tape.gather(trade)
                self.happen(trade)

    async def _send_again(self, path: Path) -> None:
        """Send the frames of a recording, as far apart as they were, from when somebody listens on."""
        loop = asyncio.get_running_loop()
        await self.listened.wait()
        began, first = loop.time(), None
        for moment, record in frames_in(path):
            first = moment if first is None else first
            await asyncio.sleep(max(0.0, began + (moment - first) / NANOS - loop.time()))
            if isinstance(record, SymbolMappingMsg):
                self.instruments[record.stype_in_symbol] = record.instrument_id
            for client in self.clients:
                client.hear_again(record)
