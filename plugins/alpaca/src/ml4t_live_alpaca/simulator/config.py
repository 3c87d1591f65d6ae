"""The options of the simulator."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, in_, instance_of

from ml4t.live.config import Duration
from ml4t.live.times import NANOS

SYMBOLS = ("AAPL", "MSFT", "SPY", "BTC/USD", "ETH/USD")


@frozen(kw_only=True)
class AlpacaSimulatorConfig:
    """A simulated Alpaca account and its market."""

    port: int = field(default=0, validator=ge(0))
    """The port on 127.0.0.1; 0 takes a free one."""

    seed: int = 1
    """Where the random walk and the ids begin: the same seed makes the same prices."""

    kind: str = field(default="paper", validator=in_(("paper", "live")))
    """The kind of account: `paper` (its number begins with PA) or `live`."""

    sip: bool = True
    """Whether the plan includes the data of all exchanges; a free one has `iex` only."""

    cash: float = field(default=100_000.0, validator=gt(0))
    """What the account holds at the start, in US dollars."""

    symbols: tuple[str, ...] = field(default=SYMBOLS, converter=tuple)
    """What can be traded and listened to: stocks as `AAPL`, crypto as `BTC/USD`."""

    price: float = field(default=100.0, validator=gt(0))
    """Where every stock starts; crypto starts at a hundred times as much."""

    volatility: float = field(default=0.0005, validator=ge(0))
    """Standard deviation of one step of the random walk, as a fraction of the price."""

    tick: Duration = field(default=NANOS, validator=gt(0))
    """How often prices move."""

    still: bool = False
    """Leave prices where they are, until a test moves them."""

    bar: Duration = field(default=60 * NANOS, validator=gt(0))
    """The length of the bars that the market-data stream sends; Alpaca's are `1m`."""

    replay: str = field(default="", validator=instance_of(str))
    """A CSV file with the columns `symbol`, `price` and optionally `size`: one line is one trade, one line a tick. Empty: a
    random walk."""

    largest_fill: float = field(default=0.0, validator=ge(0))
    """No execution is larger than this; 0 fills orders whole."""

    requests_per_minute: int = field(default=0, validator=ge(0))
    """How many requests are answered per minute before 429; Alpaca allows 200, 0 means no limit."""
