"""A source that has to be asked over HTTP, and rigs of it: what simulators of vendors that are polled are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from ml4t.live.clock import SystemClock
from ml4t.live.contracts.feed import Feed
from ml4t.live.testing.http_server import HttpServer, Request, Response
from ml4t.live.testing.rig import Address
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS

QUICK_POLLING: Mapping[str, Any] = MappingProxyType(
    {
        "every": NANOS // 20,
        "delay": 0,
        "requests": 100_000,
        "per": NANOS,
        "concurrency": 2,
        "timeout_seconds": 2.0,
        "pause_seconds": 0.2,
    }
)
"""Options of a `PollingConfig` under which a feed asks often, and nobody waits long for a test."""

_clock = SystemClock()


class PolledSource(HttpServer):
    """Minutes of some symbols, and everything that such a source does besides answering.

    A subclass writes `tell` and `place`. The present of the source begins with one minute per symbol at `start` (nanoseconds
    UTC), and should be long over: what `emit` lets happen is complete at once.
    """

    def __init__(self, symbols: Iterable[str], start: int) -> None:
        super().__init__()
        self.says: list[Response] = []
        """What it answers instead of bars, oldest first."""
        self.asked: list[Request] = []
        self.asked_at: list[int] = []
        """When each was asked (monotonic nanoseconds)."""
        self.present = start
        """When the last minute began that `emit` let happen (nanoseconds UTC)."""
        self._heard: dict[object, Counter[str]] = {}
        self._held: list[tuple[str, int, float, float]] | None = None
        for symbol in symbols:
            self.place(symbol, start, 99.0, 1.0)

    @abstractmethod
    def tell(self, request: Request) -> Response:
        """Answer a request, and call `heard` for a symbol that there is; on the server's thread."""

    @abstractmethod
    def place(self, symbol: str, start: int, price: float, size: float) -> None:
        """Write down the minute of `symbol` that begins at `start` (nanoseconds UTC), as the source writes times."""

    def following(self, moment: int) -> int:
        """Return the start of the minute of trading after the one that begins at `moment`."""
        return moment + MINUTE

    def heard(self, request: Request, symbol: str) -> None:
        """Note that somebody asks for a symbol, for as long as his connection is open."""
        self._heard.setdefault(request.connection, Counter())[symbol] += 1

    def answer(self, request: Request) -> Response:
        """Answer with what was said instead, or with bars."""
        self.asked.append(request)
        self.asked_at.append(_clock.monotonic())
        return self.says.pop(0) if self.says else self.tell(request)

    # ------------------------------------------------------------------ called from the test's thread

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that were asked for twice on connections that are open: the first answer has arrived by then."""

        def count() -> Counter[str]:
            return sum((self._heard.get(each, Counter()) for each in self.open_connections), Counter())

        return frozenset(symbol for symbol, times in self.call(count).items() if times > 1)

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let the next minute trade at one price; return its start, nanoseconds UTC."""

        def happen() -> int:
            self.present = self.following(self.present)
            self._take(symbol, self.present, price, size)
            return self.present

        return self.call(happen)

    def emit_at(self, symbol: str, start: int, price: float) -> None:
        """Let the minute that begins at `start` (nanoseconds UTC) trade at one price."""
        self.call(lambda: self._take(symbol, start, price, 1.0))

    def begin(self, symbol: str, price: float) -> int:
        """Let the present minute trade, which is not over yet; return its start, nanoseconds UTC."""
        start = _clock.now() // MINUTE * MINUTE
        self.emit_at(symbol, start, price)
        return start

    def late(self, on: bool) -> None:
        """While it is on, what happens is written down and not told; what has gathered is told when it ends."""

        def turn() -> None:
            held, self._held = self._held or [], [] if on else None
            for each in held:
                self._take(*each)

        self.call(turn)

    def say(self, *answers: Response) -> int:
        """Answer the next requests so; return how many there were before."""

        def take() -> int:
            self.says = list(answers)
            return len(self.asked)

        return self.call(take)

    def _take(self, symbol: str, start: int, price: float, size: float) -> None:
        if self._held is not None:
            self._held.append((symbol, start, price, size))
        else:
            self.place(symbol, start, price, size)


@frozen(kw_only=True)
class PolledRig:
    """A polled source and feeds of it: a `FeedRig`.

    `make` is called with the source's address (`http://...`), the symbols, and True when the feed is to have wrong credentials.
    What it makes asks as often as `QUICK_POLLING` says, and its bars are minutes.
    """

    source: PolledSource
    make: Callable[[str, Sequence[str], bool], Feed]
    symbols: Sequence[str]
    unknown_symbol: str
    secrets: Sequence[str] = ()
    exempt: Mapping[str, str] = field(factory=dict)
    patience: float = 3.0

    def feed(self, symbols: Sequence[str], *, address: Address | None = None, wrong_credentials: bool = False) -> Feed:
        """Return a new feed of these symbols; `address` is the source's own when it is None."""
        host, port = address or self.source.address
        return self.make(f"http://{host}:{port}", symbols, wrong_credentials)
