"""The options of the simulator."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, in_, instance_of

from ml4t.live.config import Duration
from ml4t.live.times import NANOS

POSITION_MODES = ("net_mode", "long_short_mode")


@frozen(kw_only=True)
class OKXSimulatorConfig:
    """A simulated OKX account and its market: BTC, ETH and SOL against USDT, as spot, swap and future."""

    port: int = field(default=0, validator=ge(0))
    """The port on 127.0.0.1; 0 takes a free one."""

    seed: int = 1
    """Where the random walk and the ids begin: the same seed makes the same prices."""

    kind: str = field(default="paper", validator=in_(("paper", "live")))
    """The kind of account: `paper` (demo trading, whose requests need their header) or `live`."""

    cash: float = field(default=1_000_000.0, validator=gt(0))
    """How many USDT the account holds at the start."""

    position_mode: str = field(default="net_mode", validator=in_(POSITION_MODES))
    """`net_mode`: one position a contract. `long_short_mode`: a long one and a short one."""

    fee: float = field(default=0.0, validator=ge(0))
    """What an execution costs, as a share of its value."""

    fee_in_quote: bool = True
    """Whether the fee of a spot purchase is taken in the quote currency; False: in the coin that was bought."""

    price: float = field(default=100.0, validator=gt(0))
    """Where every price starts."""

    volatility: float = field(default=0.0005, validator=ge(0))
    """Standard deviation of one step of the random walk, as a fraction of the price."""

    tick: Duration = field(default=NANOS, validator=gt(0))
    """How often prices move."""

    still: bool = False
    """Leave prices where they are, until a test moves them."""

    replay: str = field(default="", validator=instance_of(str))
    """A file of recorded websocket frames, one JSON object a line: `{"at": 1700000000000, "frame": {...}}` with the time in
    milliseconds. They are sent as they are, at their distances in time. Empty: a random walk."""

    replay_speed: float = field(default=1.0, validator=gt(0))
    """How many times as fast as they were recorded frames are sent."""

    largest_fill: float = field(default=0.0, validator=ge(0))
    """No execution is larger than this, in what an order is written in; 0 fills orders whole."""

    requests_per_second: int = field(default=0, validator=ge(0))
    """How many requests are answered per second before error 50011; 0 means no limit."""

    connections_per_second: int = field(default=0, validator=ge(0))
    """How many websockets may be opened per second; OKX allows 3, 0 means no limit."""

    operations_per_hour: int = field(default=480, validator=ge(0))
    """How many subscriptions, ends of them and logins one websocket may send per hour; 0 means no limit."""

    silence: Duration = field(default=30 * NANOS, validator=gt(0))
    """A websocket on which nothing has moved for so long is closed."""
