"""One connection to a live gateway.

The SDK's protocol is driven here on the caller's own loop. Its `Live` client would put a thread, a lock that is held while it
connects, and a reconnect of its own in between; nothing of that is wanted, because core reconnects.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from databento.live.protocol import DatabentoLiveProtocol

from ml4t.live.errors import FeedDisconnected, FeedRefused
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.pace import Pace
from ml4t_live_databento.refusals import login_refused

Hear = Callable[[Any], None]
Flush = Callable[[], None]


class Line(DatabentoLiveProtocol):
    """Hands every record to `hear`, and calls `flush` at the end of each read of the socket.

    What either raises ends the connection, and so does everything that the SDK cannot read; `watch` raises it.
    """

    def __init__(self, config: DatabentoFeedConfig, hear: Hear, flush: Flush) -> None:
        super().__init__(config.key.reveal(), config.dataset, heartbeat_interval_s=config.heartbeat_seconds)
        self._config = config
        self._hear = hear
        self._flush = flush
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self.lost: asyncio.Future[Exception] = self._loop.create_future()

    # ------------------------------------------------------------------ what the SDK and the loop call

    def received_record(self, record: Any) -> None:
        """Hand a record on."""
        self._hear(record)

    def buffer_updated(self, nbytes: int) -> None:
        """Read what has come."""
        self._heard_at = self._loop.time()
        try:
            super().buffer_updated(nbytes)
        except (FeedDisconnected, FeedRefused) as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing that follows can be trusted
            self._fail(FeedDisconnected(f"Databento sent what cannot be read: {error!r}"))
        try:
            self._flush()  # what came before an error is as good as ever
        except Exception as error:  # noqa: BLE001 - it is the run's, and the loop would only log it
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, whoever closed the connection and how."""
        super().connection_lost(exc)
        self._fail(FeedDisconnected(f"the connection to Databento was {'reset' if exc else 'closed'}"))
        for future in (self.authenticated, self.disconnected):
            if future.done() and not future.cancelled():
                future.exception()  # it has been told; the loop need not complain that nobody looked

    # ------------------------------------------------------------------ what the feed does

    async def log_in(self) -> None:
        """Wait for the gateway to take the key. Raises FeedRefused, FeedDisconnected."""
        seconds = self._config.timeout_seconds
        futures: list[asyncio.Future[Any]] = [self.authenticated, self.lost]
        await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self.authenticated.done():
            if self.lost.done():
                raise self.lost.result()
            raise FeedDisconnected(f"Databento's gateway has not answered the login within {seconds:g} s")
        error = self.authenticated.exception()
        if error is not None:
            raise login_refused(str(error)) from None

    def begin(self, symbols: tuple[str, ...], start: int | None = None) -> None:
        """Subscribe, from `start` on (nanoseconds UTC) when it is given, and let the records come."""
        self.subscribe(self._config.schema, list(symbols), self._config.stype_in, start=start, subscription_id=0)
        self.start()

    async def watch(self) -> None:
        """Wait for the end. Raises FeedDisconnected or FeedRefused; a gateway that is silent for too long is lost."""
        seconds = self._config.silence_seconds
        while not self.lost.done():
            left = self._heard_at + seconds - self._loop.time()
            if left <= 0:
                raise FeedDisconnected(f"Databento's gateway has said nothing for {seconds:g} s, not even that it is there")
            await asyncio.wait([self.lost], timeout=left)
        raise self.lost.result()

    def _fail(self, error: Exception) -> None:
        if not self.lost.done():
            self.lost.set_result(error)
        self.transport.abort()


@asynccontextmanager
async def connected(config: DatabentoFeedConfig, hear: Hear, flush: Flush) -> AsyncIterator[Line]:
    """Connect and log in; close at the end of the block. Raises FeedDisconnected and FeedRefused."""
    host, port = config.address
    await Pace.of(config.address).turn()
    try:
        async with asyncio.timeout(config.timeout_seconds):
            _, line = await asyncio.get_running_loop().create_connection(lambda: Line(config, hear, flush), host, port)
    except TimeoutError:
        raise FeedDisconnected(
            f"Databento's gateway {host}:{port} did not answer within {config.timeout_seconds:g} s"
        ) from None
    except OSError as error:
        raise FeedDisconnected(f"Databento's gateway {host}:{port} cannot be reached: {error.strerror or error}") from None
    try:
        await line.log_in()
        yield line
    finally:
        line.transport.abort()
        _let_go(line)


def _let_go(line: Line) -> None:
    """Take a connection out of where Python 3.13 keeps every object that has had a `singledispatchmethod` called, for ever.

    The SDK's protocol has one; its connections, of 64 KiB and more each, would never be freed.
    """
    method = DatabentoLiveProtocol.__dict__.get("_handle_gateway_message")
    cache = getattr(method, "_method_cache", None)
    if cache is not None:
        cache.pop(line, None)
