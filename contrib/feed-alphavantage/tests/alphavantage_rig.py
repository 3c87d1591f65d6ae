"""A simulated Alpha Vantage, and feeds of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from feed_alphavantage.config import AlphaVantageConfig
from feed_alphavantage.feed import AlphaVantageFeed
from feed_alphavantage.simulator import KEY, AlphaVantageSimulator
from ml4t.live.times import NANOS

WRONG = "WRONG0KEY4711000"
ASKED_AGAIN = "aiohttp asks again by itself when a connection is cut before the answer begins"
QUICK = {"every": NANOS // 20, "requests": 100_000, "concurrency": 2, "timeout_seconds": 1.0, "interval": "1min", "full": True}


def feed_at(url, *symbols, **options):
    """Return a feed that asks often."""
    return AlphaVantageFeed(AlphaVantageConfig(**{"symbols": symbols, "api_key": KEY, "url": url, **QUICK, **options}))


class AlphaVantageRig:
    symbols = ("IBM", "MSFT")
    unknown_symbol = "NOSUCH"
    secrets = (KEY, WRONG)
    patience = 2.0

    def __init__(self, source):
        self.source = source
        self.exempt = {"a_line_cut_while_connecting_is_a_disconnection": ASKED_AGAIN}

    def feed(self, symbols, *, address=None, wrong_credentials=False):
        host, port = address or self.source.address
        return feed_at(f"http://{host}:{port}", *symbols, api_key=WRONG if wrong_credentials else KEY)


@asynccontextmanager
async def alphavantage_rig():
    with AlphaVantageSimulator() as source:
        yield AlphaVantageRig(source)


class Ears:
    """A sink that keeps everything."""

    def __init__(self):
        self.events, self.answers = [], 0

    def push_many(self, events):
        self.events += events

    async def ready(self):
        pass

    def alive(self):
        self.answers += 1


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a simulator has no event to wait on
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running(feed):
    """Run a feed; yield its sink and its task."""
    ears = Ears()
    task = asyncio.create_task(feed.run(ears))
    try:
        yield ears, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
