"""Measures the Databento feed: records of the live gateway per second of CPU time, with the SDK and without it.

`adapter` is our part alone: a record as the SDK has decoded it, to an event in the engine's inbox. `feed` is all of it from a
loopback socket; `sdk` is the SDK's own client with a callback that does nothing. The server is a process of its own, and its
time does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable

import databento
from databento_dbn import DBNDecoder

from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.inbox import Inbox
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.feed import DatabentoFeed
from ml4t_live_databento.session import Session
from ml4t_live_databento.simulator.encoding import SERIES, Happened, mapping, metadata

DATASET = "XNAS.ITCH"
KEY = "db-benchmarkbenchmarkbenchmark00"
SYMBOLS = tuple(f"S{number:02}" for number in range(20))
NOW = time.time_ns() // 10**9 * 10**9
PER_READ = 1_000
GOAL = 200_000
SCHEMAS = ("ohlcv-1s", "trades", "mbp-1")


def beginning() -> bytes:
    """Return what a session begins with, now."""
    now = time.time_ns()
    return metadata(DATASET, now) + b"".join(mapping(each, number, "raw_symbol", now) for number, each in enumerate(SYMBOLS))


def records_of(schema: str, count: int) -> bytes:
    """Return the records of a session."""

    def happened(number: int) -> Happened:
        price = 100_000_000_000 + number % 101 * 10_000_000
        moment = NOW + (number // 20 * 10**9 if schema == "ohlcv-1s" else number * 1_000)
        return Happened(SYMBOLS[number % 20], moment, price, price, price, price, 100)

    encode = SERIES[schema].encode
    return b"".join(encode(happened(number), number % 20) for number in range(count))


def serve(schema: str, count: int, port: multiprocessing.Queue) -> None:
    """Serve one session of records after another."""
    records = records_of(schema, count + len(SYMBOLS))

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"lsg_version=0.7.2\ncram=abc\n")
        await reader.readline()
        writer.write(b"success=1|session_id=1\n")
        while await reader.readline() != b"start_session=0\n":
            pass
        writer.write(beginning() + records)
        await reader.read()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(session, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().create_future()

    asyncio.run(main())


class Watch:
    """CPU time from the start to the last of so many records."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.done = asyncio.Event()
        self.began = time.process_time()
        self.seconds = 0.0

    def see(self) -> None:
        """Count one."""
        self.left -= 1
        if self.left == 0:
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
        inbox = Inbox(asyncio.get_running_loop(), lambda _: None, Barrier(), on_gap=_fail, on_error=_fail)
        inbox.attach(Engine(watch))
        self.push, self.push_many, self.ready = inbox.push, inbox.push_many, inbox.ready

    def alive(self) -> None:
        """Take no note."""


def _fail(error: object) -> None:
    raise RuntimeError(error)


def config(schema: str, port: int) -> DatabentoFeedConfig:
    """Return the configuration of a feed."""
    return DatabentoFeedConfig(api_key=KEY, dataset=DATASET, schema=schema, symbols=SYMBOLS, gateway=f"127.0.0.1:{port}")


async def adapter(schema: str, count: int, port: int) -> float:
    """Our part alone."""
    records = records_of(schema, count + len(SYMBOLS))
    decoder = DBNDecoder()
    decoded = decoder.write_and_decode(beginning() + records)[1:]
    session = Session(config(schema, port), SYMBOLS)
    watch = Watch(_events(schema, count))
    sink = Sink(watch)
    watch.began = time.process_time()
    for at in range(0, len(decoded), PER_READ):
        for record in decoded[at : at + PER_READ]:
            session.hear(record)
        sink.push_many(session.translator.take())
        await asyncio.sleep(0)  # a read of the socket is a turn of the loop
    await watch.done.wait()
    return watch.seconds


async def feed(schema: str, count: int, port: int) -> float:
    """All of it."""
    watch = Watch(_events(schema, count))
    running = asyncio.ensure_future(DatabentoFeed(config(schema, port)).run(Sink(watch)))
    await asyncio.wait([running, asyncio.ensure_future(watch.done.wait())], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return watch.seconds


async def sdk(schema: str, count: int, port: int) -> float:
    """The SDK's client with a callback that does nothing."""
    loop, watch = asyncio.get_running_loop(), Watch(count)
    done, watch.done = asyncio.Event(), asyncio.Event()
    left = count

    def take(_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            watch.seconds = time.process_time() - watch.began
            loop.call_soon_threadsafe(done.set)

    client = databento.Live(key=KEY, gateway="127.0.0.1", port=port)
    client.add_callback(take)
    await asyncio.to_thread(client.subscribe, DATASET, schema, list(SYMBOLS))
    watch.began = time.process_time()
    client.start()
    await done.wait()
    client.terminate()
    return watch.seconds


def _events(schema: str, count: int) -> int:
    """Return how many events so many records make: a record of the book that is a trade makes two."""
    return count * 2 if schema == "mbp-1" else count


def measure(case: Callable[[str, int, int], Awaitable[float]], schema: str, count: int, rounds: int) -> float:
    """Return the records per CPU second of the best of some rounds."""
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue = context.Queue()
    server = context.Process(target=serve, args=(schema, count, port), daemon=True)
    server.start()
    try:
        address = port.get(timeout=60)
        seconds = min(asyncio.run(case(schema, count, address)) for _ in range(rounds))
    finally:
        server.kill()
        server.join()
    return count / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"{given.records:,} records, the best of {given.rounds} rounds; records per second of CPU time\n")
    for schema in SCHEMAS:
        ours, whole, theirs = (measure(case, schema, given.records, given.rounds) for case in (adapter, feed, sdk))
        mark = "goal" if whole >= GOAL else "missed"
        print(f"{schema:<9} adapter {ours:>9,.0f}   feed {whole:>9,.0f} ({mark}: {GOAL:,})   sdk {theirs:>9,.0f}")


if __name__ == "__main__":
    main()
