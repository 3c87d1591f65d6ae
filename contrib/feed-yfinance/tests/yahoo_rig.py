"""A simulated Yahoo, and feeds of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from feed_yfinance.config import YahooConfig
from feed_yfinance.feed import YahooFeed
from feed_yfinance.simulator import YahooSimulator
from ml4t.live.times import NANOS

ASKED_AGAIN = "aiohttp asks again by itself when a connection is cut before the answer begins"
QUICK = {"every": NANOS // 20, "requests": 100_000, "concurrency": 2, "timeout_seconds": 1.0, "delay": 0}


def feed_at(url, *symbols, **options):
    """Return a feed that asks often."""
    return YahooFeed(YahooConfig(**{"symbols": symbols, "url": url, **QUICK, **options}))


class YahooRig:
    symbols = ("SPY", "BTC-USD")
    unknown_symbol = "NOSUCH"
    secrets = ()
    patience = 2.0

    def __init__(self, source):
        self.source = source
        self.exempt = {
            "a_line_cut_while_connecting_is_a_disconnection": ASKED_AGAIN,
            "wrong_credentials_are_refused_at_once": "there are no keys",
        }

    def feed(self, symbols, *, address=None, wrong_credentials=False):
        host, port = address or self.source.address
        return feed_at(f"http://{host}:{port}", *symbols)


@asynccontextmanager
async def yahoo_rig():
    with YahooSimulator() as source:
        yield YahooRig(source)


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
