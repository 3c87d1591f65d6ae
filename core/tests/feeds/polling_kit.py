"""A toy vendor that is polled over HTTP: its server, a feed of it, and a rig of both for the conformance kit."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

from ml4t.live.errors import UNAUTHORIZED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused, LiveError
from ml4t.live.feeds.polling import PollingFeed, RateLimited
from ml4t.live.feeds.polling_config import PollingConfig
from ml4t.live.feeds.retry_after import seconds_to_retry
from ml4t.live.model import Bar
from ml4t.live.testing.http_server import Response
from ml4t.live.testing.polled import QUICK_POLLING, PolledRig, PolledSource
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS
START = 1_767_623_400 * NANOS
KEY = "toy-key-4711"


class ToySource(PolledSource):
    """Answers `/bars?symbol=&since=&key=` with rows of minutes that are long over."""

    def __init__(self):
        self.rows = {}
        super().__init__(("AAA", "BBB"), START)

    def place(self, symbol, start, price, size):
        self.rows.setdefault(symbol, []).append({"time": start, "price": price, "size": size})

    def tell(self, request):
        if request.query["key"] != KEY:
            return Response.json({"error": "key"}, 401)
        symbol = request.query["symbol"]
        if symbol not in self.rows:
            return Response.json({"error": "symbol"}, 404)
        self.heard(request, symbol)
        since = int(request.query["since"])
        return Response.json([row for row in self.rows[symbol] if row["time"] >= since])


class Polling(PollingFeed):
    """Speaks HTTP over one connection."""

    def __init__(self, config, address, key=KEY, **options):
        super().__init__(config, **options)
        self._address = address
        self._key = key
        self._writers = []
        self._free = []

    async def fetch(self, symbol, since):
        status, body, retry = await self._get(f"/bars?symbol={symbol}&since={since or 0}&key={self._key}")
        if status == 401:
            raise FeedRefused("the toy vendor does not know this key", code=UNAUTHORIZED)
        if status == 404:
            raise FeedRefused(f"the toy vendor does not know {symbol}", code=UNKNOWN_SYMBOL)
        if status == 429:
            raise RateLimited("slower", retry_after=seconds_to_retry(retry, self._clock.now()))
        if status != 200:
            raise LiveError(f"the toy vendor answers {status}")
        rows = json.loads(body)
        return [Bar(symbol, r["time"], *[r["price"]] * 4, r["size"], interval=MINUTE, source="toy") for r in rows]

    async def close(self):
        for writer in self._writers:
            writer.transport.abort()
        self._writers, self._free = [], []

    async def _get(self, target):
        try:
            reader, writer = self._free.pop() if self._free else await self._connect()
            writer.write(f"GET {target} HTTP/1.1\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
            body = await reader.readexactly(int(fields["content-length"]))
        except (OSError, EOFError, asyncio.LimitOverrunError, KeyError) as error:
            raise FeedDisconnected(f"the toy vendor was lost: {type(error).__name__}") from None
        self._free.append((reader, writer))
        return int(head.split()[1]), body, fields.get("retry-after")

    async def _connect(self):
        reader, writer = await asyncio.open_connection(*self._address)
        self._writers.append(writer)
        return reader, writer


def polled(kind=Polling):
    """Return what makes rigs of a kind of feed."""

    def make(url, symbols, wrong):
        host, port = url.removeprefix("http://").split(":")
        config = PollingConfig(symbols=symbols, **QUICK_POLLING)
        return kind(config, (host, int(port)), "wrong" if wrong else KEY)

    @asynccontextmanager
    async def rig():
        with ToySource() as source:
            yield PolledRig(source=source, make=make, symbols=("AAA", "BBB"), unknown_symbol="NOPE", secrets=(KEY,))

    return rig
