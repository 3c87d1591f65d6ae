"""A feed for the toy source, as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
from toy_line import PATIENCE, Refused, ToyLine
from toy_server import KEY
from toy_source import SYMBOLS, ToySource

from ml4t.live.contracts import Sink
from ml4t.live.errors import FeedDisconnected, FeedRefused
from ml4t.live.model import MarketEvent, Trade


class ToyFeed:
    """The feed contract over a `ToyLine`, without history."""

    historical = False
    line = ToyLine

    def __init__(self, symbols: Sequence[str], address: tuple[str, int], key: str = KEY) -> None:
        self.symbols = tuple(symbols)
        self._address = address
        self._key = key
        self._line: ToyLine | None = None
        self._sink: Sink | None = None

    async def run(self, sink: Sink) -> None:
        self._sink = sink
        self._line = line = self.line(self._pushed, sink.alive)
        try:
            await line.open(self._address, self._key)
            await self._subscribe(line)
            why = await line.lost
        except Refused as error:
            raise FeedRefused(f"the toy source refused the key: {error}") from None
        except (OSError, TimeoutError) as error:
            raise FeedDisconnected(f"the toy source cannot be reached: {error!r}") from None
        finally:
            self._line = self._sink = None
            await line.close()
        raise FeedDisconnected(why)

    async def _subscribe(self, line: ToyLine) -> None:
        await line.ask("subscribe", symbols=self.symbols)

    def _pushed(self, message: dict[str, Any]) -> None:
        if self._sink is not None:
            self._sink.push(self._trade(message["trade"]))

    def _trade(self, said: dict[str, Any], *, backfilled: bool = False) -> Trade:
        return Trade(said["symbol"], said["time"], said["price"], said["size"], source="toy", backfilled=backfilled)


class ToyFeedWithHistory(ToyFeed):
    """The same, which can fetch what was missed."""

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[MarketEvent]:
        if self._line is None:
            raise FeedDisconnected("not connected")
        try:
            answer = await self._line.ask("history", symbol=symbol, start=start, end=end)
        except (OSError, TimeoutError) as error:
            raise FeedDisconnected(f"no history: {error!r}") from None
        return [self._trade(each, backfilled=True) for each in answer["trades"]]


@attrs.define
class ToyFeedRig:
    """The toy source, and feeds of one class."""

    source: ToySource
    kind: type[ToyFeed] = ToyFeedWithHistory
    symbols: Sequence[str] = SYMBOLS
    unknown_symbol: str = "NOPE"
    secrets: Sequence[str] = (KEY,)
    exempt: dict[str, str] = attrs.field(factory=dict)
    patience: float = PATIENCE

    def feed(
        self, symbols: Sequence[str], *, address: tuple[str, int] | None = None, wrong_credentials: bool = False
    ) -> ToyFeed:
        return self.kind(symbols, address or self.source.address, "wrong" if wrong_credentials else KEY)


def maker(kind: type[ToyFeed] = ToyFeedWithHistory, **exempt: str) -> Any:
    """Return what makes rigs with feeds of a class."""

    @asynccontextmanager
    async def make() -> Any:
        with ToySource() as source:
            yield ToyFeedRig(source, kind, exempt=exempt)

    return make
