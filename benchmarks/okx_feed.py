"""Measures the OKX feed: trades per second of CPU time, from the socket to the event that the engine takes from its inbox.

`feed` is all of it over a loopback websocket, one trade a frame, as OKX sends them; `client` is the HTTP client alone, which
reads the frames and does nothing with them. The server is a process of its own, and its time does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.inbox import Inbox
from ml4t_live_okx.feed import OKXFeed
from ml4t_live_okx.simulator.instruments import catalogue

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "BTC-USDT-SWAP")
START = 1_767_600_000_000
GOAL = 50_000


def frame(number: int) -> str:
    """Return a frame as OKX sends it."""
    symbol = SYMBOLS[number % len(SYMBOLS)]
    trade = {
        "instId": symbol,
        "tradeId": str(130_639_474 + number),
        "px": str(42_219.9 + number % 101 / 10),
        "sz": "0.12060306",
    }
    more = {"side": "buy", "ts": str(START + number), "count": "3", "seqId": 1_234 + number}
    return json.dumps({"arg": {"channel": "trades", "instId": symbol}, "data": [{**trade, **more}]})


def serve(count: int, port: multiprocessing.Queue) -> None:
    """Serve one stream of trades after another, and the questions that a feed asks first."""
    frames = [frame(number) for number in range(count)]
    listed = catalogue(time.time_ns())

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/time"):
            data = [{"ts": str(time.time_ns() // 1_000_000)}]
        else:
            data = [listed[request.query["instId"]].as_json(request.query["instType"])]
        return web.json_response({"code": "0", "msg": "", "data": data})

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        for arg in json.loads((await socket.receive()).data)["args"]:
            await socket.send_str(json.dumps({"event": "subscribe", "arg": arg, "connId": "a4d3ae55"}))
        for each in frames:
            await socket.send_str(each)
        await socket.receive()
        return socket

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/ws/v5/public", stream)
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

    def see(self) -> None:
        """Count one."""
        if not self.began:
            self.began = time.process_time()
        self.left -= 1
        if not self.left:
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


async def feed(count: int, port: int) -> float:
    """All of it."""
    watch = Watch(count)
    made = OKXFeed(symbols=SYMBOLS, url=f"http://127.0.0.1:{port}")
    return await timed(made.run(Sink(watch)), watch)


async def client(count: int, port: int) -> float:
    """The HTTP client alone."""
    watch = Watch(count)

    async def read() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}/ws/v5/public") as socket:
            args = [{"channel": "trades", "instId": symbol} for symbol in SYMBOLS]
            await socket.send_str(json.dumps({"op": "subscribe", "args": args}))
            for _ in args:
                await socket.receive()
            while True:
                await socket.receive()
                watch.see()

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
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    whole, theirs = (measure(case, given.messages, given.rounds) for case in (feed, client))
    mark = "goal" if whole >= GOAL else "missed"
    print(f"{given.messages:,} trades, the best of {given.rounds} rounds; trades per second of CPU time\n")
    print(f"feed {whole:>9,.0f} ({mark}: {GOAL:,})   client {theirs:>9,.0f}")
    print(f"of the time of the feed the client takes {whole / theirs:.0%}")


if __name__ == "__main__":
    main()
