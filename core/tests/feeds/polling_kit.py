"""A toy vendor that is polled over HTTP: its server, a feed of it, and a rig of both for the conformance kit."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

from ml4t.live.errors import UNAUTHORIZED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused
from ml4t.live.feeds.polling import PollingFeed, RateLimited
from ml4t.live.feeds.polling_config import PollingConfig
from ml4t.live.model import Bar
from ml4t.live.testing.http_server import HttpServer, Response
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS
START = 1_767_623_400 * NANOS
KEY = "toy-key-4711"
QUICK = {"every": NANOS // 20, "requests": 100_000, "concurrency": 2, "timeout_seconds": 1.0}


class PolledSource(HttpServer):
    """Answers `/bars?symbol=&since=&key=` with rows of minutes that are long over. It has had one minute already."""

    def __init__(self):
        super().__init__()
        self.rows = {symbol: [self._row(0, 99.0)] for symbol in ("AAA", "BBB")}
        self._asked = {}
        self._minutes = 0

    @staticmethod
    def _row(minute, price, size=1.0):
        return {"time": START + minute * MINUTE, "price": price, "size": size}

    @property
    def subscriptions(self):
        return self.call(lambda: frozenset(s for c in self.open_connections for s in self._asked.get(c, ())))

    def emit(self, symbol, price, size=1.0):
        def happen():
            self._minutes += 1
            row = self._row(self._minutes, price, size)
            self.rows[symbol].append(row)
            return row["time"]

        return self.call(happen)

    def answer(self, request):
        if request.query["key"] != KEY:
            return Response.json({"error": "key"}, 401)
        symbol = request.query["symbol"]
        if symbol not in self.rows:
            return Response.json({"error": "symbol"}, 404)
        self._asked.setdefault(request.connection, set()).add(symbol)
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
        status, body = await self._get(f"/bars?symbol={symbol}&since={since or 0}&key={self._key}")
        if status == 401:
            raise FeedRefused("the toy vendor does not know this key", code=UNAUTHORIZED)
        if status == 404:
            raise FeedRefused(f"the toy vendor does not know {symbol}", code=UNKNOWN_SYMBOL)
        if status == 429:
            raise RateLimited("slower")
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
            lengths = [int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")]
            body = await reader.readexactly(lengths[0])
        except (OSError, EOFError, asyncio.LimitOverrunError, IndexError) as error:
            raise FeedDisconnected(f"the toy vendor was lost: {type(error).__name__}") from None
        self._free.append((reader, writer))
        return int(head.split()[1]), body

    async def _connect(self):
        reader, writer = await asyncio.open_connection(*self._address)
        self._writers.append(writer)
        return reader, writer


class PolledRig:
    symbols = ("AAA", "BBB")
    unknown_symbol = "NOPE"
    secrets = (KEY,)
    patience = 2.0

    def __init__(self, source):
        self.source = source
        self.exempt = {}

    def feed(self, symbols, *, address=None, wrong_credentials=False):
        config = PollingConfig(symbols=symbols, **QUICK)
        return Polling(config, address or self.source.address, "wrong" if wrong_credentials else KEY)


@asynccontextmanager
async def polled_rig():
    with PolledSource() as source:
        yield PolledRig(source)
