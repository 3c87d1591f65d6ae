"""Measures the Alpaca feed: messages of the market-data stream per second of CPU time, with the SDK and without it.

`adapter` is our part alone: a message as the SDK has decoded it, to an event in the engine's inbox. `feed` is all of it over
a loopback socket, frames of fifty messages as a busy market sends them; `sdk` is the same with a handler of the SDK's that
does nothing. The server is a process of its own, and its time does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable

import msgpack
import websockets

from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.inbox import Inbox
from ml4t_live_alpaca.config import AlpacaFeedConfig
from ml4t_live_alpaca.feed import KINDS, AlpacaFeed, Ear
from ml4t_live_alpaca.market import MarketStream
from ml4t_live_alpaca.sdk import DataStream

SYMBOLS = tuple(f"S{number:02}" for number in range(20))
PER_FRAME = 50
START = 1_767_600_000 * 10**9
GOAL = 50_000


def messages(kind: str, count: int) -> list[dict]:
    """Return messages of a kind as they are sent."""

    def common(number: int) -> dict:
        return {"S": SYMBOLS[number % 20], "t": msgpack.Timestamp.from_unix_nano(START + number * 10**6)}

    if kind == "trades":
        more = {"T": "t", "x": "V", "s": 100, "c": ["@"], "z": "C"}
        return [common(n) | more | {"i": n, "p": 100 + n % 101 * 0.01} for n in range(count)]
    more = {"T": "b", "o": 100.0, "h": 101.0, "l": 99.0, "c": 100.5, "v": 1_000, "n": 17, "vw": 100.2}
    return [common(n) | more for n in range(count)]


def serve(kind: str, count: int, port: multiprocessing.Queue) -> None:
    """Serve one stream of messages after another."""
    said = messages(kind, count)
    frames = [msgpack.packb(said[at : at + PER_FRAME]) for at in range(0, count, PER_FRAME)]

    async def stream(socket: websockets.ServerConnection) -> None:
        await socket.send(msgpack.packb([{"T": "success", "msg": "connected"}]))
        await socket.recv()
        await socket.send(msgpack.packb([{"T": "success", "msg": "authenticated"}]))
        await socket.recv()
        for frame in frames:
            await socket.send(frame)
        await socket.wait_closed()

    async def main() -> None:
        async with websockets.serve(stream, "127.0.0.1", 0, compression=None) as server:
            port.put(server.sockets[0].getsockname()[1])
            await asyncio.get_running_loop().create_future()

    asyncio.run(main())


class Watch:
    """CPU time from the start to the last of so many messages."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.done = asyncio.Event()
        self.began = time.process_time()
        self.seconds = 0.0

    def see(self, count: int) -> None:
        """Count messages."""
        self.left -= count
        if not self.left:
            self.seconds = time.process_time() - self.began
            self.done.set()


class Engine:
    """Behind a real inbox: takes batches as the engine does, and does nothing with them."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def step(self, event: object) -> bool:
        """Process one event."""
        self._watch.see(1)
        return False

    def begin_batch(self) -> None:
        """Prepare nothing."""

    def end_batch(self) -> None:
        """Leave nothing to do."""


def inbox_of(watch: Watch) -> Inbox:
    """Return an inbox that is drained."""

    def fail(error: BaseException) -> None:
        raise error

    inbox = Inbox(asyncio.get_running_loop(), lambda _: None, Barrier(), on_gap=fail, on_error=fail)
    inbox.attach(Engine(watch))
    return inbox


class Sink:
    """The way of a feed into an inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self.push, self.push_many, self.ready = inbox.push, inbox.push_many, inbox.ready

    def alive(self) -> None:
        """Take no note."""


def config(kind: str, url: str = "") -> AlpacaFeedConfig:
    """Return the configuration of a feed."""
    return AlpacaFeedConfig(api_key="key", secret_key="secret", symbols=SYMBOLS, data_type=kind, url=url)


async def adapter(kind: str, count: int, _: int) -> float:
    """Our part alone."""
    said = messages(kind, count)
    stream = MarketStream(config(kind), "ws://127.0.0.1:1")
    watch = Watch(count)
    await stream.join(Ear(Sink(inbox_of(watch)), {each: frozenset(SYMBOLS) for each in KINDS[kind]}, set()))
    watch.began = time.process_time()
    for at in range(0, count, PER_FRAME):
        for each in said[at : at + PER_FRAME]:
            await stream._dispatch(each)
        await asyncio.sleep(0)  # a frame of the socket is a turn of the loop
    await watch.done.wait()
    return watch.seconds


async def feed(kind: str, count: int, port: int) -> float:
    """All of it."""
    made = AlpacaFeed(config(kind, f"http://127.0.0.1:{port}"))
    made._listed = frozenset(SYMBOLS)  # the server has no REST API
    watch = Watch(count)
    return await _timed(made.run(Sink(inbox_of(watch))), watch)


async def sdk(kind: str, count: int, port: int) -> float:
    """The SDK with a handler that does nothing."""
    watch = Watch(count)

    async def handle(message: dict) -> None:
        watch.see(1)

    stream = DataStream(f"ws://127.0.0.1:{port}", "key", "secret", raw_data=True)
    stream._subscribe(handle, SYMBOLS, stream._handlers[kind])
    return await _timed(stream._run_forever(), watch)


async def _timed(work: Awaitable[None], watch: Watch) -> float:
    running = asyncio.ensure_future(work)
    try:
        await asyncio.wait([running, asyncio.ensure_future(watch.done.wait())], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return watch.seconds


def measure(case: Callable[[str, int, int], Awaitable[float]], kind: str, count: int, rounds: int) -> float:
    """Return the messages per CPU second of the best of some rounds."""
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue = context.Queue()
    server = context.Process(target=serve, args=(kind, count, port), daemon=True)
    server.start()
    try:
        address = port.get(timeout=60)
        seconds = min(asyncio.run(case(kind, count, address)) for _ in range(rounds))
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
    print(f"{given.messages:,} messages, the best of {given.rounds} rounds; messages per second of CPU time\n")
    for kind in ("bars", "trades"):
        ours, whole, theirs = (measure(case, kind, given.messages, given.rounds) for case in (adapter, feed, sdk))
        mark = "goal" if ours >= GOAL else "missed"
        print(f"{kind:<7} adapter {ours:>9,.0f} ({mark}: {GOAL:,})   feed {whole:>9,.0f}   sdk {theirs:>9,.0f}")
        print(f"{'':<7} of the time of the feed the SDK's decoding takes {whole / theirs:.0%}\n")


if __name__ == "__main__":
    main()
