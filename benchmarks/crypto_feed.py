"""Measures the feed of the crypto plugin: trades per second of CPU time, from the socket to the event that the engine takes.

`feed` is all of it over a loopback websocket, one trade a frame, as Binance sends them; `ccxt` is ccxt alone, which reads the
frames into its own dicts, and nothing is done with them. The server is a process of its own, and its time does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.inbox import Inbox
from ml4t_live_crypto.config import CryptoFeedConfig
from ml4t_live_crypto.exchange import let_go, made, prepare
from ml4t_live_crypto.feed import CryptoFeed
from ml4t_live_crypto.simulator.pairs import catalogue

SYMBOL = "BTC/USDT"
START = 1_767_600_000_000
GOAL = 10_000


def frame(number: int) -> str:
    """Return a frame as Binance sends it."""
    said = {
        "e": "aggTrade",
        "E": START + number,
        "s": "BTCUSDT",
        "a": 26_129 + number,
        "p": f"{42_219.9 + number % 101 / 10:.2f}",
    }
    return json.dumps({**said, "q": "0.12060", "f": 100 + number, "l": 100 + number, "T": START + number, "m": True, "M": True})


def serve(count: int, port: multiprocessing.Queue) -> None:
    """Serve one stream of trades after another, and the questions that a feed asks first."""
    frames = [frame(number) for number in range(count)]

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/time"):
            return web.json_response({"serverTime": time.time_ns() // 1_000_000})
        return web.json_response({"symbols": [pair.as_json() for pair in catalogue().values()]})

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        asked = await socket.receive()
        if asked.type is not WSMsgType.TEXT:
            return socket  # it has gone again
        await socket.send_str(json.dumps({"result": None, "id": asked.json()["id"]}))
        for each in frames:
            await socket.send_str(each)
        await socket.receive()
        return socket

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/{host}/ws/{number}", stream)
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.put(runner.addresses[0][1])
        await asyncio.get_running_loop().create_future()

    asyncio.run(main())


class Watch:
    """CPU time from the first to the last of so many trades."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.done = asyncio.Event()
        self.began = 0.0
        self.seconds = 0.0

    def see(self, count: int = 1) -> None:
        """Count some."""
        if not self.began:
            self.began = time.process_time()
        self.left -= count
        if self.left <= 0:
            self.seconds = time.process_time() - self.began
            self.done.set()


class Engine:
    """Behind a real inbox: takes batches as the engine does, and does nothing with them."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def step(self, event: object) -> bool:
        """Process one event."""
        self._watch.see()
        return False

    def begin_batch(self) -> None:
        """Prepare nothing."""

    def end_batch(self) -> None:
        """Leave nothing to do."""


class Sink:
    """The way of a feed into an inbox that is drained."""

    def __init__(self, watch: Watch) -> None:
        inbox = Inbox(asyncio.get_running_loop(), lambda _: None, Barrier(), on_gap=self._fail, on_error=self._fail)
        inbox.attach(Engine(watch))
        self.push, self.push_many, self.ready = inbox.push, inbox.push_many, inbox.ready

    def alive(self) -> None:
        """Take no note."""

    @staticmethod
    def _fail(error: object) -> None:
        raise RuntimeError(repr(error))


def options(port: int) -> CryptoFeedConfig:
    """Return where the server is."""
    return CryptoFeedConfig(exchange="binance", symbols=[SYMBOL], url=f"http://127.0.0.1:{port}/{{host}}")


async def feed(count: int, port: int) -> float:
    """All of it."""
    watch = Watch(count)
    return await timed(CryptoFeed(options(port)).run(Sink(watch)), watch)


async def ccxt(count: int, port: int) -> float:
    """Ccxt alone."""
    watch = Watch(count)

    async def read() -> None:
        exchange = made(options(port))
        try:
            await prepare(exchange)
            while True:
                watch.see(len(await exchange.watch_trades(SYMBOL, params={"name": "aggTrade"})))
        finally:
            await let_go(exchange)

    return await timed(read(), watch)


async def timed(work: Awaitable[None], watch: Watch) -> float:
    """Run until all have come; return the CPU seconds that it took."""
    running = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(watch.done.wait())
    try:
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, waiting):
            task.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
    return watch.seconds


def measure(case: Callable[[int, int], Awaitable[float]], count: int, rounds: int) -> float:
    """Return the trades per CPU second of the best of some rounds."""
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue = context.Queue()
    server = context.Process(target=serve, args=(count, port), daemon=True)
    server.start()
    try:
        address = port.get(timeout=60)
        seconds = min(asyncio.run(case(count, address)) for _ in range(rounds))
    finally:
        server.kill()
        server.join()
    return count / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    whole, theirs = (measure(case, given.messages, given.rounds) for case in (feed, ccxt))
    mark = "goal" if whole >= GOAL else "missed"
    print(f"{given.messages:,} trades, the best of {given.rounds} rounds; trades per second of CPU time\n")
    print(f"feed {whole:>9,.0f} ({mark}: {GOAL:,})   ccxt {theirs:>9,.0f}")
    print(f"of the time of the feed ccxt takes {whole / theirs:.0%}")


if __name__ == "__main__":
    main()
