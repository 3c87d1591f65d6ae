"""The options of the simulator."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, in_, instance_of

from ml4t.live.config import Duration
from ml4t.live.times import NANOS


@frozen(kw_only=True)
class BinanceSimulatorConfig:
    """A simulated account at Binance and its spot market: BTC, ETH and SOL against USDT."""

    port: int = field(default=0, validator=ge(0))
    """The port on 127.0.0.1; 0 takes a free one."""

    seed: int = 1
    """Where the random walk and the ids begin: the same seed makes the same prices."""

    kind: str = field(default="paper", validator=in_(("paper", "live")))
    """The kind of account: `paper` (the test environment) or `live`. Their addresses differ, and their keys."""

    cash: float = field(default=1_000_000.0, validator=gt(0))
    """How many USDT the account holds at the start."""

    fee: float = field(default=0.0, validator=ge(0))
    """What an execution costs, as a share of its value."""

    fee_in_quote: bool = True
    """Whether the fee of a purchase is taken in USDT; False: in the coin that was bought."""

    price: float = field(default=100.0, validator=gt(0))
    """Where every price starts."""

    volatility: float = field(default=0.0005, validator=ge(0))
    """Standard deviation of one step of the random walk, as a fraction of the price."""

    tick: Duration = field(default=NANOS, validator=gt(0))
    """How often prices move."""

    still: bool = False
    """Leave prices where they are, until a test moves them."""

    replay: str = field(default="", validator=instance_of(str))
    """A file of recorded frames of the market's websockets, one JSON object a line: `{"at": 1700000000000, "frame": {...}}`
    with the time in milliseconds. They are sent as they are, at their distances in time. Empty: a random walk."""

    replay_speed: float = field(default=1.0, validator=gt(0))
    """How many times as fast as they were recorded frames are sent."""

    requests_per_second: int = field(default=0, validator=ge(0))
    """How many requests are answered per second before status 429; 0 means no limit."""
