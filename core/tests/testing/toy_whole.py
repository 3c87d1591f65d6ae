"""A toy vendor: venue and source in one rig, as the soak wants it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
from toy_broker import ToyBroker
from toy_feed import ToyFeed, ToyFeedWithHistory
from toy_line import PATIENCE
from toy_server import KEY
from toy_source import SYMBOLS, ToySource
from toy_venue import ToyVenue


@attrs.define(kw_only=True)
class ToyData:
    """A source, and feeds of one class."""

    source: ToySource
    feed_kind: type[ToyFeed] = ToyFeedWithHistory
    symbols: Sequence[str] = SYMBOLS
    unknown_symbol: str = "NOPE"
    secrets: Sequence[str] = (KEY,)
    exempt: dict[str, str] = attrs.field(factory=dict)
    patience: float = PATIENCE

    def feed(
        self, symbols: Sequence[str], *, address: tuple[str, int] | None = None, wrong_credentials: bool = False
    ) -> ToyFeed:
        return self.feed_kind(symbols, address or self.source.address, "wrong" if wrong_credentials else KEY)


@attrs.define(kw_only=True)
class ToyRig(ToyData):
    """A venue as well, and brokers of one class."""

    venue: ToyVenue
    broker_kind: type[ToyBroker] = ToyBroker
    symbol: str = "AAA"
    second_symbol: str = "BBB"

    def broker(self, *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> ToyBroker:
        return self.broker_kind(address or self.venue.address, "wrong" if wrong_credentials else KEY)


def maker(broker: type[ToyBroker] | None = ToyBroker, feed: type[ToyFeed] = ToyFeedWithHistory) -> Any:
    """Return what makes rigs with adapters of these classes; without a broker, of data alone."""

    @asynccontextmanager
    async def make() -> Any:
        with ToyVenue() as venue, ToySource() as source:
            if broker is None:
                yield ToyData(source=source, feed_kind=feed)
            else:
                yield ToyRig(source=source, feed_kind=feed, venue=venue, broker_kind=broker)

    return make


whole_rig = maker()
data_rig = maker(None)
