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


@attrs.define
class ToyRig:
    """Both, and adapters of one class each."""

    venue: ToyVenue
    source: ToySource
    broker_kind: type[ToyBroker] = ToyBroker
    feed_kind: type[ToyFeed] = ToyFeedWithHistory
    symbol: str = "AAA"
    second_symbol: str = "BBB"
    symbols: Sequence[str] = SYMBOLS
    unknown_symbol: str = "NOPE"
    secrets: Sequence[str] = (KEY,)
    exempt: dict[str, str] = attrs.field(factory=dict)
    patience: float = PATIENCE

    def broker(self, *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> ToyBroker:
        return self.broker_kind(address or self.venue.address, "wrong" if wrong_credentials else KEY)

    def feed(
        self, symbols: Sequence[str], *, address: tuple[str, int] | None = None, wrong_credentials: bool = False
    ) -> ToyFeed:
        return self.feed_kind(symbols, address or self.source.address, "wrong" if wrong_credentials else KEY)


def maker(broker: type[ToyBroker] = ToyBroker, feed: type[ToyFeed] = ToyFeedWithHistory) -> Any:
    """Return what makes rigs with adapters of these classes."""

    @asynccontextmanager
    async def make() -> Any:
        with ToyVenue() as venue, ToySource() as source:
            yield ToyRig(venue, source, broker, feed)

    return make


whole_rig = maker()
